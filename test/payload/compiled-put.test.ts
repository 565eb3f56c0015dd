/** Work that `put` skips for a payload that is certainly valid. */
import 'reflect-metadata';
import { describe, expect, it, vi } from 'vitest';
import { payloadType } from '../../src/payload/payload-type.js';
import { difference } from './compare.js';
import { Order } from './payloads.js';

describe('put does not parse its own text', () => {
  const type = payloadType<Order>(Order);
  const reads = (value: unknown): number => {
    const parse = vi.spyOn(JSON, 'parse');
    try {
      const { text, payload } = type.encode(value) as { text: string; payload: Order };
      const calls = parse.mock.calls.length;
      expect(difference(payload, type.decode(text))).toBeUndefined();
      return calls;
    } finally {
      parse.mockRestore();
    }
  };

  it('if no other code can change the values, and returns what parsing would return', () => {
    expect(
      reads({
        to: 'a@b.co',
        retries: -0,
        sizes: [{ width: 1 }],
        at: new Date(5),
        address: { city: 'Bern', street: undefined },
      }),
    ).toBe(0);
    expect(reads(Object.assign(new Order(), { to: 'a@b.co' }))).toBe(0);
  });

  it('but parses it if getters may change the values', () => {
    let reading = 0;
    const changing = {
      get a() {
        return reading++;
      },
    };
    expect(reads({ to: 'a@b.co', retries: 1, extra: { a: 1 } })).toBe(1);
    expect(reads({ to: 'a@b.co', retries: 1, extra: changing })).toBe(1);
    // Once more with the default value of retries.
    expect(reads({ to: 'a@b.co', extra: changing })).toBe(2);
  });
});
