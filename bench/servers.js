import { Redis } from 'ioredis';
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
    const client = new Redis(address);
    await client.flushall();
    await client.script('FLUSH');
    await client.config('RESETSTAT');
    if (kind !== 'plain') await this.#rewritten(client);
    client.disconnect();
  }

  async stop() {
    for (const server of this.#running.values()) await server.stop();
  }

  /** The file starts small again: otherwise Redis would write it anew in the middle of somebody's measurement. */
  async #rewritten(client) {
    await client.bgrewriteaof();
    for (let attempt = 0; attempt < 200; attempt += 1) {
      if (/aof_rewrite_in_progress:0/.test(await client.info('persistence'))) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
