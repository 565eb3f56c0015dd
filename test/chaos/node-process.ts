import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { realProgram } from '../support/servers.js';
import { OwnChild } from './children.js';

/** Settings that keep every acknowledged write in the append-only file, also after a SIGKILL, for {@link NodeProcess.autopsy}. */
const keepsAll = [
  '--save',
  '',
  '--appendonly',
  'yes',
  '--appendfsync',
  'no',
  '--repl-diskless-sync-delay',
  '0',
  '--repl-timeout',
  '5',
  '--repl-ping-replica-period',
  '1',
];

/** One of several Redis nodes, on a loopback port. It can be killed, frozen and started again with the same data and port. */
export class NodeProcess {
  /** Client that is connected to this node only, in any role. */
  readonly client: Redis;
  #child: OwnChild | undefined;

  constructor(
    readonly dir: string,
    readonly port: number,
    private readonly settings: readonly string[],
  ) {
    mkdirSync(dir, { recursive: true });
    this.client = new Redis({
      port,
      host: '127.0.0.1',
      lazyConnect: true,
      maxRetriesPerRequest: null,
      retryStrategy: () => 50,
    });
    this.client.on('error', () => {});
  }

  async start(more: readonly string[] = []): Promise<void> {
    this.#child = await launch(this.dir, ['--port', String(this.port), ...keepsAll, ...this.settings, ...more]);
    await answers(this.#child, this.client, this.dir);
  }

  /** A field of `INFO`, such as `role` or `master_repl_offset`; `''` if the reply does not have it. */
  async info(section: string, field: string): Promise<string> {
    return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(await this.client.info(section))?.[1] ?? '';
  }

  /**
   * Number of replicas that have every write up to now. The state `online` is not enough: for up to a second after a full
   * synchronisation, a master sends a replica nothing until the replica has sent its first message.
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
   * Reads the data that this node had when it was killed. It starts a server on the append-only file. The server has no TCP
   * port (`--port 0`), so no other client or node reaches it, and it ends after `look`.
   */
  async autopsy<T>(look: (client: Redis) => Promise<T>): Promise<T> {
    const socket = path.join(this.dir, 'autopsy');
    const child = await launch(this.dir, ['--port', '0', '--unixsocket', socket, ...keepsAll]);
    const client = new Redis({ path: socket, maxRetriesPerRequest: null, retryStrategy: () => 50 });
    client.on('error', () => {});
    try {
      await answers(child, client, this.dir);
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

/** Waits for the first reply of a server. @throws with the end of its log if it ends before, such as one whose port is taken */
export async function answers(child: OwnChild, client: Redis, dir: string): Promise<void> {
  const ended = child.ended.then((how) => {
    throw new Error(
      `a server ended (${how}) before it answered: ${readFileSync(path.join(dir, 'log'), 'utf8').slice(-500)}`,
    );
  });
  await Promise.race([client.ping(), ended]);
}

/** Starts a Redis server or a Sentinel. */
export async function launch(dir: string, args: readonly string[]): Promise<OwnChild> {
  const { binary, env } = await realProgram().catch((error: unknown) => {
    throw new Error(
      `no redis-server found, which Sentinel needs too, and its installation failed: ${String(error)}. Install redis-server`,
    );
  });
  return OwnChild.start(binary, [...args, '--bind', '127.0.0.1', '--dir', dir, '--enable-debug-command', 'local'], {
    cwd: dir,
    env: { ...process.env, ...env },
    output: path.join(dir, 'log'),
  });
}
