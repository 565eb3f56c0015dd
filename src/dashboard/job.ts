import type { DeadLetter, DelayedMessage, JobRecord } from 'hotqueue';
import { waitingPage } from '../inspect/pages.js';
import type { JobAction, JobView } from './api.js';
import { RefusedRequest } from './refusals.js';
import { errorView, longText } from './shown.js';
import type { Sources, TextQueue } from './sources.js';

/** A message that has no record is looked for among so many waiting messages. */
const mostWaiting = 1_000;

const endings = ['done', 'failed', 'cancelled', 'expired'];

/** Everything that is known of a message: its record, its dead letter, or where it waits. @throws RefusedRequest if nothing is known */
export async function jobView(sources: Sources, queue: TextQueue, id: string): Promise<JobView> {
  const [record, letter, delayed] = await Promise.all([
    queue.job(id).fetch() as Promise<JobRecord | undefined>,
    queue.dead.get(id),
    queue.delayed.get(id),
  ]);
  const place = record || letter || delayed ? undefined : await placeOf(sources, queue, id);
  if (!record && !letter && !delayed && !place)
    throw new RefusedRequest(
      404,
      'NO_JOB',
      `Redis knows nothing about message "${id.slice(0, 200)}" on queue "${queue.name}": it is done and was not tracked, its record has expired, or it never existed`,
    );
  return {
    ...blank(id, queue.name),
    ...place,
    ...ofDelayed(sources, delayed),
    ...ofLetter(sources, letter),
    ...ofRecord(sources, record, letter, delayed),
  };
}

/** The whole payload of a message as text; fields that `redact` names are hidden. */
export async function payloadText(sources: Sources, queue: TextQueue, id: string): Promise<string> {
  const record = (await queue.job(id).fetch()) as JobRecord<{ text: string }> | undefined;
  const text = record?.payload?.text ?? (await queue.dead.get(id))?.text ?? (await queue.delayed.get(id))?.text;
  const whole = text === undefined ? undefined : sources.texts.whole(text);
  if (whole !== undefined) return whole;
  throw new RefusedRequest(
    404,
    'NO_PAYLOAD',
    `the payload of message "${id.slice(0, 200)}" is not kept, or cannot be shown`,
  );
}

const blank = (id: string, queue: string): JobView => ({
  ...{ id, queue, status: 'unknown', isTracked: false, position: null, attempts: 0 },
  ...{ putAt: null, dueAt: null, startedAt: null, endedAt: null, expiresAt: null },
  ...{ worker: null, putBy: null, unique: null, payload: null, result: null, progress: null },
  ...{ log: [], lines: 0, failures: [], dead: null, actions: [] },
});

/** A message without a record: a handler works on it, or it is waiting. */
async function placeOf(
  { texts, options }: Sources,
  queue: TextQueue,
  id: string,
): Promise<Partial<JobView> | undefined> {
  for (const worker of await queue.workers.list()) {
    const message = worker.activeMessages.find((one) => one.id === id);
    const name = `${worker.name} (${worker.host}:${worker.pid})`;
    if (message) return { status: 'running', startedAt: message.since, attempts: message.attempt, worker: name };
  }
  for (let offset = 0; offset < mostWaiting; offset += 100) {
    const page = await waitingPage(queue.name, { offset, limit: 100, bytes: longText }, options.address);
    const index = page.findIndex((message) => message.id === id);
    const found = page[index];
    if (found) {
      const payload = texts.of(found.text, longText, found.size);
      return {
        status: 'waiting',
        position: offset + index,
        putAt: found.putAt ?? null,
        attempts: found.attempts,
        payload,
      };
    }
    if (page.length < 100) break;
  }
  return undefined;
}

function ofDelayed({ texts }: Sources, delayed: DelayedMessage | undefined): Partial<JobView> {
  if (!delayed) return {};
  const { dueAt, attempts, text } = delayed;
  const actions: JobAction[] = ['promote', 'move', 'cancel'];
  return { status: attempts > 0 ? 'retrying' : 'delayed', dueAt, attempts, payload: texts.of(text, longText), actions };
}

function ofLetter({ texts }: Sources, letter: DeadLetter | undefined): Partial<JobView> {
  if (!letter) return {};
  const { key, reason, buriedAt, attempts, failures, error, text } = letter;
  const views = failures.map(({ attempt, at, name, message }) => ({
    ...{ attempt, at },
    error: errorView({ name, message }),
  }));
  // The last failure is the error of the burial, which also has its stack and its causes.
  const last = error && [{ attempt: attempts, at: buriedAt, error: errorView(error) }];
  return {
    ...{ status: 'dead', attempts, payload: texts.of(text, longText), dead: { key, reason, buriedAt } },
    failures: last ? [...views.slice(0, -1), ...last] : views,
    actions: ['revive', 'drop'],
  };
}

function ofRecord(
  { texts }: Sources,
  record: JobRecord | undefined,
  letter: DeadLetter | undefined,
  delayed: DelayedMessage | undefined,
): Partial<JobView> {
  if (!record) return {};
  const { status, attempts, putAt, dueAt, startedAt, endedAt, expiresAt, worker, putBy, unique, lines, log } = record;
  const payload = texts.ofValue(record.payload, longText);
  const failures = record.failures.map(({ attempt, at, error }) => ({
    ...{ attempt: attempt ?? null, at: at ?? null },
    error: errorView(error),
  }));
  const isOver = endings.includes(status);
  return {
    ...{ status, isTracked: true, attempts, putAt, lines, log },
    ...{ dueAt: dueAt ?? null, startedAt: startedAt ?? null, endedAt: endedAt ?? null, expiresAt: expiresAt ?? null },
    ...{ worker: worker ?? null, putBy: putBy ?? null, unique: unique ?? null },
    ...(payload && { payload }),
    ...(failures.length > 0 && { failures }),
    result: texts.ofValue(record.result, longText),
    progress: texts.ofValue(record.progress, longText),
    actions: [
      ...(isOver ? [] : (['cancel'] as const)),
      ...(delayed ? (['promote', 'move'] as const) : []),
      ...(letter ? (['revive', 'drop'] as const) : []),
    ],
  };
}
