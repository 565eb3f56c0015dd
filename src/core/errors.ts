// Every error of the library, one file for each kind. `cli/errors.ts` has the errors that only the command line throws.
export * from './errors/base.js';
export * from './errors/input.js';
export * from './errors/redis.js';
export * from './errors/queue.js';
export * from './errors/delivery.js';
export * from './errors/worker.js';
export * from './errors/jobs.js';
export * from './errors/schedules.js';
