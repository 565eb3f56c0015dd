import { describe, expect, it } from 'vitest';
import { traceIn, withoutTrace, withTrace } from '../../src/wire/trace.js';

const [traceId, spanId] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];
const traceparent = `00-${traceId}-${spanId}-01`;

describe('a trace context', () => {
  it.each([
    ['alone', { traceparent }, { traceparent }],
    [
      'of a later version',
      { traceparent: `01-${traceId}-${spanId}-01` },
      { traceparent: `01-${traceId}-${spanId}-01` },
    ],
    ['with a state', { traceparent, tracestate: 'vendor=1,other=2' }, { traceparent, tracestate: 'vendor=1,other=2' }],
    [
      'with a state of 80 characters',
      { traceparent, tracestate: 's'.repeat(80) },
      { traceparent, tracestate: 's'.repeat(80) },
    ],
  ])('%s is carried', (_, context, read) => {
    const fields = withTrace(' j=1', 'id', context);
    expect(fields).toMatch(/^ j=1 w=/);
    expect(traceIn(fields)).toEqual(read);
  });

  it.each([
    ['of the forbidden version ff', `ff-${traceId}-${spanId}-01`],
    ['without a trace', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['without a span', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['in capital letters', traceparent.toUpperCase()],
    ['that is too short', traceparent.slice(1)],
    ['with more behind it', `${traceparent}-x`],
    ['that is empty', ''],
  ])('%s is neither written nor read', (_, malformed) => {
    expect(withTrace(' j=1', 'id', { traceparent: malformed, tracestate: 'vendor=1' })).toBe(' j=1');
    expect(traceIn(` j=1 w=${malformed} v=vendor=1`)).toBeUndefined();
  });

  it.each([
    ['with a space', 'a=1, b=2'],
    ['with a line break', 'a=1\nb=2'],
    ['beyond ASCII', 'a=é'],
    ['of 81 characters', 's'.repeat(81)],
    ['that is empty', ''],
  ])('%s in its state is carried without the state', (_, tracestate) => {
    expect(withTrace('', 'id', { traceparent, tracestate })).toBe(` w=${traceparent}`);
    expect(traceIn(` w=${traceparent} v=${tracestate}`)?.tracestate).not.toBe(tracestate);
  });

  it('leaves room in the header: a long state is left out first, then the context', () => {
    const parent = ` w=${traceparent}`;
    const state = ` v=${'s'.repeat(80)}`;
    const context = { traceparent, tracestate: 's'.repeat(80) };
    const idOf = (rest: number): string => 'i'.repeat(200 - rest);
    expect(withTrace('', idOf(parent.length + state.length), context)).toBe(parent + state);
    expect(withTrace('', `${idOf(parent.length + state.length)}i`, context)).toBe(parent);
    expect(withTrace('', idOf(parent.length), context)).toBe(parent);
    expect(withTrace('', `${idOf(parent.length)}i`, context)).toBe('');
  });

  it('is removed from a message, and nothing of its payload', () => {
    const line = (fields: string): string => `#id 0 0${fields}\n"a w=1 v=2"`;
    const fields = withTrace(' j=1', 'id', { traceparent, tracestate: 'vendor=1' });
    expect(withoutTrace(line(`${fields} x=1`))).toBe(line(' j=1 x=1'));
    expect(withoutTrace(line(' j=1'))).toBe(line(' j=1'));
  });
});
