import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePorts } from '../support/ports.js';
import { NodeProcess } from './node-process.js';
import { comes } from './patience.js';

const slots = 16_384;
const masters = 3;
/** Ms without a reply after which the other nodes treat a node as down. */
const nodeTimeoutMs = 1_000;

/** A cluster of three masters with one replica each, on loopback. */
export class ClusterNodes {
  /** The cluster id of each node; it never changes. */
  readonly #ids = new Map<NodeProcess, string>();

  private constructor(readonly nodes: readonly NodeProcess[]) {}

  static async start(dir: string, settings: readonly string[] = []): Promise<ClusterNodes> {
    const ports = await freePorts(2 * masters);
    const own = [
      '--cluster-enabled',
      'yes',
      '--cluster-node-timeout',
      String(nodeTimeoutMs),
      '--cluster-migration-barrier',
      '99',
      ...settings,
    ];
    const it = new ClusterNodes(ports.map((port) => new NodeProcess(path.join(dir, String(port)), port, own)));
    await it.#join();
    return it;
  }

  get road(): { readonly cluster: readonly number[] } {
    return { cluster: this.nodes.map(({ port }) => port) };
  }

  /** Resolves with the master of a key's slot, once that node and all other running nodes agree on it. */
  async owner(key: string): Promise<NodeProcess> {
    const slot = await this.#slot(key);
    let owner: NodeProcess | undefined;
    await comes(`one owner of slot ${slot}`, async () => {
      const told = await Promise.all(this.nodes.filter((node) => !node.isOver).map((node) => portOf(node, slot)));
      owner = this.nodes.find(({ port }) => port === told[0]);
      return (
        owner !== undefined &&
        !owner.isOver &&
        told.every((port) => port === owner!.port) &&
        (await owner.info('replication', 'role')) === 'master'
      );
    });
    return owner!;
  }

  /** The replica of a master. */
  async heir(master: NodeProcess): Promise<NodeProcess> {
    for (const node of this.nodes) {
      if (node.isOver || (await node.info('replication', 'role')) === 'master') continue;
      if (Number(await node.info('replication', 'master_port')) === master.port) return node;
    }
    throw new Error(`the node at port ${master.port} has no replica`);
  }

  /** Planned failover, as an operator does it: the replica of a key's master takes over with all its data. @returns the new master */
  async handOver(key: string): Promise<NodeProcess> {
    const heir = await this.heir(await this.owner(key));
    // Too soon after the last election, the replica gets no votes, and the waiting master refuses writes for five seconds.
    await pause(2.5 * nodeTimeoutMs);
    // A replica that gets no votes gives up after five seconds, and says so only in its log. So it is asked again.
    let askAt = 0;
    await comes('a replica that took over', async () => {
      if (Date.now() > askAt && (await heir.info('replication', 'role')) === 'slave') {
        askAt = Date.now() + 6_000;
        await heir.client.call('CLUSTER', 'FAILOVER');
      }
      return (await this.owner(key)) === heir;
    });
    return heir;
  }

  /** Resolves when all nodes are up, each master has its replica, and the cluster accepts commands for all slots. */
  async settled(): Promise<void> {
    await comes('six nodes that agree', async () => {
      for (const node of this.nodes) {
        if (!String(await node.client.call('CLUSTER', 'INFO')).includes('cluster_state:ok')) return false;
        if (/fail|handshake|noaddr/.test(String(await node.client.call('CLUSTER', 'NODES')))) return false;
        if (
          (await node.info('replication', 'role')) === 'master'
            ? (await node.followers()) === 0
            : (await node.info('replication', 'master_link_status')) !== 'up'
        )
          return false;
      }
      return true;
    });
  }

  /** Moves the slot of a key to another master, key by key, as `redis-cli --cluster reshard` does. @returns the number of moved keys */
  async migrate(key: string, to: NodeProcess, pauseMs: () => number): Promise<number> {
    const slot = await this.#slot(key);
    const from = await this.owner(key);
    const [source, target] = [this.#ids.get(from)!, this.#ids.get(to)!];
    await to.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', source);
    await from.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target);
    let moved = 0;
    for (
      let keys: string[];
      (keys = (await from.client.call('CLUSTER', 'GETKEYSINSLOT', slot, 1)) as string[]).length > 0;
      moved += keys.length
    ) {
      await pause(pauseMs());
      await from.client.call('MIGRATE', '127.0.0.1', to.port, '', 0, 5_000, 'KEYS', ...keys);
    }
    // The new owner first. In the other order, no node would own the slot between the two calls.
    for (const node of [to, from]) await node.client.call('CLUSTER', 'SETSLOT', slot, 'NODE', target);
    await this.owner(key);
    return moved;
  }

  /** Every master but the owner of a key. */
  async others(key: string): Promise<NodeProcess[]> {
    const owner = await this.owner(key);
    const others: NodeProcess[] = [];
    for (const node of this.nodes)
      if (node !== owner && (await node.info('replication', 'role')) === 'master') others.push(node);
    return others;
  }

  /** Number of redirections and TRYAGAIN replies that all nodes have sent since they started. */
  async redirections(): Promise<Record<'MOVED' | 'ASK' | 'TRYAGAIN' | 'CLUSTERDOWN', number>> {
    const sum = { MOVED: 0, ASK: 0, TRYAGAIN: 0, CLUSTERDOWN: 0 };
    for (const node of this.nodes) {
      for (const [, code, count] of (await node.client.info('errorstats')).matchAll(
        /^errorstat_(MOVED|ASK|TRYAGAIN|CLUSTERDOWN):count=(\d+)/gm,
      ))
        sum[code as keyof typeof sum] += Number(count);
    }
    return sum;
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
  }

  async #slot(key: string): Promise<number> {
    return Number(await this.nodes.find((node) => !node.isOver)!.client.call('CLUSTER', 'KEYSLOT', key));
  }

  async #join(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()));
    const share = Math.ceil(slots / masters);
    for (const [index, node] of this.nodes.entries()) {
      this.#ids.set(node, String(await node.client.call('CLUSTER', 'MYID')));
      if (index < masters)
        await node.client.call('CLUSTER', 'ADDSLOTSRANGE', index * share, Math.min((index + 1) * share, slots) - 1);
      await node.client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      await node.client.call('CLUSTER', 'MEET', '127.0.0.1', this.nodes[0]!.port);
    }
    const all = async (node: NodeProcess): Promise<boolean> =>
      String(await node.client.call('CLUSTER', 'INFO')).includes(`cluster_known_nodes:${2 * masters}`);
    for (const node of this.nodes) await comes('six nodes that know each other', () => all(node));
    for (const [index, node] of this.nodes.slice(masters).entries()) {
      await comes(
        'a master to follow',
        async () => (await node.client.call('CLUSTER', 'REPLICATE', this.#ids.get(this.nodes[index]!)!)) === 'OK',
      );
    }
    await this.settled();
  }
}

/** The port of the master of a slot, as one node reports it. */
async function portOf(node: NodeProcess, slot: number): Promise<number | undefined> {
  const ranges = (await node.client.call('CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
  return ranges.find(([first, last]) => first <= slot && slot <= last)?.[2][1];
}
