import { bullmq } from './bullmq-with.js';

/** BullMQ with its defaults: it keeps every finished job. */
export const system = bullmq('BullMQ', {});
