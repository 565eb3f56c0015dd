import 'reflect-metadata';
import './core/not-bundled.js'; // before the files that need what it checks

export { HotQueue } from './hot-queue.js';
export { run, start } from './run.js';
export { worker } from './worker/decorator.js';
export { Delivery, type FollowUpQueue } from './consumer/delivery.js';
export { rules } from './payload/rules.js';
export * from './core/errors.js';
export { Bury, RetryIn, Verdict } from './core/verdicts.js';
export type { Backoff, ExponentialBackoff, FixedBackoff } from './core/options/backoff.js';
export type { Duration } from './core/duration.js';
export type { DeliveryEvent, QueueEmitter, QueueEvents, SettledEvent } from './core/events.js';
export type { JobFields, JobStatus } from './core/job.js';
export type { Job, JobHandle, JobStep, ResultOptions } from './jobs/job.js';
export type { Jobs, JobListOptions, JobPage } from './jobs/jobs.js';
export type { JobCounts } from './jobs/queue-jobs.js';
export type { History } from './history/history.js';
export { historyVerbs, type HistoryEntry, type HistoryVerb } from './history/entry.js';
export type { HistoryFollowOptions, HistoryPlace, HistoryReadOptions } from './history/options.js';
export type { JobFailure, JobRecord } from './jobs/record.js';
export type { Schedules } from './schedules/schedules.js';
export type { Schedule, ScheduleRun, ScheduleRunner } from './schedules/schedule.js';
export type { ScheduleOptions } from './schedules/options.js';
export type { ScheduleOfJob } from './schedules/run-id.js';
export type { TraceContext } from './core/trace-context.js';
export type { OperationTrace, ProcessTrace, PutTrace, SettleTrace, TracedMessage } from './telemetry/channels.js';
export type { TrackOptions, UniqueKey } from './core/options/track.js';
export type { LogFields, Logger } from './core/logger.js';
export type { DueOptions, Priority } from './core/options/placement.js';
export type { BatchTakeOptions, GetOptions, TakeOptions } from './core/options/consume.js';
export type { AwaitedJob } from './core/options/after.js';
export type { PutOptions } from './core/options/put.js';
export type { QueueOptions } from './core/options/queue.js';
export type { Serializer } from './core/options/queue-values.js';
export type { ErrorRecord } from './wire/error-record.js';
export type { ValidationOptions } from './core/options/validation.js';
export type { DrainedOptions } from './core/options/drained.js';
export type { Failure } from './wire/failures.js';
export type { PutInput, PayloadClass, Plain } from './payload/types.js';
export type { StandardSchemaV1 } from './payload/standard-schema.js';
export type { Consumer } from './consumer/consume.js';
export type { PutResult, Publisher } from './producer/put-types.js';
export type {
  EndOptions,
  OwnSlots,
  Runner,
  RunOptions,
  SharedSlots,
  StartOptions,
  StopOptions,
  WaitOptions,
} from './worker/runner.js';
export type { BatchWorkerDecorator, QueueWorker, WorkerDecorator } from './worker/decorator-types.js';
export type {
  BatchHandler,
  BatchWorkerFunction,
  BatchWorkerOptions,
  Handler,
  WorkerFunction,
  WorkerOptions,
  WorkerSource,
} from './worker/types.js';
export { chain, group, type ChainResult, type FlowStep, type GroupOptions, type GroupResults } from './flows/chain.js';
export { Flow, type FlowCounts } from './flows/flow.js';
export { Task } from './flows/task.js';
export type { ParentOfJob } from './jobs/parent.js';
export type { RunnerHealth, WorkerHealth } from './worker/health.js';
export type { Counts } from './inspect/counts.js';
export type { Metrics, MetricsPoint, Spread } from './inspect/metrics.js';
export type { MetricsOptions } from './core/options/metrics.js';
export type { PeekedMessage } from './inspect/peek.js';
export type { QueueWorkers, ActiveMessage, WorkerInfo } from './inspect/workers.js';
export type { DelayedMessage, DelayedMessages } from './inspect/delayed.js';
export type { DeadLetter, DeadLetterFilter } from './inspect/dead-letter.js';
export type { DeadLetters, ListOptions } from './inspect/dead-letters.js';
