// What scripts say of jobs that wait for others, as objects.
import type { JobStatus } from '../core/job.js';
import type { PutLane, TrackedPut } from './transitions.js';

/** How a job has ended for which others wait. */
export interface ParentEnd {
  /** `gone`: its record has expired, or never was. */
  readonly status: JobStatus | 'gone';
  /** Its result as text; `''` for none. */
  readonly result: string;
  /** Its last failure as JSON; `''` for none. */
  readonly failure: string;
}

/** A job for which another one waits, as the other one knows it. */
export interface StoredParent {
  /** See `refText`. */
  readonly text: string;
  /** How it ended; `''` if it has not. */
  readonly how: string;
  readonly result: string | undefined;
  readonly failure: string | undefined;
}

/** What a job waits for, by names, see `refText`, and what happens then, see `parent-ended.lua`. */
export interface WaitTerms {
  readonly parents: readonly string[];
  readonly onFailure: string;
  readonly input: string;
  readonly due: string;
}

/** A job of a flow that is put together with others. */
export interface FlowJob {
  readonly id: string;
  readonly message: string;
  readonly lane: PutLane;
  readonly tracking: Pick<TrackedPut, 'keepMs' | 'keepFailedMs' | 'by' | 'storesPayload'>;
  /** Id of the process that is notified of its end; `''` for none. */
  readonly processId: string;
  /** The jobs that wait for it, and are put together with others. */
  readonly children: readonly string[];
  /** Whether the message names its only child, see `withChild`. */
  readonly namesChild: boolean;
  /** See `FlowBroker.linkEnds`; `''` for nothing. */
  readonly ends: string;
  /** What it waits for; absent for nothing. */
  readonly after: WaitTerms | undefined;
}

/** A job that waits for others, and how some of them have ended, by their names, see `refText`. */
export interface EndedParents {
  readonly id: string;
  readonly ends: ReadonlyMap<string, ParentEnd>;
}

/** What `parent-ended` has done to a job. */
export type ParentEndReply = 'due' | 'waiting' | 'cancelled' | 'known';
