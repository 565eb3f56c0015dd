import type { Logger } from '../core/logger.js';
import type { Broker, QueueHints, RecoverReply } from '../redis/broker.js';
import { DeadlineTimer } from './deadline-timer.js';

/** Random delay, so that the idle workers of many processes do not ask at once. The first that asks recovers the messages. */
const longestJitterMs = 200;

/** Gives back the messages of workers that lost their lease. */
export class Recoverer {
  readonly #alarm = new DeadlineTimer(() => void this.#look());
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
  observe({ lease }: QueueHints): void {
    if (!lease) return;
    this.#next = lease.worker;
    this.#alarm.in(lease.endsInMs + Math.random() * longestJitterMs);
  }

  /** One pass over one worker. @returns whether its lease had ended */
  async recover(worker: string): Promise<boolean> {
    const found = await this.broker.recover(worker, this.wire, { withinMs: 0 });
    if ('endsInMs' in found) {
      this.observe({ lease: { worker, endsInMs: found.endsInMs } });
      return false;
    }
    if (found.waiting + found.quarantined + found.buried > 0) this.#tell(worker, found);
    return true;
  }

  #tell(worker: string, { waiting, quarantined, buried }: RecoverReply): void {
    const { base } = this.broker.keys;
    this.logger.warn(
      `worker ${worker} of ${base} stopped renewing its lease: ${waiting + quarantined} message(s) went back to the queue, ${buried} buried after the third crash`,
    );
    this.onRecovered();
  }

  async #look(): Promise<void> {
    const worker = this.#next;
    if (!worker) return;
    await this.recover(worker).catch(() => undefined); // Redis is away: the next heartbeat or take reports the lease again
  }
}
