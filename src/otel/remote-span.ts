import { createTraceState, type SpanContext } from '@opentelemetry/api';
import type { TraceContext } from 'hotqueue';

/** The span that put a message. hotqueue has checked the form of what the message carries. */
export function remoteSpanIn(context: TraceContext | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = context?.traceparent?.split('-') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const state = context?.tracestate;
  return {
    ...{ traceId, spanId, traceFlags: parseInt(flags, 16), isRemote: true },
    ...(state !== undefined && { traceState: createTraceState(state) }),
  };
}

/** Writes the context of a span into what a message carries. A span of no SDK has none. */
export function carry({ traceId, spanId, traceFlags, traceState }: SpanContext, carrier: TraceContext): void {
  if (/^0+$/.test(traceId)) return;
  carrier.traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  const state = traceState?.serialize();
  if (state) carrier.tracestate = state;
}
