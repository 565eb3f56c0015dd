import 'reflect-metadata';

export { HotQueue } from './hot-queue.js';
export { run, start } from './run.js';
export { worker } from './worker/decorator.js';
export { Delivery } from './consumer/delivery.js';
export { rules } from './payload/rules.js';
export * from './core/errors.js';
export { Bury, RetryIn, Verdict } from './core/verdicts.js';
export type { Backoff, ExponentialBackoff, FixedBackoff } from './core/options/backoff.js';
export type { Duration } from './core/duration.js';
export type { DeliveryEvent, QueueEmitter, QueueEvents } from './core/events.js';
export type { Job } from './core/job.js';
export type { LogFields, Logger } from './core/logger.js';
export type { DrainedOptions } from './core/options/drained.js';
export type { DueOptions, Priority } from './core/options/put.js';
export type {
  BatchTakeOptions,
  GetOptions,
  PutOptions,
  QueueOptions,
  Serializer,
  TakeOptions,
} from './core/options/queue.js';
export type { Failure } from './wire/failures.js';
export type { PutInput, PayloadClass, Plain } from './payload/types.js';
export type { StandardSchemaV1 } from './payload/standard-schema.js';
export type { Consumer } from './consumer/consume.js';
export type { PutResult, Publisher } from './producer/publisher.js';
export type { Runner, RunOptions, StartOptions, StopOptions } from './worker/runner.js';
export type {
  BatchHandler,
  BatchWorkerDecorator,
  BatchWorkerFunction,
  BatchWorkerOptions,
  Handler,
  QueueWorker,
  WorkerDecorator,
  WorkerFunction,
  WorkerOptions,
  WorkerSource,
} from './worker/types.js';
export type { Counts } from './inspect/counts.js';
export type { PeekedMessage } from './inspect/peek.js';
export type { QueueWorkers, ActiveMessage, WorkerInfo } from './inspect/workers.js';
export type { DelayedMessage, DelayedMessages } from './inspect/delayed.js';
export type {
  DeadLetter,
  DeadLetters,
  DeadLetterError,
  ListOptions,
  DeadLetterFilter,
} from './inspect/dead-letters.js';
