import { Queue, Worker } from 'groupmq';
import { Redis } from 'ioredis';
import { nothing } from './nothing.js';

/** Number of groups: jobs of one group run one after another, so the groups must be many. */
const groups = 1_000;

/** @type {import('./index.js').System} */
export const system = {
  title: 'groupmq',
  async producer(address, name, { attempts, dueAt }) {
    const redis = new Redis(address);
    const queue = new Queue({ redis, namespace: name });
    return {
      put: (data) =>
        queue.add({
          groupId: `g${data.n % groups}`,
          data,
          ...(attempts && { maxAttempts: attempts }),
          ...(dueAt && { runAt: dueAt }),
        }),
      async close() {
        await queue.close();
        redis.disconnect();
      },
    };
  },
  async consumer(address, name, { concurrency, handle }) {
    const redis = new Redis(address);
    const worker = new Worker({
      queue: new Queue({ redis, namespace: name }),
      concurrency,
      handler: async (job) => handle(job.data),
      backoff: () => 0,
    });
    worker.on('error', nothing);
    worker.run().catch(nothing);
    return { close: () => worker.close(1_000) };
  },
  async left(address, name) {
    const queue = new Queue({ redis: new Redis(address), namespace: name });
    return async () => {
      const { waiting, active, delayed } = await queue.getJobCounts();
      return waiting + active + delayed;
    };
  },
};
