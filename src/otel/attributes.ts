import type { Attributes } from '@opentelemetry/api';
import type { OperationTrace, TracedMessage } from 'hotqueue';

/** `create`: a message is made that is stored later. */
export type OperationType = 'create' | 'send' | 'process' | 'settle';

/**
 * What spans and metrics of one operation have in common: few values, so that metrics stay few. The names are of the semantic
 * conventions 1.45.
 *
 * @param name name of the operation; its type by default
 */
export function commonAttributes(operation: OperationTrace, type: OperationType, name: string = type): Attributes {
  return {
    'messaging.system.name': 'hotqueue',
    'messaging.destination.name': operation.queue,
    'messaging.operation.type': type,
    'messaging.operation.name': name,
    ...serverAttributes(operation),
  };
}

/** Of a handler: one message, or those of a batch. */
export function messageAttributes(messages: readonly TracedMessage[]): Attributes {
  const [first] = messages;
  const worker = { 'messaging.client.id': first!.worker };
  if (messages.length > 1) return { ...worker, 'messaging.batch.message_count': messages.length };
  const { id, attempt, schedule } = first!;
  return {
    ...worker,
    'messaging.message.id': id,
    'hotqueue.attempt': attempt,
    ...(schedule && { 'hotqueue.schedule': schedule.name }),
  };
}

/** Class of an error, for `error.type`: `_OTHER` as the conventions say if it has none. Never throws. */
export function errorType(error: unknown): string {
  try {
    const { code, name } = error as { code?: unknown; name?: unknown };
    if (typeof code === 'string' && code !== '') return code;
    return typeof name === 'string' && name !== '' ? name : '_OTHER';
  } catch {
    return '_OTHER';
  }
}

/** An error as `recordException` takes it. Never throws. */
export function exceptionOf(error: unknown): Error | string {
  try {
    return error instanceof Error ? error : String(error);
  } catch {
    return 'the thrown value cannot be read';
  }
}

const servers = new Map<string, Attributes>();

/** From an address such as `redis://app:***@cache:6379/2`. */
export function serverAttributes({ redis }: OperationTrace): Attributes {
  const known = servers.get(redis);
  if (known) return known;
  const attributes = readServer(redis);
  servers.set(redis, attributes);
  return attributes;
}

function readServer(redis: string): Attributes {
  if (!URL.canParse(redis)) return {};
  const { protocol, hostname, port, pathname } = new URL(redis);
  if (protocol === 'unix:') return { 'server.address': pathname };
  return { 'server.address': hostname, 'server.port': Number(port || 6379) };
}
