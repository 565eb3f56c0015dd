import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import { metrics, ROOT_CONTEXT, trace, type Context } from '@opentelemetry/api';
import { InvalidOptionError, type TraceContext } from 'hotqueue';
import { instruments } from './instruments.js';
import { remoteSpanIn } from './remote-span.js';
import { subscribe } from './subscribe.js';

/**
 * Options of {@link instrument}.
 *
 * @example
 * ```ts
 * const options: InstrumentOptions = { parent: 'child', settle: 'all' };
 * ```
 */
export interface InstrumentOptions {
  /** Makes the spans; the global one by default. */
  tracerProvider?: TracerProvider;
  /** Makes the metrics; the global one by default. */
  meterProvider?: MeterProvider;
  /**
   * `link`, the default: each attempt is a trace of its own, with a link to the span that put the message. `child`: it is a child of
   * that span, so one trace has both. Batches, and messages of a schedule, always have links.
   */
  parent?: 'link' | 'child';
  /** Spans for settlements. `failures`, the default: for retries, dead letters and releases. `all`: for acknowledgements too. */
  settle?: 'failures' | 'all';
}

/**
 * Spans and metrics for all queues of this process, until {@link Instrumentation.stop}.
 *
 * @example
 * ```ts
 * const instrumentation = instrument();
 * instrumentation.stop();
 * ```
 */
export interface Instrumentation extends Disposable {
  /** Makes no more spans and metrics. Messages that are put carry no trace context. */
  stop(this: void): void;
}

/**
 * Makes OpenTelemetry spans and metrics of what the queues of this process do, after the conventions for messaging. Messages carry the
 * trace context of the span that put them, and handlers run in the context of their span. Call it once, after the SDK has started.
 *
 * @throws InvalidOptionError
 *
 * @example
 * ```ts
 * import { instrument } from 'hotqueue/otel';
 *
 * instrument({ parent: 'child' });
 * ```
 */
export function instrument(options: InstrumentOptions = {}): Instrumentation {
  const { tracerProvider = trace.getTracerProvider(), meterProvider = metrics.getMeterProvider() } = options;
  const { parent = 'link', settle = 'failures' } = options;
  checkOneOf('parent', parent, ['link', 'child']);
  checkOneOf('settle', settle, ['failures', 'all']);
  const stop = subscribe({
    tracer: tracerProvider.getTracer(scope),
    instruments: instruments(meterProvider.getMeter(scope)),
    isChild: parent === 'child',
    withAcks: settle === 'all',
  });
  return { stop, [Symbol.dispose]: stop };
}

/**
 * The context of the span that put a message, for loops over `deliveries()`, which have no handler that could run in a span.
 *
 * @param message what carries a trace context, such as a delivery
 * @returns the root context if it carries none
 *
 * @example
 * ```ts
 * import { trace } from '@opentelemetry/api';
 * import { contextOf } from 'hotqueue/otel';
 *
 * for await (const job of orders.deliveries({ limit: 1 })) {
 *   const span = trace.getTracer('shop').startSpan('pack', {}, contextOf(job));
 *   span.end();
 * }
 * ```
 */
export function contextOf(message: { readonly trace: TraceContext | undefined }): Context {
  const remote = remoteSpanIn(message.trace);
  return remote ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT;
}

const scope = 'hotqueue';

function checkOneOf(option: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  const expected = known.map((one) => `'${one}'`).join(' or ');
  throw new InvalidOptionError(option, `invalid ${option} ${JSON.stringify(value)}: expected ${expected}`);
}
