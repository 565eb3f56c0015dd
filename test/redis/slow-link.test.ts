import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { aQueue } from '../support/queue.js';
import { until } from '../support/facts.js';
import { redisUrl } from '../support/server.js';

interface Link {
  readonly url: string;
  readonly connections: () => number;
  /** From now on, what comes over the connections of this moment is read and dropped. */
  freeze(): void;
}

/** Passes on at most so many bytes per ms of what its clients send. */
async function slowLink(bytesPerMs: number): Promise<Link> {
  const target = redisUrl().replace('unix://', '');
  let frozen = 0;
  const sockets: Socket[] = [];
  let connections = 0;
  const link = createServer((client) => {
    connections += 1;
    const redis = connect({ path: target });
    sockets.push(client, redis);
    for (const socket of [client, redis]) socket.on('error', () => {});
    const number = connections;
    client.on('data', (chunk) => {
      if (number <= frozen) return;
      redis.write(chunk);
      client.pause();
      setTimeout(() => client.resume(), chunk.length / bytesPerMs);
    });
    redis.pipe(client);
    client.on('close', () => redis.destroy());
  });
  await new Promise<void>((resolve) => link.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    link.close();
  });
  return {
    url: `redis://127.0.0.1:${(link.address() as AddressInfo).port}`,
    connections: () => connections,
    freeze: () => (frozen = connections),
  };
}

// Only Linux tells what a connection has sent.
it.runIf(process.platform === 'linux')(
  'a message that takes longer to send than a dead connection may be silent is sent once',
  async () => {
    const link = await slowLink(2_000);
    const queue = aQueue({ url: link.url, maxBytes: 64_000_000 });
    await queue.put('first'); // so that the connection is there
    const before = link.connections();
    await queue.put('x'.repeat(30_000_000));
    expect(link.connections()).toBe(before);
    expect(await queue.size()).toBe(2);
  },
);

it('a server that is frozen is left, although its system goes on to receive commands', async () => {
  const link = await slowLink(100_000);
  const queue = aQueue({ url: link.url });
  await queue.put('first');
  const before = link.connections();
  link.freeze();
  const putting = setInterval(() => void queue.size().catch(() => undefined), 100);
  onTestFinished(() => clearInterval(putting));
  await until(() => link.connections() > before);
});
