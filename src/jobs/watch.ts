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
  const onMessage = (text: string): void => {
    const step = stepOf(text);
    if (!step || ('status' in step && hasEnded(step.status))) mustRead = true;
    else steps.push(step);
    wake();
  };
  const read = (): void => {
    mustRead = true;
    wake();
  };
  const unlisten = broker.connection.notifier.listen(broker.keys.job(id), { onMessage, onBegin: read });
  const timer = setInterval(read, lookMs); // a notification may be lost
  const forgets = signals.map((signal) => onAbort(signal, read));
  let isAnnounced = false;
  const yielded: Yielded = { status: undefined, progress: undefined, lines: 0 };
  try {
    for (;;) {
      for (const { reason, aborted } of signals) if (aborted) throw reason as Error;
      const step = steps.shift();
      if (step) {
        if (isNew(step, yielded)) yield step;
        continue;
      }
      if (mustRead) {
        mustRead = false;
        isAnnounced ||= await broker.jobs.watch(id);
        const record = await fetch();
        if (!record) throw new ResultGoneError(name, id);
        for (const missed of missedIn(record, yielded)) yield missed;
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

/** What the loop has yielded so far. */
interface Yielded {
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

/** Another program may have published something else. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The number distinguishes a new line from one that the record repeats. It is not shown. */
function numbered(log: string, line: number): NumberedStep {
  return Object.defineProperty({ log }, 'line', { value: line });
}

/** Notes a step. @returns false if it was yielded before */
function isNew(step: NumberedStep, yielded: Yielded): boolean {
  if ('status' in step) {
    if (step.status === yielded.status) return false;
    yielded.status = step.status;
  } else if ('progress' in step) {
    const text = JSON.stringify(step.progress);
    if (text === yielded.progress) return false;
    yielded.progress = text;
  } else {
    if (step.line! <= yielded.lines) return false;
    yielded.lines = step.line!;
  }
  return true;
}

/** The steps that the record has and the loop has not yielded. */
function missedIn({ status, progress, log, lines }: JobRecord, yielded: Yielded): JobStep[] {
  const steps: NumberedStep[] = [
    ...log.map((line, index) => numbered(line, lines - log.length + index + 1)),
    ...(progress === undefined ? [] : [{ progress }]),
    { status },
  ];
  return steps.filter((step) => isNew(step, yielded));
}
