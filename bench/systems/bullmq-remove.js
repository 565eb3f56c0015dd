import { bullmq } from './bullmq-with.js';

/** Finished jobs go, as ours do. */
export const system = bullmq('BullMQ, removeOnComplete', { removeOnComplete: true });
