/**
 * The trace context that a message carries, as the W3C recommendation "Trace Context" writes it. It has the fields `w` and `v` of the
 * header.
 *
 * @example
 * job.trace; // { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
 */
export interface TraceContext {
  /** Version, trace id, span id and flags: 55 characters. */
  traceparent?: string;
  /** Data of tracing systems, at most 80 characters without spaces; a longer one is left out. */
  tracestate?: string;
}
