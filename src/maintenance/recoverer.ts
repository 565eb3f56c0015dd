import { emit } from '../core/events.js';
import type { QueueHints, RecoverReply } from '../redis/transitions.js';
import type { MaintainedQueue } from '../redis/queue-context.js';
import { DeadlineTimer } from './deadline-timer.js';

/** Random delay, so that the idle workers of many processes do not ask at once. The first that asks recovers the messages. */
const longestJitterMs = 200;
const leasesPerLook = 100;

/** Gives back the messages of workers that lost their lease. */
export class Recoverer {
  readonly #timer = new DeadlineTimer(() => void this.#look());
  #recovering: Promise<boolean> | undefined;

  /**
   * @param onRecovered called when messages came back
   * @param onEnded called when a worker was recovered, with messages or without
   */
  constructor(
    private readonly queue: MaintainedQueue,
    private readonly onRecovered: () => void,
    private readonly onEnded: () => void,
  ) {}

  stop(): void {
    this.#timer.stop();
  }

  /** Recovers when the next lease ends, unless it is renewed until then. */
  observe({ lease }: QueueHints): void {
    if (lease) this.#timer.in(lease.endsInMs + Math.random() * longestJitterMs);
  }

  /** Recovers every worker whose lease has ended. Calls at the same time share it. @returns whether there was one */
  recoverEnded(): Promise<boolean> {
    this.#recovering ??= this.#recoverEnded().finally(() => (this.#recovering = undefined));
    return this.#recovering;
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
    this.onEnded();
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

  async #recoverEnded(): Promise<boolean> {
    for (let isAny = false; ; isAny = true) {
      const leases = await this.queue.broker.reader.firstLeases(leasesPerLook, { withinMs: 0 });
      const next = leases.find(({ endsInMs }) => endsInMs > 0);
      if (next) this.observe({ lease: next });
      let isRecovered = false;
      for (const { worker, endsInMs } of leases) {
        // One after the other, so that Redis serves other clients in between.
        if (endsInMs <= 0 && (await this.recover(worker))) isRecovered = true;
      }
      if (!isRecovered) return isAny; // the leases that had ended, if any, were extended after an outage
    }
  }

  async #look(): Promise<void> {
    await this.recoverEnded().catch(() => undefined); // Redis is away: the next heartbeat or take reports the lease again
  }
}
