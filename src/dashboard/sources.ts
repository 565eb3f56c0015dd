import { HotQueue, type HotQueue as Queue } from 'hotqueue';
import { jsonTextSerializer, type JsonText } from '../cli/json-text.js';
import { Snapshots } from '../inspect/snapshot.js';
import type { ResolvedOptions } from './options.js';
import { Poller } from './poller.js';
import { RefusedRequest } from './refusals.js';
import { Texts } from './shown.js';

/** A queue whose payloads are JSON as text: the dashboard passes them on as they are. */
export type TextQueue = Queue<JsonText>;

/** How long the poller waits for Redis, before the page says that it does not answer. */
const patience = { withinMs: 2_000 };

/** What all requests share: the queues, which are opened once, and the poller. */
export class Sources {
  readonly texts: Texts;
  readonly poller: Poller;
  readonly #opened = new Map<string, TextQueue>();

  constructor(readonly options: ResolvedOptions) {
    this.texts = new Texts(options.redact);
    const snapshots = new Snapshots(options.address, options.names, (name) => this.open(name), patience);
    this.poller = new Poller(snapshots, (name) => this.open(name).workers.watch());
  }

  /** A queue that the dashboard shows. @throws RefusedRequest if there is none */
  async queue(name: string): Promise<TextQueue> {
    if (this.options.names.length > 0 ? this.options.names.includes(name) : await this.#exists(name))
      return this.open(name);
    throw new RefusedRequest(404, 'NO_QUEUE', `there is no queue with the name "${name.slice(0, 200)}" here`);
  }

  /** Opens a queue without looking whether it is there. */
  open(name: string): TextQueue {
    const known = this.#opened.get(name);
    if (known) return known;
    const queue = new HotQueue(name, {
      ...this.options.address,
      serializer: jsonTextSerializer,
      logger: false,
    }) as unknown as TextQueue;
    this.#opened.set(name, queue);
    return queue;
  }

  async close(): Promise<void> {
    await this.poller.close();
    await Promise.all([...this.#opened.values()].map((queue) => queue.close()));
  }

  async #exists(name: string): Promise<boolean> {
    if (this.#opened.has(name)) return true;
    const { queues } = await this.poller.overview();
    return queues.some((queue) => queue.name === name);
  }
}
