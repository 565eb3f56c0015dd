import { Redis } from 'ioredis';
import { until } from './clock.js';
import { emptyRedis } from './empty-redis.js';
import { realProgram, startRedis } from './redis.js';

/** The private servers of a run: one for all, and one more for each way of keeping a file, started when it is needed. */
export class Servers {
  #running = new Map();

  constructor(program) {
    this.program = program;
  }

  static async start() {
    return new Servers(await realProgram());
  }

  async get(kind) {
    if (!this.#running.has(kind)) this.#running.set(kind, await startRedis(this.program, kind));
    return this.#running.get(kind);
  }

  /** Nothing of the one before is left to the next: no key, no script, no statistics. */
  async empty({ address, kind }) {
    await emptyRedis(address);
    if (kind !== 'plain') await this.#rewritten(address);
  }

  async stop() {
    for (const server of this.#running.values()) await server.stop();
  }

  /** The file starts small again. */
  async #rewritten(address) {
    const client = new Redis(address);
    await this.#unlessRewriting(client);
    await client.bgrewriteaof();
    await this.#unlessRewriting(client);
    client.disconnect();
  }

  async #unlessRewriting(client) {
    const isDone = await until(async () => /aof_rewrite_in_progress:0/.test(await client.info('persistence')), 30_000, 50);
    if (!isDone) throw new Error('Redis has been rewriting its file for half a minute');
  }
}
