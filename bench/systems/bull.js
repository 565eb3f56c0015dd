import Bull from 'bull';
import { nothing } from './nothing.js';

/** @type {import('./index.js').System} */
export const system = {
  title: 'Bull, removeOnComplete',
  async producer(address, name, { attempts, dueAt }) {
    const queue = new Bull(name, {
      redis: address,
      defaultJobOptions: { removeOnComplete: true, ...(attempts && { attempts }) },
    });
    await queue.isReady();
    const options = () => (dueAt ? { delay: Math.max(0, dueAt - Date.now()) } : {});
    return {
      put: (payload) => queue.add(payload, options()),
      putMany: (payloads) => queue.addBulk(payloads.map((data) => ({ data, opts: options() }))),
      close: () => queue.close(),
    };
  },
  async consumer(address, name, { concurrency, handle }) {
    const queue = new Bull(name, { redis: address });
    queue.on('error', nothing);
    queue.process(concurrency, async (job) => handle(job.data)).catch(nothing);
    return { close: () => queue.close() };
  },
  async left(address, name) {
    const queue = new Bull(name, { redis: address });
    return async () => {
      const { waiting, active, delayed } = await queue.getJobCounts();
      return waiting + active + delayed;
    };
  },
};
