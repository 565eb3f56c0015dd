import type { Broker, News } from '../redis/broker.js';
import { Alarm } from './alarm.js';

/** Another process may have put something that is due earlier than all we know of. */
const longestLookMs = 1_000;

/** Makes delayed messages ready when they are due. */
export class Promoter {
  readonly #alarm = new Alarm(() => void this.#look());

  /** @param onPromoted told when something became ready */
  constructor(
    private readonly broker: Broker,
    private readonly onPromoted: () => void,
  ) {}

  start(): void {
    this.#alarm.in(longestLookMs);
  }

  stop(): void {
    this.#alarm.stop();
  }

  hear({ nextDueMs = longestLookMs }: News): void {
    this.#alarm.in(Math.min(nextDueMs, longestLookMs));
  }

  /** One pass. */
  async promote(): Promise<News> {
    const { promoted, ...news } = await this.broker.promote({ withinMs: 0 });
    if (promoted > 0) this.onPromoted();
    return news;
  }

  async #look(): Promise<void> {
    this.hear(await this.promote().catch(() => ({}))); // away: the next look finds out
  }
}
