import { emit } from '../core/events.js';
import type { QueueHints, RecoverReply } from '../redis/transitions.js';
import type { MaintainedQueue } from '../redis/queue-context.js';
import { DeadlineTimer } from './deadline-timer.js';

/** Random delay, so that the idle workers of many processes do not ask at once. The first that asks recovers the messages. */
const longestJitterMs = 200;

/** Gives back the messages of workers that lost their lease. */
export class Recoverer {
  readonly #timer = new DeadlineTimer(() => void this.#look());
  #next: string | undefined;

  /** @param onRecovered called when messages came back */
  constructor(
    private readonly queue: MaintainedQueue,
    private readonly onRecovered: () => void,
  ) {}

  stop(): void {
    this.#timer.stop();
  }

  /** Looks at the worker with the next lease when that lease ends: it may have been renewed. */
  observe({ lease }: QueueHints): void {
    if (!lease) return;
    this.#next = lease.worker;
    this.#timer.in(lease.endsInMs + Math.random() * longestJitterMs);
  }

  /** One pass over one worker. @returns whether its lease had ended */
  async recover(worker: string): Promise<boolean> {
    const { broker, wire } = this.queue;
    const found = await broker.recover(worker, wire, { withinMs: 0 });
    if ('endsInMs' in found) {
      this.observe({ lease: { worker, endsInMs: found.endsInMs } });
      return false;
    }
    if (found.waiting + found.quarantined + found.buried > 0) this.#announce(worker, found);
    return true;
  }

  #announce(worker: string, { waiting, quarantined, buried }: RecoverReply): void {
    const { name: queue, events, logger } = this.queue;
    this.onRecovered();
    logger.warn(
      { queue, event: 'recover', worker, waiting, quarantined, buried },
      `worker ${worker} of queue "${queue}" stopped renewing its lease: ${waiting + quarantined} message(s) went back to the queue, ${buried} buried after the third crash`,
    );
    emit(events, 'recover', { queue, worker, waiting, quarantined, buried });
  }

  async #look(): Promise<void> {
    const worker = this.#next;
    if (!worker) return;
    await this.recover(worker).catch(() => undefined); // Redis is away: the next heartbeat or take reports the lease again
  }
}
