import { bullmq } from './bullmq-with.js';

/** BullMQ that removes finished jobs, as hotqueue does. */
export const system = bullmq('BullMQ, removeOnComplete', { removeOnComplete: true });
