import BeeQueue from 'bee-queue';
import { nothing } from './nothing.js';

/** Turns off everything that costs time and is not needed here: events, stored job objects, finished jobs. */
const lean = { getEvents: false, sendEvents: false, storeJobs: false, removeOnSuccess: true };

/** @type {import('./index.js').System} */
export const system = {
  title: 'bee-queue',
  async producer(address, name, { attempts, dueAt }) {
    const queue = new BeeQueue(name, { ...lean, redis: { ...address }, isWorker: false });
    await queue.ready();
    const make = (payload) => {
      const job = queue.createJob(payload);
      if (attempts) job.retries(attempts - 1);
      if (dueAt) job.delayUntil(dueAt);
      return job;
    };
    return {
      put: (payload) => make(payload).save(),
      async putMany(payloads) {
        const failed = await queue.saveAll(payloads.map(make));
        if (failed.size > 0) throw [...failed.values()][0];
      },
      close: () => queue.close(1_000),
    };
  },
  async asker(address, name) {
    const queue = new BeeQueue(name, {
      ...lean,
      getEvents: true,
      storeJobs: true,
      redis: { ...address },
      isWorker: false,
    });
    await queue.ready();
    return {
      ask: async (payload) => {
        const job = queue.createJob(payload);
        const result = new Promise((resolve, reject) => {
          job.on('succeeded', resolve);
          job.on('failed', reject);
        });
        await job.save();
        return result;
      },
    };
  },
  async consumer(address, name, { concurrency, handle, delayed = false, returns = false }) {
    // bee-queue rounds due times to its debounce: 1 s by default, 1 ms at least.
    const queue = new BeeQueue(name, {
      ...lean,
      sendEvents: returns,
      redis: { ...address },
      activateDelayedJobs: delayed,
      delayedDebounce: 1,
    });
    queue.on('error', nothing);
    await queue.ready();
    queue.process(concurrency, async (job) => handle(job.data));
    return { close: () => queue.close(1_000) };
  },
  async left(address, name) {
    const queue = new BeeQueue(name, { ...lean, redis: { ...address }, isWorker: false });
    return async () => {
      const { waiting, active, delayed } = await queue.checkHealth();
      return waiting + active + delayed;
    };
  },
};
