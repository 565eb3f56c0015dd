import type { JsonSchema, PutForm } from './api.js';
import { deadPage, delayedPage, waitingPage } from '../inspect/pages.js';
import { JsonText } from '../cli/json-text.js';
import { longText } from './shown.js';
import type { Sources, TextQueue } from './sources.js';

/** Deeper values of a message are shown as JSON in the form. */
const mostLevels = 4;
/** A message with more fields gets no form. */
const mostFields = 60;

/**
 * What a form for a new message needs: the rules of the payload class or schema of a queue that the program gave as an object,
 * otherwise the fields of a message that is there.
 */
export async function putForm(sources: Sources, queue: TextQueue): Promise<PutForm> {
  const own = await sources.options.given.get(queue.name)?.describePayload();
  if (own?.schema) return { from: 'class', name: own.name, schema: own.schema };
  const schema = shapeOf(await aPayload(sources, queue));
  const isForm = schema.properties && Object.keys(schema.properties).length <= mostFields;
  // The rules of a class that cannot be described still apply: the page says so.
  return { from: isForm ? 'message' : null, name: own?.isChecked ? own.name : null, schema: isForm ? schema : null };
}

/** The payload of a new message: a waiting one, a dead letter, a delayed one, or a tracked job. `undefined` if none is there. */
async function aPayload({ options }: Sources, queue: TextQueue): Promise<unknown> {
  const { name } = queue;
  const last = Math.max(0, (await queue.size()) - 1);
  const first = { offset: 0, limit: 1, bytes: longText };
  const lists = [
    () => waitingPage(name, { ...first, offset: last }, options.address),
    () => deadPage(name, first, options.address),
    () => delayedPage(name, first, options.address),
  ];
  for (const list of lists) {
    const [message] = await list();
    if (message) return parsed(message.text);
  }
  const { jobs } = await queue.jobs.list({ status: 'done', limit: 1 });
  const payload = jobs[0]?.payload as unknown;
  return payload instanceof JsonText ? parsed(payload.text) : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // its serializer is not JSON, or it is larger than what was read
  }
}

/** The schema that a value suggests: fields and types, nothing of the values. */
export function shapeOf(value: unknown, level = 0): JsonSchema {
  if (value === null || value === undefined || level > mostLevels) return {};
  if (Array.isArray(value)) return { type: 'array', items: shapeOf(value[0], level + 1) };
  if (typeof value !== 'object') return { type: typeof value as 'string' };
  const fields = Object.entries(value).map(([name, one]) => [name, shapeOf(one, level + 1)] as const);
  return { type: 'object', properties: Object.fromEntries(fields) };
}
