import { afterEach, describe, expect, it } from 'vitest';
import { FaultProxy } from '../chaos/proxy.js';
import { aQueue } from '../support/queue.js';
import { redisUrl } from '../support/server.js';

const proxies: FaultProxy[] = [];
afterEach(() => Promise.all(proxies.splice(0).map((proxy) => proxy.close())));

async function aProxy(): Promise<FaultProxy> {
  const proxy = await FaultProxy.open(redisUrl().slice('unix://'.length), () => {});
  proxies.push(proxy);
  return proxy;
}

describe('a connection that is cut during the handshake', () => {
  it.each<[string, 'before' | 'after']>([
    ['hello', 'before'],
    ['hello', 'after'],
    ['info', 'before'],
    ['info', 'after'],
  ])('at %s (%s the server executes it), three times, is replaced: the first put succeeds', async (command, kind) => {
    const proxy = await aProxy();
    proxy.rule = ({ name, reply }) =>
      name === command && Boolean(reply) === (kind === 'after') && proxy.faults() < 3 ? { kind } : undefined;
    const queue = aQueue({ url: proxy.url });
    await queue.put('a');
    expect(proxy.faults()).toBe(3);
    expect(await queue.get()).toBe('a');
    await queue.close(); // before the proxy
  });

  it('by resets, as from a server that restarts, is replaced too', async () => {
    const proxy = await aProxy();
    proxy.greets = 'reset';
    const queue = aQueue({ url: proxy.url });
    const putting = queue.put('a');
    const refused = (async () => {
      while (proxy.faults() < 3) await new Promise((resolve) => setTimeout(resolve, 10));
      proxy.greets = 'normal';
    })();
    await Promise.all([putting, refused]);
    expect(await queue.get()).toBe('a');
    await queue.close();
  });
});
