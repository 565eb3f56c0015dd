import { Redis } from 'ioredis';
import { until } from './clock.js';
import { emptyRedis } from './empty-redis.js';
import { realProgram, startRedis } from './redis.js';

/** The private servers of a run: one for each kind of persistence. Each is started when it is first needed. */
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

  /** Removes everything that the last measurement left: keys, scripts, statistics. */
  async empty({ address, kind }) {
    await emptyRedis(address);
    if (kind !== 'plain') await this.#rewritten(address);
  }

  async stop() {
    for (const server of this.#running.values()) await server.stop();
  }

  /** Rewrites the append-only file, so that it is small again. */
  async #rewritten(address) {
    const client = new Redis(address);
    await this.#unlessRewriting(client);
    await client.bgrewriteaof();
    await this.#unlessRewriting(client);
    client.disconnect();
  }

  async #unlessRewriting(client) {
    const isDone = await until(
      async () => /aof_rewrite_in_progress:0/.test(await client.info('persistence')),
      30_000,
      50,
    );
    if (!isDone) throw new Error('Redis did not finish rewriting its append-only file within 30 s');
  }
}
