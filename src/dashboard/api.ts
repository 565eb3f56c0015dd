// Longer than 250 lines: a list of types, one for each answer of the server.
// What the server of the dashboard answers, and its page reads. Only types: the page is built for a browser.
// Times are Unix ms. Absent values are `null`, so that every field is always there.

import type { JsonSchema } from '../payload/types.js';

export type { JsonSchema };

/** A payload, a result or progress, as text. */
export interface ShownText {
  readonly text: string;
  /** Bytes of the whole text. */
  readonly size: number;
  /** Whether `text` is only its beginning. */
  readonly isCut: boolean;
  /** Why it is not shown: it has fields to hide, and cannot be read. */
  readonly hidden: string | null;
}

export interface Rates {
  readonly done: number;
  readonly failed: number;
}

/** What a queue needs a person for, the most urgent first. */
export interface Problem {
  readonly level: 'problem' | 'warning';
  readonly says: string;
}

export interface QueueRow {
  readonly name: string;
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly dead: number;
  readonly done: number;
  readonly failed: number;
  readonly isPaused: boolean;
  readonly oldestAt: number | null;
  readonly workers: number;
  /** Attempts per second; `null` before there is something to compare with. */
  readonly rates: Rates | null;
  /** Attempts per second that succeeded, the oldest first: for a small plot. */
  readonly spark: readonly number[];
  readonly problems: readonly Problem[];
  readonly nextSchedule: { readonly name: string; readonly dueAt: number } | null;
}

export interface WorkerRow {
  readonly id: string;
  readonly queue: string;
  readonly name: string;
  readonly kind: 'handler' | 'consumer';
  readonly host: string;
  readonly pid: number;
  readonly process: string;
  readonly startedAt: number;
  /** Resident memory of its process; 0 if it is not known. */
  readonly memoryBytes: number;
  readonly concurrency: number;
  readonly status: 'working' | 'quiet' | 'stopping';
  readonly done: number;
  readonly failed: number;
  readonly active: number;
  readonly activeMessages: readonly { readonly id: string; readonly attempt: number; readonly since: number }[];
  readonly leaseUntil: number;
}

/** A sample of a queue: numbers of messages, and attempts per second. */
export interface Sample {
  readonly at: number;
  readonly waiting: number;
  readonly active: number;
  readonly done: number | null;
  readonly failed: number | null;
}

/** Whether Redis answers. */
export interface RedisState {
  readonly isUp: boolean;
  /** Since when it does not answer; `null` if it does. */
  readonly downSince: number | null;
  /** What was tried, and what went wrong, without user and password; `null` if it answers. */
  readonly error: string | null;
}

export interface Info {
  readonly version: string;
  /** Whether this visitor may change nothing. */
  readonly isReadOnly: boolean;
  readonly prefix: string;
  readonly redis: RedisState;
}

export interface Overview {
  readonly at: number;
  readonly redis: RedisState;
  readonly queues: readonly QueueRow[];
}

/** A message of the stream: what changed since the one before. */
export interface LiveUpdate {
  readonly at: number;
  readonly redis: RedisState;
  /** Only queues that changed. */
  readonly queues: readonly QueueRow[];
  /** Names of queues that are not there any more. */
  readonly gone: readonly string[];
  /** The queue that was asked for: its workers, and its new samples. */
  readonly queue: {
    readonly name: string;
    readonly workers: readonly WorkerRow[];
    readonly samples: readonly Sample[];
  } | null;
}

export interface QueueDetail {
  readonly row: QueueRow;
  readonly workers: readonly WorkerRow[];
  readonly samples: readonly Sample[];
  /** How many tracked jobs have each status. */
  readonly jobs: Readonly<Record<string, number>>;
}

/** How long something took, ms; `null` if nothing was measured. */
export interface SpreadView {
  readonly count: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/** A stretch of time in the past of a queue: attempts per second, and how long handlers ran and messages waited. */
export interface MetricsPointView {
  readonly at: number;
  readonly done: number;
  readonly failed: number;
  readonly run: SpreadView;
  readonly wait: SpreadView;
}

export interface MetricsView {
  readonly points: readonly MetricsPointView[];
  /** All points together, and how many attempts and messages these were. */
  readonly total: {
    readonly handled: number;
    readonly failed: number;
    readonly retried: number;
    readonly dead: number;
    readonly expired: number;
    readonly lost: number;
    readonly run: SpreadView;
    readonly wait: SpreadView;
  };
}

/** A message in a list. Fields that a list does not know are `null`. */
export interface MessageRow {
  /** Id, or key of a dead letter; empty for a message without one. */
  readonly id: string;
  readonly at: number | null;
  readonly attempts: number;
  readonly payload: ShownText | null;
  /** Why it is dead, or its last error. */
  readonly error: string | null;
  /** The worker that runs it, or ran it last. */
  readonly worker: string | null;
}

export interface MessagePage {
  readonly messages: readonly MessageRow[];
  /** Where the next page begins; `null` after the last page. */
  readonly next: string | null;
  /** What `at` of the messages means. */
  readonly atMeans: 'put' | 'due' | 'buried' | 'started' | 'ended';
  /** With a search: how many messages were looked at; `null` without. */
  readonly searched: number | null;
}

export interface ErrorView {
  readonly name: string;
  readonly message: string;
  readonly code: string | null;
  readonly stack: string | null;
  readonly violations: readonly { readonly path: string; readonly message: string }[];
  readonly cause: ErrorView | null;
  readonly errors: readonly ErrorView[];
}

export interface AttemptView {
  readonly attempt: number | null;
  readonly at: number | null;
  readonly error: ErrorView;
}

export type JobAction = 'cancel' | 'promote' | 'move' | 'revive' | 'drop';

export interface JobView {
  readonly id: string;
  readonly queue: string;
  /** Its status, or where it was found. */
  readonly status: string;
  /** Whether it has a record. */
  readonly isTracked: boolean;
  /** How many messages are taken before it, if it was looked for in the waiting messages. */
  readonly position: number | null;
  readonly putAt: number | null;
  readonly dueAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly expiresAt: number | null;
  readonly attempts: number;
  readonly worker: string | null;
  readonly putBy: string | null;
  readonly unique: string | null;
  readonly payload: ShownText | null;
  readonly result: ShownText | null;
  readonly progress: ShownText | null;
  readonly log: readonly string[];
  /** How many lines it has written, also those that are not kept. */
  readonly lines: number;
  readonly failures: readonly AttemptView[];
  /** As dead letter: why and when it was buried. */
  readonly dead: { readonly key: string; readonly reason: string; readonly buriedAt: number } | null;
  readonly actions: readonly JobAction[];
}

export interface DeadGroup {
  readonly reason: string;
  readonly error: string | null;
  readonly message: string | null;
  readonly count: number;
  readonly newestAt: number;
  readonly oldestAt: number;
  readonly keys: readonly string[];
}

export interface DeadGroups {
  readonly total: number;
  /** How many of them were read, the newest first. */
  readonly read: number;
  readonly groups: readonly DeadGroup[];
}

export interface ScheduleRow {
  readonly queue: string;
  readonly name: string;
  /** Such as `0 3 * * * (Europe/Berlin)` or `every 30 s`. */
  readonly when: string;
  readonly isPaused: boolean;
  readonly next: readonly number[];
  readonly runs: number;
  readonly worker: string | null;
  readonly payload: ShownText | null;
  readonly history: readonly {
    readonly id: string;
    readonly dueAt: number;
    readonly status: string;
    readonly isManual: boolean;
  }[];
}

export interface FlowView {
  readonly nodes: readonly {
    readonly id: string;
    readonly queue: string;
    readonly status: string;
    readonly after: readonly string[];
  }[];
}

export interface Finding {
  readonly check: string;
  readonly status: 'ok' | 'warning' | 'problem';
  readonly says: string;
  readonly fix: string | null;
}

export interface RedisView {
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  readonly findings: readonly Finding[];
  readonly readAt: number;
}

/** What a form for a new message is made from. */
export interface PutForm {
  /** `class`: the queue checks what is put by these rules. `message`: the fields of a message that is there; `null`: nothing is known. */
  readonly from: 'class' | 'message' | null;
  /** Name of the class or schema that checks what is put; `null` if none does. */
  readonly name: string | null;
  readonly schema: JsonSchema | null;
}

/** What an action did. */
export interface Done {
  /** How many messages or objects it changed. */
  readonly count: number;
  /** Id of the message that it put; `null` otherwise. */
  readonly id: string | null;
}

/** Every answer that is no success. */
export interface Refusal {
  readonly error: {
    readonly code: string;
    readonly message: string;
    /** Broken rules of a payload that was put. */
    readonly violations: readonly { readonly path: string; readonly message: string }[];
  };
}
