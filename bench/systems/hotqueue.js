import { importFromBuild } from '../build.js';

const { chain, group, HotQueue, start } = await importFromBuild('index.js');

/** @type {import('./index.js').System} */
export const system = {
  title: 'hotqueue',
  async producer(address, name, { attempts, dueAt, validated, history }) {
    const queue = await open(address, name, { validated, history });
    const options = { ...(attempts && { attempts, backoff: 0 }), ...(dueAt && { at: dueAt }) };
    const publisher = Object.keys(options).length > 0 ? queue.with(options) : queue;
    return {
      put: (payload) => publisher.put(payload),
      putMany: (payloads) => publisher.putAll(payloads),
      close: () => queue.close(),
    };
  },
  async consumer(address, name, { concurrency, handle, validated, history }) {
    const queue = await open(address, name, { validated, history });
    const runner = start(queue.worker(async (payload) => handle(payload), { concurrency }));
    return {
      async close() {
        await runner.stop();
        await queue.close();
      },
    };
  },
  async asker(address, name) {
    const { host, port } = address;
    const queue = new HotQueue(name, { host, port, logger: false, track: true });
    return { ask: async (payload) => (await queue.put(payload)).result() };
  },
  async flower({ host, port }, name) {
    const queue = new HotQueue(name, { host, port, logger: false, track: true });
    const step = (payload) => queue.task(payload);
    return {
      chain: async ([first, ...rest]) => (await chain(step(first), ...rest.map(step))).result(),
      group: async (payloads, last) => (await group(payloads.map(step), { then: step(last) })).result(),
    };
  },
  async left(address, name) {
    const queue = await open(address, name);
    return async () => {
      const { waiting, delayed, active, claimed = active } = await queue.counts(); // `claimed` in builds before it was renamed
      return waiting + delayed + claimed;
    };
  },
};

async function open({ host, port }, name, { validated = false, history } = {}) {
  const options = { host, port, logger: false, ...(history && { history }) };
  if (!validated) return new HotQueue(name, options);
  const { Order } = await import('../classes.js');
  return new HotQueue(name, { ...options, payload: Order });
}
