import type { Logger } from '../contract/logger.js';
import type { Broker, News, Recovered } from '../redis/broker.js';
import { Alarm } from './alarm.js';

/** Random delay, so that the idle workers of many processes do not ask at once. The first that asks recovers the messages. */
const longestJitterMs = 200;

/** Gives back the messages of workers that lost their lease. */
export class Recoverer {
  readonly #alarm = new Alarm(() => void this.#look());
  #next: string | undefined;

  /** @param onRecovered called when messages came back */
  constructor(
    private readonly broker: Broker,
    private readonly wire: 'hotqueue' | 'plain',
    private readonly logger: Logger,
    private readonly onRecovered: () => void,
  ) {}

  stop(): void {
    this.#alarm.stop();
  }

  /** Looks at the worker with the next lease when that lease ends: it may have been renewed. */
  hear({ lease }: News): void {
    if (!lease) return;
    this.#next = lease.worker;
    this.#alarm.in(lease.endsInMs + Math.random() * longestJitterMs);
  }

  /** One pass over one worker. @returns whether its lease had ended */
  async recover(worker: string): Promise<boolean> {
    const found = await this.broker.recover(worker, this.wire, { withinMs: 0 });
    if ('endsInMs' in found) {
      this.hear({ lease: { worker, endsInMs: found.endsInMs } });
      return false;
    }
    if (found.ready + found.suspects + found.buried > 0) this.#tell(worker, found);
    return true;
  }

  #tell(worker: string, { ready, suspects, buried }: Recovered): void {
    const { base } = this.broker.keys;
    this.logger.warn(`worker ${worker} of ${base} stopped renewing its lease: ${ready + suspects} message(s) went back to the queue, ${buried} buried after the third crash`);
    this.onRecovered();
  }

  async #look(): Promise<void> {
    const worker = this.#next;
    if (!worker) return;
    await this.recover(worker).catch(() => undefined); // Redis is away: the next heartbeat or take reports the lease again
  }
}
