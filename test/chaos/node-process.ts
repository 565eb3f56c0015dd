import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { realProgram } from '../support/servers.js';
import { OwnChild } from './children.js';

/** Everything that it acknowledged is in its append-only file, which a SIGKILL leaves whole: so it can be looked at afterwards. */
const keepsAll = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'no', '--repl-diskless-sync-delay', '0', '--repl-timeout', '5', '--repl-ping-replica-period', '1'];

/** One Redis among several, on a port of loopback, which may be killed, frozen, and started again at the same place. */
export class NodeProcess {
  /** Straight to this node, whatever its role. */
  readonly client: Redis;
  #child: OwnChild | undefined;

  constructor(
    readonly dir: string,
    readonly port: number,
    private readonly settings: readonly string[],
  ) {
    mkdirSync(dir, { recursive: true });
    this.client = new Redis({ port, host: '127.0.0.1', lazyConnect: true, maxRetriesPerRequest: null, retryStrategy: () => 50 });
    this.client.on('error', () => {});
  }

  async start(more: readonly string[] = []): Promise<void> {
    this.#child = await launch(this.dir, ['--port', String(this.port), ...keepsAll, ...this.settings, ...more]);
    await this.client.ping();
  }

  /** Such as `role` or `master_repl_offset`; `''` when it is not told. */
  async info(section: string, field: string): Promise<string> {
    return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(await this.client.info(section))?.[1] ?? '';
  }

  /**
   * How many replicas have all that it had when it was asked. Being `online` is not enough: for up to a second after a
   * full synchronisation a replica is sent nothing, until it has spoken.
   */
  async followers(): Promise<number> {
    const offset = Number(await this.info('replication', 'master_repl_offset'));
    for (const givenUpAt = Date.now() + 3_000; ; await pause(25)) {
      const replicas = [...(await this.client.info('replication')).matchAll(/^slave\d+:.*state=online,offset=(\d+)/gm)];
      const those = replicas.filter(([, its]) => Number(its) >= offset).length;
      if (those === replicas.length || Date.now() > givenUpAt) return those;
    }
  }

  freeze(): void {
    this.#child!.signal('SIGSTOP');
  }

  thaw(): void {
    this.#child!.signal('SIGCONT');
  }

  async kill(): Promise<void> {
    await this.#child!.kill();
  }

  get isOver(): boolean {
    return this.#child?.isOver ?? true;
  }

  /**
   * Shows what it had when it was killed: its file, in a server that nobody else knows. `--port 0` keeps it from
   * everybody; it is gone when `look` is over.
   */
  async autopsy<T>(look: (client: Redis) => Promise<T>): Promise<T> {
    const socket = path.join(this.dir, 'autopsy');
    const child = await launch(this.dir, ['--port', '0', '--unixsocket', socket, ...keepsAll]);
    const client = new Redis({ path: socket, maxRetriesPerRequest: null, retryStrategy: () => 50 });
    client.on('error', () => {});
    try {
      await client.ping();
      return await look(client);
    } finally {
      client.disconnect();
      await child.kill();
    }
  }

  async close(): Promise<void> {
    this.client.disconnect();
    await this.#child?.kill();
  }
}

/** A server program in a process of ours. */
export async function launch(dir: string, args: readonly string[]): Promise<OwnChild> {
  const { binary, env } = await realProgram().catch((error: unknown) => {
    throw new Error(`no redis-server on this machine, which is also its Sentinel, and none could be installed: ${String(error)}`);
  });
  return OwnChild.start(binary, [...args, '--bind', '127.0.0.1', '--dir', dir, '--enable-debug-command', 'local'], { cwd: dir, env: { ...process.env, ...env }, output: path.join(dir, 'log') });
}
