import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { aQueue } from '../support/queue.js';
import { redisUrl } from '../support/server.js';

/** Passes on at most so many bytes per ms of what its clients send. */
async function slowLink(target: string, bytesPerMs: number): Promise<{ url: string; connections: () => number }> {
  const sockets: Socket[] = [];
  let connections = 0;
  const link = createServer((client) => {
    connections += 1;
    const redis = connect({ path: target });
    sockets.push(client, redis);
    for (const socket of [client, redis]) socket.on('error', () => {});
    client.on('data', (chunk) => {
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
  return { url: `redis://127.0.0.1:${(link.address() as AddressInfo).port}`, connections: () => connections };
}

// Only Linux tells what a connection has sent.
it.runIf(process.platform === 'linux')(
  'a message that takes longer to send than a dead connection may be silent is sent once',
  { timeout: 90_000 },
  async () => {
    const link = await slowLink(redisUrl().replace('unix://', ''), 2_000);
    const queue = aQueue({ url: link.url, maxBytes: 64_000_000 });
    await queue.put('first'); // so that the connection is there
    const before = link.connections();
    await queue.put('x'.repeat(30_000_000));
    expect(link.connections()).toBe(before);
    expect(await queue.size()).toBe(2);
  },
);
