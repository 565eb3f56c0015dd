import { bullmq } from './bullmq-with.js';

/** As it comes: every finished job is kept. */
export const system = bullmq('BullMQ', {});
