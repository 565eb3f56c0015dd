import type { Logger } from '../contract/logger.js';
import type { Broker, News, Recovered } from '../redis/broker.js';
import { Alarm } from './alarm.js';

/** So that the idle workers of many processes do not all ask at once; the first one that asks does it. */
const longestJitterMs = 200;

/** Gives back what workers held whose lease has ended. */
export class Recoverer {
  readonly #alarm = new Alarm(() => void this.#look());
  #next: string | undefined;

  /** @param onRecovered told when messages came back */
  constructor(
    private readonly broker: Broker,
    private readonly wire: 'hotqueue' | 'plain',
    private readonly logger: Logger,
    private readonly onRecovered: () => void,
  ) {}

  stop(): void {
    this.#alarm.stop();
  }

  /** A lease ends then, unless it is renewed: look at whose it is when the time has come. */
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
    this.logger.warn(`worker ${worker} of ${base} is gone: ${ready + suspects} message(s) given back, ${buried} buried after their third crash`);
    this.onRecovered();
  }

  async #look(): Promise<void> {
    const worker = this.#next;
    if (!worker) return;
    await this.recover(worker).catch(() => undefined); // away: the next beat or take tells again
  }
}
