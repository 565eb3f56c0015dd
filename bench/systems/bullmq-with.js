import { Queue, QueueEvents, Worker, FlowProducer } from 'bullmq';
import { Redis } from 'ioredis';
import { nothing } from './nothing.js';

/** BullMQ with these job options. @returns {import('./index.js').System} */
export const bullmq = (title, jobOptions) => ({
  title,
  async producer(address, name, { attempts, dueAt }) {
    const queue = new Queue(name, {
      connection: address,
      defaultJobOptions: { ...jobOptions, ...(attempts && { attempts }) },
    });
    queue.on('error', nothing);
    await queue.waitUntilReady();
    const options = () => (dueAt ? { delay: Math.max(0, dueAt - Date.now()) } : undefined);
    return {
      put: (payload) => queue.add('job', payload, options()),
      putMany: (payloads) => queue.addBulk(payloads.map((data) => ({ name: 'job', data, opts: options() }))),
      close: () => queue.close(),
    };
  },
  async consumer(address, name, { concurrency, handle }) {
    const worker = new Worker(name, async (job) => handle(job.data), { connection: address, concurrency });
    worker.on('error', nothing); // BullMQ's documentation says that a worker may stop without this listener
    return { close: () => worker.close() };
  },
  async asker(address, name) {
    const queue = new Queue(name, { connection: address, defaultJobOptions: jobOptions });
    const events = new QueueEvents(name, { connection: address });
    for (const one of [queue, events]) one.on('error', nothing);
    queue.setMaxListeners(0);
    events.setMaxListeners(0);
    await events.waitUntilReady();
    return { ask: async (payload) => (await queue.add('job', payload)).waitUntilFinished(events) };
  },
  async flower(address, name) {
    const flows = new FlowProducer({ connection: address });
    const events = new QueueEvents(name, { connection: address });
    for (const one of [flows, events]) one.on('error', nothing);
    events.setMaxListeners(0);
    await events.waitUntilReady();
    const node = (data, children) => ({ name: 'job', queueName: name, data, opts: jobOptions, children });
    const ended = async (tree) => (await flows.add(tree)).job.waitUntilFinished(events);
    return {
      chain: (payloads) => ended(payloads.reduce((before, data) => node(data, before && [before]), undefined)),
      group: (payloads, last) =>
        ended(
          node(
            last,
            payloads.map((data) => node(data)),
          ),
        ),
    };
  },
  async left(address, name) {
    const client = new Redis(address);
    return async () => {
      const key = `bull:${name}:`;
      const counts = [
        client.llen(`${key}wait`),
        client.llen(`${key}active`),
        client.zcard(`${key}delayed`),
        client.zcard(`${key}prioritized`),
      ];
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    };
  },
});
