import {
  JobCancelledError,
  JobExpiredError,
  JobFailedError,
  ResultGoneError,
  ResultTimeoutError,
  type ErrorRecord,
  type JobHandle,
  type JobStatus,
} from 'hotqueue';
import { exitCodes, missing, refused } from '../command.js';
import { jsonLine, print, printable, say } from '../output.js';
import { untilInterrupted } from '../printed.js';
import type { WaitFlags } from './wait-option.js';

/** What became of a job. */
type Outcome =
  | { readonly status: 'done'; readonly result: unknown }
  | { readonly status: 'failed'; readonly sentence: string; readonly error: ErrorRecord }
  | { readonly status: 'cancelled' | 'expired' | 'gone'; readonly sentence: string }
  | { readonly status: Exclude<JobStatus, 'done' | 'failed' | 'cancelled' | 'expired'> };

/**
 * Prints the result of a job, or the error with which it failed, and sets the exit code. Ctrl-C ends the wait, and not the job.
 *
 * @param fields what `--json` prints besides the result
 */
export async function printResult(
  job: JobHandle,
  flags: WaitFlags,
  fields: object = { queue: job.queue, id: job.id },
): Promise<void> {
  const outcome = await untilInterrupted((signal) => outcomeOf(job, flags.wait, signal));
  const { status } = outcome;
  if (status === 'gone') return missing(printable(outcome.sentence));
  if (flags.json) print(jsonLine({ ...fields, ...withoutSentence(outcome) }));
  switch (status) {
    case 'done':
      if (outcome.result === undefined) say(`job ${job.id} is done: its handler returned nothing`);
      else if (!flags.json) print(jsonLine(outcome.result));
      return;
    case 'failed':
      refused(printable(outcome.sentence));
      if (!flags.json) await printError(outcome.error);
      return;
    case 'cancelled':
    case 'expired':
      return refused(printable(outcome.sentence));
    default:
      say(notEnded(job, status, flags.wait));
      process.exitCode = exitCodes.notEnded;
  }
}

async function outcomeOf(job: JobHandle, wait: WaitFlags['wait'], signal?: AbortSignal): Promise<Outcome> {
  try {
    if (wait === undefined) {
      const status = await job.status();
      if (status === 'waiting' || status === 'delayed' || status === 'running' || status === 'retrying')
        return { status };
    }
    return {
      status: 'done',
      result: await job.result({ ...(signal && { signal }), ...(typeof wait === 'string' && { timeout: wait }) }),
    };
  } catch (error) {
    if (signal?.aborted || error instanceof ResultTimeoutError) return outcomeOf(job, undefined);
    return failureOf(job, error);
  }
}

async function failureOf(job: JobHandle, error: unknown): Promise<Outcome> {
  if (error instanceof ResultGoneError) return { status: 'gone', sentence: error.message };
  if (error instanceof JobCancelledError) return { status: 'cancelled', sentence: error.message };
  if (error instanceof JobExpiredError) return { status: 'expired', sentence: error.message };
  if (!(error instanceof JobFailedError)) throw error;
  const { name, message } = error.cause as Error;
  const record = await job.fetch();
  return { status: 'failed', sentence: error.message, error: record?.error ?? { name, message } };
}

function withoutSentence(outcome: Outcome): object {
  const { sentence: _sentence, ...rest } = { sentence: '', ...outcome };
  return rest;
}

async function printError(error: ErrorRecord): Promise<void> {
  const { errorLines } = await import('../facts.js');
  say(
    errorLines(error)
      .map((line) => printable(line))
      .join('\n'),
  );
}

function notEnded({ id, queue }: JobHandle, status: JobStatus, wait: WaitFlags['wait']): string {
  const within = typeof wait === 'string' ? ` within ${wait}` : '';
  const hint = wait === undefined ? 'add --wait to wait for it' : `"hotqueue result ${queue} ${id}" asks again`;
  return `job ${id} of queue "${queue}" has not ended${within}: it is ${status}. It goes on; ${hint}`;
}
