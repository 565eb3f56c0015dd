import type { JobRecord, JobStatus } from 'hotqueue';
import { deadPage, delayedPage, waitingPage, type PageRequest } from '../inspect/pages.js';
import type { MessagePage, MessageRow } from './api.js';
import { RefusedRequest } from './refusals.js';
import { errorLine, longText, shortText } from './shown.js';
import type { Sources, TextQueue } from './sources.js';

/** What is asked of a list. */
export interface ListRequest {
  /** Text that the id, the payload or the error must contain; empty: all messages. */
  readonly search: string;
  /** `next` of the page before; empty: the first page. */
  readonly from: string;
  /** Most messages of a page. */
  readonly limit: number;
}

/** Statuses of tracked jobs that have a list. Waiting and delayed messages are listed whether they are tracked or not. */
const listed = ['running', 'retrying', 'done', 'failed', 'cancelled', 'expired'] as const;
type ListedStatus = (typeof listed)[number];

/** Lists of messages by state. */
export const states = ['waiting', 'active', 'delayed', 'dead', ...listed] as const;
export type State = (typeof states)[number];

/** A search looks at so many messages at most; the page says how many it were. */
const mostSearched = 2_000;
const chunk = 100;

/** A page of the messages of a queue with one state. */
export async function listMessages(
  sources: Sources,
  queue: TextQueue,
  state: State,
  request: ListRequest,
): Promise<MessagePage> {
  switch (state) {
    case 'waiting':
      return byOffset(request, 'put', (page) => waiting(sources, queue, page));
    case 'delayed':
      return byOffset(request, 'due', (page) => delayed(sources, queue, page));
    case 'dead':
      return byOffset(request, 'buried', (page) => dead(sources, queue, page));
    case 'active':
      return active(queue, request);
    default:
      return tracked(sources, queue, state, request);
  }
}

/** A list whose pages begin at an offset. With a search, reads on until the page is full. */
async function byOffset(
  { search, from, limit }: ListRequest,
  atMeans: MessagePage['atMeans'],
  read: (page: { offset: number; limit: number }) => Promise<readonly MessageRow[]>,
): Promise<MessagePage> {
  const start = offsetIn(from);
  if (search === '') {
    const messages = await read({ offset: start, limit });
    return { messages, next: messages.length === limit ? String(start + limit) : null, atMeans, searched: null };
  }
  const found: MessageRow[] = [];
  for (let offset = start; offset < start + mostSearched;) {
    const rows = await read({ offset, limit: chunk });
    for (const [index, row] of rows.entries()) {
      if (!matches(row, search)) continue;
      found.push(row);
      const next = offset + index + 1;
      if (found.length === limit) return { messages: found, next: String(next), atMeans, searched: next - start };
    }
    offset += rows.length;
    if (rows.length < chunk) return { messages: found, next: null, atMeans, searched: offset - start };
  }
  return { messages: found, next: String(start + mostSearched), atMeans, searched: mostSearched };
}

function offsetIn(from: string): number {
  const offset = Number(from || '0');
  if (Number.isSafeInteger(offset) && offset >= 0 && offset <= 100_000_000) return offset;
  throw new RefusedRequest(400, 'INVALID_PAGE', `invalid from "${from.slice(0, 100)}": use "next" of the page before`);
}

function matches({ id, payload, error }: MessageRow, search: string): boolean {
  const wanted = search.toLowerCase();
  return [id, payload?.text ?? '', error ?? ''].some((text) => text.toLowerCase().includes(wanted));
}

/** To hide fields, a payload must be read as a whole. A search looks at more than a list shows. */
const bytesFor = (sources: Sources, limit: number): number =>
  sources.texts.areRedacted ? longText : limit === chunk ? 4_096 : 4 * shortText;

type Slice = Omit<PageRequest, 'bytes'>;

async function waiting(sources: Sources, { name }: TextQueue, slice: Slice): Promise<MessageRow[]> {
  const bytes = bytesFor(sources, slice.limit);
  const found = await waitingPage(name, { ...slice, bytes }, sources.options.address);
  return found.map(({ id, putAt, attempts, text, size }) => ({
    ...{ id, at: putAt ?? null, attempts, error: null, worker: null },
    payload: sources.texts.of(text, bytes, size),
  }));
}

async function delayed(sources: Sources, { name }: TextQueue, slice: Slice): Promise<MessageRow[]> {
  const bytes = bytesFor(sources, slice.limit);
  const found = await delayedPage(name, { ...slice, bytes }, sources.options.address);
  return found.map(({ id, dueAt, attempts, text, size }) => ({
    ...{ id, at: dueAt, attempts, error: null, worker: null },
    payload: sources.texts.of(text, bytes, size),
  }));
}

async function dead(sources: Sources, { name }: TextQueue, slice: Slice): Promise<MessageRow[]> {
  const bytes = bytesFor(sources, slice.limit);
  const found = await deadPage(name, { ...slice, bytes }, sources.options.address);
  return found.map(({ key, buriedAt, attempts, reason, error, text, size }) => ({
    ...{ id: key, at: buriedAt, attempts, worker: null },
    error: error ? `${reason}: ${errorLine(error)}` : reason,
    payload: sources.texts.of(text, bytes, size),
  }));
}

/** The messages on which handlers work, as workers reported them: up to 20 of each worker. */
async function active({ workers }: TextQueue, { search, from, limit }: ListRequest): Promise<MessagePage> {
  const start = offsetIn(from);
  const all = (await workers.list()).flatMap(({ name, host, pid, activeMessages }) =>
    activeMessages.map(({ id, attempt, since }): MessageRow => {
      return { id, at: since, attempts: attempt - 1, payload: null, error: null, worker: `${name} (${host}:${pid})` };
    }),
  );
  const found = search === '' ? all : all.filter((row) => matches(row, search) || row.worker?.includes(search));
  const messages = found.slice(start, start + limit);
  const next = start + limit < found.length ? String(start + limit) : null;
  return { messages, next, atMeans: 'started', searched: search === '' ? null : all.length };
}

async function tracked(
  sources: Sources,
  queue: TextQueue,
  status: ListedStatus & JobStatus,
  { search, from, limit }: ListRequest,
): Promise<MessagePage> {
  const atMeans = status === 'running' ? 'started' : status === 'retrying' ? 'due' : 'ended';
  const row = (record: JobRecord): MessageRow => rowOfRecord(sources, record);
  let cursor = from;
  const found: MessageRow[] = [];
  let searched = 0;
  do {
    const page = await queue.jobs.list({
      ...{ status, limit: search === '' ? limit : chunk },
      ...(cursor !== '' && { cursor }),
    });
    searched += page.jobs.length;
    const rows = page.jobs.map(row);
    found.push(...(search === '' ? rows : rows.filter((one) => matches(one, search))));
    cursor = page.cursor ?? '';
  } while (search !== '' && cursor !== '' && found.length < limit && searched < mostSearched);
  const next = cursor === '' ? null : cursor;
  return { messages: found, next, atMeans, searched: search === '' ? null : searched };
}

function rowOfRecord({ texts }: Sources, record: JobRecord): MessageRow {
  const { id, status, putAt, startedAt, dueAt, endedAt, attempts, error, payload, worker } = record;
  const at = { running: startedAt, retrying: dueAt }[status as 'running'] ?? endedAt ?? putAt;
  return {
    ...{ id, at, attempts, worker: worker ?? null },
    error: error ? errorLine(error) : null,
    payload: texts.ofValue(payload, 4 * shortText),
  };
}
