import type { DueOptions, Duration, Priority, PutOptions } from 'hotqueue';
import { jsonText } from '../cli/json-text.js';
import type { Done } from './api.js';
import { RefusedRequest } from './refusals.js';
import type { Sources, TextQueue } from './sources.js';

/** The JSON object in the body of a request. */
export type Body = Readonly<Record<string, unknown>>;

/** Dead letters that one request names. More are changed with `all`. */
const mostKeys = 2_000;
/** Commands to Redis at the same time. */
const atOnce = 20;

const done = (count: number, id: string | null = null): Done => ({ count, id });

/** Ends that happened meanwhile, in another place: the page shows the sentence. */
const tooLate = (id: string): RefusedRequest =>
  new RefusedRequest(409, 'TOO_LATE', `nothing was changed: message "${id.slice(0, 200)}" is not where it was`);

const ifChanged = (isChanged: boolean, id: string): Done => {
  if (!isChanged) throw tooLate(id);
  return done(1);
};

export const queueActions = {
  pause: async (queue: TextQueue, body: Body): Promise<Done> => {
    const duration = textIn(body, 'for');
    await queue.pause(duration === undefined ? {} : { for: duration as Duration });
    return done(1);
  },
  resume: async (queue: TextQueue): Promise<Done> => {
    await queue.resume();
    return done(1);
  },
  clear: async (queue: TextQueue): Promise<Done> => done(await queue.clear()),
} as const;

/** Puts a message. A queue that the program gave as an object checks the payload. */
export async function put({ options }: Sources, queue: TextQueue, body: Body): Promise<Done> {
  const text = textIn(body, 'payload');
  if (text === undefined) throw new RefusedRequest(400, 'INVALID_BODY', 'missing payload: expected JSON as text');
  const message = parsed(text);
  const put: PutOptions = {
    ...given('delay', textIn(body, 'delay') as Duration | undefined),
    ...given('priority', textIn(body, 'priority') as Priority | undefined),
    ...given('id', textIn(body, 'id')),
    ...given('attempts', body['attempts'] as number | undefined),
    ...given('track', body['track'] === true ? true : undefined),
  };
  const own = options.given.get(queue.name);
  const job = own ? await own.with(put).put(JSON.parse(text) as never) : await queue.with(put).put(message);
  return done(1, job.id);
}

function parsed(text: string): ReturnType<typeof jsonText> {
  try {
    return jsonText(text);
  } catch (error) {
    throw new RefusedRequest(400, 'INVALID_JSON', `the payload is not JSON: ${(error as Error).message}`);
  }
}

export const jobActions = {
  cancel: async (queue: TextQueue, id: string): Promise<Done> =>
    ifChanged((await queue.job(id).cancel().catch(ifNotTracked)) || (await queue.delayed.cancel(id)), id),
  promote: async (queue: TextQueue, id: string): Promise<Done> => ifChanged(await queue.delayed.promote(id), id),
  move: async (queue: TextQueue, id: string, body: Body): Promise<Done> =>
    ifChanged(await queue.delayed.move(id, dueIn(body)), id),
  revive: async (queue: TextQueue, id: string): Promise<Done> => ifChanged((await queue.dead.revive(id)) > 0, id),
  drop: async (queue: TextQueue, id: string): Promise<Done> => ifChanged((await queue.dead.drop(id)) > 0, id),
} as const;

/** A message without a record cannot be cancelled as a job, but as a delayed message. */
function ifNotTracked(error: unknown): false {
  if ((error as { code?: string }).code === 'NOT_TRACKED') return false;
  throw error;
}

function dueIn(body: Body): DueOptions {
  const [delay, at] = [textIn(body, 'delay'), body['at']];
  return at === undefined ? { delay: delay as Duration } : { at: at as number };
}

/** Revives or drops the dead letters that a request names, or all. */
export async function changeDead(queue: TextQueue, verb: 'revive' | 'drop', { keys, all }: Body): Promise<Done> {
  if (all === true) return done(await (verb === 'revive' ? queue.dead.reviveAll() : queue.dead.dropAll()));
  const areKeys = Array.isArray(keys) && keys.length > 0 && keys.length <= mostKeys;
  if (!areKeys || !keys.every((key) => typeof key === 'string'))
    throw new RefusedRequest(400, 'INVALID_BODY', `expected { all: true }, or { keys } with 1 to ${mostKeys} keys`);
  let count = 0;
  for (let start = 0; start < keys.length; start += atOnce) {
    const some = keys.slice(start, start + atOnce);
    const counts = await Promise.all(some.map((key) => queue.dead[verb](key)));
    count += counts.reduce((sum, one) => sum + one, 0);
  }
  return done(count);
}

export const scheduleActions = {
  run: async (queue: TextQueue, name: string): Promise<Done> => done(1, (await queue.schedules.run(name)).id),
  pause: async (queue: TextQueue, name: string): Promise<Done> => {
    await queue.schedules.pause(name);
    return done(1);
  },
  resume: async (queue: TextQueue, name: string): Promise<Done> => {
    await queue.schedules.resume(name);
    return done(1);
  },
} as const;

export async function orderWorker(queue: TextQueue, verb: 'quiet' | 'resume' | 'stop', id: string): Promise<Done> {
  await queue.workers[verb](id);
  return done(1);
}

/** A text in the body; `undefined` if it is absent or empty. @throws RefusedRequest for another type */
function textIn(body: Body, name: string): string | undefined {
  const value = body[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw new RefusedRequest(400, 'INVALID_BODY', `invalid ${name}: expected text`);
}

const given = <K extends string, V>(name: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [name]: value } as Partial<Record<K, V>>);
