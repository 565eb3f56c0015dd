import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Redis } from 'ioredis';
import { freePorts } from '../support/ports.js';
import type { OwnChild } from './children.js';
import { answers, launch, NodeProcess } from './node-process.js';
import { comes } from './patience.js';

const group = 'chaos';
/** Ms without a reply after which Sentinel treats a master as down. With 1,000 on a busy machine, it once replaced a master that had just been promoted. */
const downAfterMs = 2_000;

/** A master, two replicas and three Sentinels that watch them, on loopback. */
export class SentinelGroup {
  #master: NodeProcess;

  private constructor(
    readonly nodes: readonly NodeProcess[],
    private readonly sentinels: readonly { readonly child: OwnChild; readonly client: Redis; readonly port: number }[],
  ) {
    this.#master = nodes[0]!;
  }

  static async start(dir: string, settings: readonly string[] = []): Promise<SentinelGroup> {
    const [first, second, third, ...watching] = (await freePorts(6)) as [number, number, number, ...number[]];
    const nodes = [first, second, third].map((port) => new NodeProcess(path.join(dir, String(port)), port, settings));
    for (const node of nodes) await node.start(node === nodes[0] ? [] : follow(first));
    await comes('two replicas', async () => (await nodes[0]!.followers()) === 2);
    const sentinels = await Promise.all(
      watching.map((port) => startSentinel(path.join(dir, `sentinel-${port}`), port, first)),
    );
    const it = new SentinelGroup(nodes, sentinels);
    await it.#seesAll();
    return it;
  }

  get road(): { readonly sentinels: readonly number[]; readonly group: string } {
    return { sentinels: this.sentinels.map(({ port }) => port), group };
  }

  get master(): NodeProcess {
    return this.#master;
  }

  get replicas(): readonly NodeProcess[] {
    return this.nodes.filter((node) => node !== this.#master);
  }

  /** Resolves when every Sentinel names the same new master, and that node reports the role of master. */
  async promoted(): Promise<void> {
    const former = this.#master.port;
    await comes('another master', async () => {
      const named = await Promise.all(
        this.sentinels.map(async ({ client }) =>
          Number(((await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', group)) as string[])[1]),
        ),
      );
      const node = this.nodes.find(({ port }) => port === named[0]);
      if (
        !node ||
        node.port === former ||
        named.some((port) => port !== node.port) ||
        (await node.info('replication', 'role')) !== 'master'
      )
        return false;
      this.#master = node;
      return true;
    });
  }

  /**
   * Fails over without loss, as an operator does it: writes stay paused until the old master is a replica. Without the
   * pause, the old master acknowledges writes until it notices the promotion, about ten seconds later.
   */
  async handOver(): Promise<void> {
    const former = this.#master;
    await former.client.call('CLIENT', 'PAUSE', 60_000, 'WRITE');
    const offset = Number(await former.info('replication', 'master_repl_offset'));
    await comes('replicas with all writes', async () =>
      (await Promise.all(this.replicas.map((node) => node.info('replication', 'slave_repl_offset')))).every(
        (one) => Number(one) >= offset,
      ),
    );
    await this.sentinels[0]!.client.call('SENTINEL', 'FAILOVER', group);
    await this.promoted();
    await former.client.call('REPLICAOF', '127.0.0.1', this.#master.port);
    await former.client.call('CLIENT', 'UNPAUSE');
  }

  /** Starts a killed node again, as a replica. */
  async rejoin(node: NodeProcess): Promise<void> {
    await node.start(follow(this.#master.port));
    await this.settled();
  }

  /** Resolves when the master has both replicas again, and every Sentinel knows all nodes. */
  async settled(): Promise<void> {
    await comes('two replicas again', async () => (await this.#master.followers()) === 2);
    await this.#seesAll();
  }

  async close(): Promise<void> {
    for (const { client, child } of this.sentinels) {
      client.disconnect();
      await child.kill();
    }
    await Promise.all(this.nodes.map((node) => node.close()));
  }

  async #seesAll(): Promise<void> {
    await comes('three Sentinels that agree', async () => {
      const views = await Promise.all(
        this.sentinels.map(({ client }) => client.call('SENTINEL', 'MASTER', group) as Promise<string[]>),
      );
      return views.every((view) => {
        const of = (field: string): string => view[view.indexOf(field) + 1]!;
        return of('num-slaves') === '2' && of('num-other-sentinels') === '2' && of('flags') === 'master';
      });
    });
    // Sentinel does not promote a replica before it has seen a working link to the master.
    await comes('replicas that can be promoted', async () => {
      const views = await Promise.all(
        this.sentinels.map(({ client }) => client.call('SENTINEL', 'REPLICAS', group) as Promise<string[][]>),
      );
      return views
        .flat()
        .every(
          (view) =>
            view[view.indexOf('flags') + 1] === 'slave' && view[view.indexOf('master-link-status') + 1] === 'ok',
        );
    });
  }
}

const follow = (port: number): string[] => ['--replicaof', `127.0.0.1 ${port}`];

async function startSentinel(
  dir: string,
  port: number,
  master: number,
): Promise<{ child: OwnChild; client: Redis; port: number }> {
  mkdirSync(dir, { recursive: true });
  const file = path.join(dir, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    `sentinel monitor ${group} 127.0.0.1 ${master} 2`,
    `sentinel down-after-milliseconds ${group} ${downAfterMs}`,
    `sentinel failover-timeout ${group} 5000`,
    `sentinel parallel-syncs ${group} 2`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const child = await launch(dir, [file, '--sentinel']);
  const client = new Redis({
    port,
    host: '127.0.0.1',
    maxRetriesPerRequest: null,
    retryStrategy: () => 50,
    enableReadyCheck: false,
  });
  client.on('error', () => {});
  await answers(child, client, dir);
  return { child, client, port };
}
