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
    const queue = new BeeQueue(name, { ...lean, getEvents: true, redis: { ...address }, isWorker: false });
    // A stored job hears of its end only if it ends after save() has returned: an id of our own is known before.
    const waits = new Map();
    const end = (id, settle) => {
      const wait = waits.get(id);
      waits.delete(id);
      if (wait) settle(wait);
    };
    queue.on('job succeeded', (id, result) => end(id, ({ resolve }) => resolve(result)));
    queue.on('job failed', (id, error) => end(id, ({ reject }) => reject(error)));
    await queue.ready();
    let asked = 0;
    return {
      ask: (payload) =>
        new Promise((resolve, reject) => {
          const id = `${process.pid}-${(asked += 1)}`;
          waits.set(id, { resolve, reject });
          queue.createJob(payload).setId(id).save().catch(reject);
        }),
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
