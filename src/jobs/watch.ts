import { ResultGoneError } from '../core/errors.js';
import { hasEnded, jobStatuses, type JobStatus } from '../core/job.js';
import { onAbort } from '../core/on-abort.js';
import type { QueueContext } from '../redis/queue-context.js';
import type { JobStep } from './job.js';
import type { JobRecord } from './record.js';

const lookMs = 5_000;

/** What happens to a job, until it has ended. @param fetch reads its record @param signals end the loop */
export async function* watchJob(
  { name, broker }: QueueContext,
  id: string,
  fetch: () => Promise<JobRecord | undefined>,
  signals: readonly AbortSignal[],
): AsyncGenerator<JobStep, void, undefined> {
  const steps: JobStep[] = [];
  let wake = (): void => undefined;
  let mustRead = false;
  const hear = (text: string): void => {
    const step = stepOf(text);
    if (!step || ('status' in step && hasEnded(step.status))) mustRead = true;
    else steps.push(step);
    wake();
  };
  const read = (): void => {
    mustRead = true;
    wake();
  };
  const unlisten = broker.connection.notifier.listen(broker.keys.job(id), { onNews: hear, onBegin: read });
  const timer = setInterval(read, lookMs); // news may be lost
  const forgets = signals.map((signal) => onAbort(signal, read));
  let isAnnounced = false;
  const told: Told = { status: undefined, progress: undefined, lines: 0 };
  try {
    for (;;) {
      for (const { reason, aborted } of signals) if (aborted) throw reason as Error;
      const step = steps.shift();
      if (step) {
        if (isNew(step, told)) yield step;
        continue;
      }
      if (mustRead) {
        mustRead = false;
        isAnnounced ||= await broker.jobs.watch(id);
        const record = await fetch();
        if (!record) throw new ResultGoneError(name, id);
        for (const missed of missedIn(record, told)) yield missed;
        if (hasEnded(record.status)) return;
        continue;
      }
      await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    unlisten();
    clearInterval(timer);
    for (const forget of forgets) forget();
  }
}

/** What the loop has told so far. */
interface Told {
  status: JobStatus | undefined;
  progress: string | undefined;
  lines: number;
}

type NumberedStep = JobStep & { readonly line?: number };

function stepOf(text: string): NumberedStep | undefined {
  const status = text.split(' ', 1)[0] as JobStatus;
  if (jobStatuses.includes(status)) return { status };
  const progress = text.startsWith('progress ') ? parsed(text.slice(9)) : undefined;
  if (progress !== undefined) return { progress };
  const [, line, log] = /^log (\d+)\n([^]*)$/.exec(text) ?? [];
  return log === undefined ? undefined : numbered(log, Number(line));
}

/** Another program may have told something else. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The number tells lines apart that the record repeats. It is not shown. */
function numbered(log: string, line: number): NumberedStep {
  return Object.defineProperty({ log }, 'line', { value: line });
}

/** Notes a step. @returns false if it was told before */
function isNew(step: NumberedStep, told: Told): boolean {
  if ('status' in step) {
    if (step.status === told.status) return false;
    told.status = step.status;
  } else if ('progress' in step) {
    const text = JSON.stringify(step.progress);
    if (text === told.progress) return false;
    told.progress = text;
  } else {
    if (step.line! <= told.lines) return false;
    told.lines = step.line!;
  }
  return true;
}

/** The steps that the record has and the loop has not told. */
function missedIn({ status, progress, log, lines }: JobRecord, told: Told): JobStep[] {
  const steps: NumberedStep[] = [
    ...log.map((line, index) => numbered(line, lines - log.length + index + 1)),
    ...(progress === undefined ? [] : [{ progress }]),
    { status },
  ];
  return steps.filter((step) => isNew(step, told));
}
