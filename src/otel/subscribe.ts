import { tracingChannel, type TracingChannelSubscribers } from 'node:diagnostics_channel';
import { context, diag, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Attributes, Context, Link, Span, SpanOptions, Tracer } from '@opentelemetry/api';
import type { OperationTrace, ProcessTrace, PutTrace, SettleTrace, TracedMessage } from 'hotqueue';
import { commonAttributes, errorType, exceptionOf, messageAttributes, serverAttributes } from './attributes.js';
import type { Instruments } from './instruments.js';
import { carry, remoteSpanIn } from './remote-span.js';

export interface Terms {
  readonly tracer: Tracer;
  readonly instruments: Instruments;
  /** Whether the span of a handler is a child of the span that put its message. */
  readonly isChild: boolean;
  /** Whether acknowledgements have spans. */
  readonly withAcks: boolean;
}

/** An operation that has begun. */
interface Begun {
  readonly span: Span | undefined;
  /** Monotonic ms. */
  readonly at: number;
  /** For the metrics. */
  readonly attributes: Attributes;
}

/** What one channel does when an operation begins and ends. */
interface Observer<T extends OperationTrace> {
  begin(operation: T): Begun;
  end(operation: T, seconds: number, attributes: Attributes, span: Span | undefined): void;
}

/** @returns a function that ends it */
export function subscribe(terms: Terms): () => void {
  const ends = [
    observe<PutTrace>('hotqueue:put', puts(terms)),
    observe<ProcessTrace>('hotqueue:process', processes(terms)),
    observe<SettleTrace>('hotqueue:settle', settlements(terms)),
  ];
  return () => ends.forEach((end) => end());
}

/** The spans in which handlers run: settlements are their children. */
const spans = new WeakMap<TracedMessage, Context>();

function puts({ tracer, instruments }: Terms): Observer<PutTrace> {
  return {
    begin(put) {
      const type = put.operation === 'schedule' ? 'create' : 'send';
      const attributes = commonAttributes(put, type);
      const active = context.active();
      const options: SpanOptions = {
        kind: SpanKind.PRODUCER,
        attributes: {
          ...attributes,
          'hotqueue.operation': put.operation,
          ...(put.count > 1 && { 'messaging.batch.message_count': put.count }),
        },
      };
      const span = tracer.startSpan(`${type} ${put.queue}`, options, active);
      carry(span.spanContext(), put.carrier);
      runInside(put, trace.setSpan(active, span));
      return { span, at: performance.now(), attributes };
    },
    end({ count, result, operation }, seconds, attributes, span) {
      const id = (result as { readonly id?: unknown } | undefined)?.id;
      if (typeof id === 'string') span?.setAttribute('messaging.message.id', id);
      instruments.sent(operation === 'schedule' ? 0 : count, seconds, attributes);
    },
  };
}

function processes({ tracer, instruments, isChild }: Terms): Observer<ProcessTrace> {
  return {
    begin(run) {
      const attributes = commonAttributes(run, 'process');
      const { parent, options } = originOf(run.messages, isChild);
      const span = tracer.startSpan(
        `process ${run.queue}`,
        { ...options, kind: SpanKind.CONSUMER, attributes: { ...attributes, ...messageAttributes(run.messages) } },
        parent,
      );
      const inside = trace.setSpan(parent, span);
      for (const message of run.messages) spans.set(message, inside);
      runInside(run, inside);
      return { span, at: performance.now(), attributes };
    },
    end({ messages }, seconds, attributes, span) {
      if (messages.length > 1)
        for (const { id, failure } of messages)
          if (failure)
            span?.addEvent('message failed', { 'messaging.message.id': id, 'error.type': errorType(failure.error) });
      instruments.processed(messages.length, seconds, attributes);
    },
  };
}

function settlements({ tracer, instruments, withAcks }: Terms): Observer<SettleTrace> {
  return {
    begin(settlement) {
      const { verb, queue, message, cause } = settlement;
      const attributes = commonAttributes(settlement, 'settle', verb);
      if (verb === 'ack' && !withAcks) return { span: undefined, at: performance.now(), attributes };
      const span = tracer.startSpan(
        `${verb} ${queue}`,
        { kind: SpanKind.CLIENT, attributes: { ...attributes, ...messageAttributes([message]) } },
        spans.get(message) ?? ROOT_CONTEXT,
      );
      if (cause !== undefined) span.setAttribute('hotqueue.cause', errorType(cause));
      return { span, at: performance.now(), attributes };
    },
    end(_, seconds, attributes) {
      instruments.settled(seconds, attributes);
    },
  };
}

/** Runs an operation in a context, inside of what other subscribers have put around it. */
function runInside(operation: OperationTrace, inside: Context): void {
  const { around } = operation;
  operation.around = (work) => {
    const run = (): ReturnType<typeof work> => context.with(inside, work);
    return around ? around(run) : run();
  };
}

/** Where the span of a handler belongs: below the span that put its message, or in a trace of its own with links. */
function originOf(messages: readonly TracedMessage[], isChild: boolean): { parent: Context; options: SpanOptions } {
  const [first] = messages;
  if (isChild && messages.length === 1 && !first!.schedule) {
    const remote = remoteSpanIn(first!.trace);
    return { parent: remote ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT, options: {} };
  }
  const links = messages.flatMap((message): Link[] => {
    const remote = remoteSpanIn(message.trace);
    return remote ? [{ context: remote, attributes: { 'messaging.message.id': message.id } }] : [];
  });
  return { parent: ROOT_CONTEXT, options: { root: true, links } };
}

/** @returns a function that ends it */
function observe<T extends OperationTrace>(name: string, observer: Observer<T>): () => void {
  const begun = new WeakMap<object, Begun>();
  const end = (operation: T): void => {
    const found = begun.get(operation);
    if (!found) return;
    begun.delete(operation);
    const { span, at } = found;
    const error = failureOf(operation);
    const server = serverAttributes(operation);
    const type = error && { 'error.type': errorType(error.reason) };
    const attributes = { ...found.attributes, ...server, ...type };
    span?.setAttributes(server); // unknown at the first put
    if (span && error) fail(span, error.reason);
    observer.end(operation, (performance.now() - at) / 1_000, attributes, span);
    span?.end();
  };
  const channel = tracingChannel<string, T>(name);
  const subscribers = {
    start: guarded((operation: T) => void begun.set(operation, observer.begin(operation))),
    asyncEnd: guarded(end),
    // A handler that throws at once has no asyncEnd: its error is published before the event "end".
    end: guarded((operation: T) => void ('error' in operation && end(operation))),
    error: () => undefined,
    asyncStart: () => undefined,
  } as unknown as TracingChannelSubscribers<T>;
  channel.subscribe(subscribers);
  return () => void channel.unsubscribe(subscribers);
}

/** Node ends the process when a subscriber throws. A fault of an SDK must not do that. */
function guarded<T>(subscriber: (operation: T) => void): (operation: T) => void {
  return (operation) => {
    try {
      subscriber(operation);
    } catch (error) {
      diag.error('hotqueue/otel: a span or metric is missing', error);
    }
  };
}

/** Also of a message that its handler has failed with `fail`. */
function failureOf(
  operation: OperationTrace & { messages?: readonly TracedMessage[] },
): { reason: unknown } | undefined {
  if ('error' in operation && operation.error !== undefined) return { reason: operation.error };
  const failure = operation.messages?.length === 1 ? operation.messages[0]!.failure : undefined;
  return failure && { reason: failure.error };
}

function fail(span: Span, error: unknown): void {
  const exception = exceptionOf(error);
  span.recordException(exception);
  span.setAttribute('error.type', errorType(error));
  span.setStatus({
    code: SpanStatusCode.ERROR,
    message: typeof exception === 'string' ? exception : exception.message,
  });
}
