import type { Broker, News } from '../redis/broker.js';
import { Alarm } from './alarm.js';

/** Another process may have put something that is due earlier than all we know of. */
const longestLookMs = 1_000;

/**
 * Makes delayed messages ready when they are due: as long as somebody here takes, whoever put them; otherwise what was
 * put here, as long as something else keeps the process alive.
 */
export class Promoter {
  readonly #alarm = new Alarm(() => void this.#look());
  #isWatching = false;
  #owes = false;

  /** @param onPromoted told when something became ready */
  constructor(
    private readonly broker: Broker,
    private readonly onPromoted: () => void,
  ) {}

  /** Somebody here takes. */
  start(): void {
    this.#isWatching = true;
    this.#alarm.in(longestLookMs);
  }

  /** Nobody here takes any more. */
  stop(): void {
    this.#isWatching = false;
    if (!this.#owes) this.#alarm.stop();
  }

  hear({ nextDueMs = Infinity }: News): void {
    this.#alarm.in(Math.min(nextDueMs, this.#isWatching ? longestLookMs : Infinity));
  }

  /** Something was delayed by this process. */
  owe(news: News): void {
    this.#owes = true;
    this.hear(news);
  }

  /** What was delayed here is left to others. */
  forget(): void {
    this.#owes = false;
    if (!this.#isWatching) this.#alarm.stop();
  }

  /** One pass. */
  async promote(): Promise<News> {
    // Idle processes look each second: where nothing is delayed, one cheap command is enough.
    if (!(await this.broker.hasDelayed({ withinMs: 0 }))) return {};
    const { promoted, ...news } = await this.broker.promote({ withinMs: 0 });
    if (promoted > 0) this.onPromoted();
    return news;
  }

  async #look(): Promise<void> {
    const news = await this.promote().catch((): News => ({ nextDueMs: longestLookMs })); // away: the next look finds out
    this.#owes &&= news.nextDueMs !== undefined;
    if (this.#isWatching || this.#owes) this.hear(news);
  }
}
