// The trace context of a message: the fields `w` and `v` of its header.
import type { TraceContext } from '../core/trace-context.js';

const traceparentForm = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const tracestateForm = /^[!-~]{1,80}$/;
/** Later fields of a retry must have room: a header line has at most 256 characters. */
const mostCharacters = 200;

/** The fields of a header with a trace context. What is malformed, or makes the header line too long, is left out. */
export function withTrace(fields: string, id: string, { traceparent, tracestate }: TraceContext = {}): string {
  if (traceparent === undefined || !traceparentForm.test(traceparent)) return fields;
  const fits = (longer: string): boolean => id.length + longer.length <= mostCharacters;
  const parent = `${fields} w=${traceparent}`;
  if (!fits(parent)) return fields;
  if (tracestate === undefined || !tracestateForm.test(tracestate)) return parent;
  const both = `${parent} v=${tracestate}`;
  return fits(both) ? both : parent;
}

/** The trace context in the fields of a header; `undefined` if there is none, or it is malformed. */
export function traceIn(fields: string): TraceContext | undefined {
  const [, traceparent] = / w=([!-~]+)(?= |$)/.exec(fields) ?? [];
  if (traceparent === undefined || !traceparentForm.test(traceparent)) return undefined;
  const [, tracestate] = / v=([!-~]+)(?= |$)/.exec(fields) ?? [];
  return { traceparent, ...(tracestate !== undefined && tracestateForm.test(tracestate) && { tracestate }) };
}

/** A message without its trace context. */
export function withoutTrace(message: string): string {
  const lineEnd = message.indexOf('\n');
  return message.slice(0, lineEnd).replace(/ [wv]=[!-~]+/g, '') + message.slice(lineEnd);
}
