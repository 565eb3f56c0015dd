import { existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ping } from '../../src/embedded/ping.js';
import { realProgram } from '../support/servers.js';
import { OwnChild } from './children.js';

/** How Redis syncs acknowledged writes to disk, which decides how many a kill loses. `none` writes no file. */
export type Durability = 'always' | 'everysec' | 'none';

/** The Redis of one scenario. It can be killed, frozen and started again with the same data and address. */
export class RedisProcess {
  readonly socket: string;
  #child: OwnChild | undefined;

  private constructor(
    private readonly dir: string,
    private readonly settings: readonly string[],
    private readonly log: (kind: string, fields?: object) => void,
  ) {
    this.socket = path.join(dir, 's');
  }

  static async start(
    dir: string,
    durability: Durability,
    log: (kind: string, fields?: object) => void,
    more: readonly string[] = [],
  ): Promise<RedisProcess> {
    mkdirSync(dir, { recursive: true });
    const aof = durability === 'none' ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--appendfsync', durability];
    const redis = new RedisProcess(dir, [...aof, ...more], log);
    await redis.start();
    return redis;
  }

  get url(): string {
    return `unix://${this.socket}`;
  }

  async start(): Promise<void> {
    const { binary, env } = await realProgram();
    rmSync(this.socket, { force: true });
    const args = [
      '--port',
      '0',
      '--unixsocket',
      this.socket,
      '--dir',
      this.dir,
      '--save',
      '',
      '--enable-debug-command',
      'local',
      ...this.settings,
    ];
    this.#child = OwnChild.start(binary, args, {
      cwd: this.dir,
      env: { ...process.env, ...env },
      output: path.join(this.dir, 'log'),
    });
    for (const givenUpAt = Date.now() + 20_000; ;) {
      if (existsSync(this.socket) && (await ping({ path: this.socket }, 500)) === 'ready') return;
      if (this.#child.isOver || Date.now() > givenUpAt)
        throw new Error(`Redis did not start in ${this.dir}: see its log there`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async kill(): Promise<void> {
    this.log('redis-kill');
    await this.#child!.kill();
  }

  freeze(): void {
    this.log('redis-freeze');
    this.#child!.signal('SIGSTOP');
  }

  thaw(): void {
    this.#child!.signal('SIGCONT');
    this.log('redis-thaw');
  }

  async close(): Promise<void> {
    await this.#child?.kill();
  }
}
