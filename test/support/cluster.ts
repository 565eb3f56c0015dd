import { Cluster, Redis } from 'ioredis';
import { until } from './facts.js';
import { freePorts } from './ports.js';
import { realProgram, startRedis, type TestServer } from './servers.js';

const slots = 16_384;
const masters = 3;

/** A real cluster of three masters on loopback. */
export interface TestCluster {
  readonly client: Cluster;
  readonly stop: () => Promise<void>;
}

export async function startCluster(): Promise<TestCluster> {
  const program = await realProgram();
  const ports = await freePorts(masters);
  const servers = await Promise.all(
    ports.map((port) =>
      startRedis(program, [
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--cluster-enabled',
        'yes',
        '--cluster-config-file',
        `nodes-${port}.conf`,
      ]),
    ),
  );
  const nodes = servers.map(({ url }) => new Redis(url.replace('unix://', '')));
  await join(nodes, ports);
  for (const node of nodes) node.disconnect();
  const client = new Cluster(ports.map((port) => ({ host: '127.0.0.1', port })));
  return { client, stop: () => stopAll(client, servers) };
}

async function join(nodes: readonly Redis[], ports: readonly number[]): Promise<void> {
  const share = Math.ceil(slots / masters);
  for (const [index, node] of nodes.entries()) {
    await node.call('CLUSTER', 'ADDSLOTSRANGE', index * share, Math.min((index + 1) * share, slots) - 1);
    await node.call('CLUSTER', 'MEET', '127.0.0.1', ports[0]!);
  }
  for (const node of nodes)
    await until(
      () => node.call('CLUSTER', 'INFO'),
      (info) => String(info).includes('cluster_state:ok') && String(info).includes(`cluster_known_nodes:${masters}`),
    );
}

async function stopAll(client: Cluster, servers: readonly TestServer[]): Promise<void> {
  client.disconnect();
  await Promise.all(servers.map((server) => server.stop()));
}
