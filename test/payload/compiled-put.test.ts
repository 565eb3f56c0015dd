/** Work that `put` skips for a payload that is certainly valid. */
import 'reflect-metadata';
import { Expose } from 'class-transformer';
import { IsBoolean, IsInt, IsOptional, IsString } from 'class-validator';
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { payloadType, type Encoded, type PayloadType } from '../../src/payload/payload-type.js';
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

describe('a message without objects that has all properties of its class', () => {
  class Flat {
    @IsString() path!: string;
    @IsInt() width = 800;
    @IsOptional() @IsBoolean() isRound?: boolean | null;
  }
  /** The same, and one more property, which has another name when stored and is in no message: so each takes the general way. */
  class General {
    @IsString() path!: string;
    @IsInt() width = 800;
    @IsOptional() @IsBoolean() isRound?: boolean | null;
    @Expose({ name: 'other' }) @IsOptional() @IsString() never?: string;
  }
  const flat = payloadType<Flat>(Flat);
  const general = payloadType<General>(General);
  const outcome = (type: PayloadType<object>, value: unknown): unknown => {
    try {
      const { text, payload } = type.encode(value) as Encoded<object>;
      return { text, fields: Object.entries(payload), class: payload.constructor === type.source };
    } catch (error) {
      const { name, message } = error as Error;
      return { name, message: message.replaceAll('General', 'Flat') };
    }
  };
  const oddities = [undefined, null, -0, NaN, 1.5, true, 'text', '\ud800', [], {}, new Date(0), 1n, () => 1];
  const property = (usual: unknown[]): fc.Arbitrary<unknown> =>
    fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...usual) },
      { weight: 1, arbitrary: fc.constantFrom(...oddities) },
    );
  const messages = fc
    .record(
      {
        path: property(['a.jpg', '']),
        width: property([1, -0, 800]),
        isRound: property([true, false, null]),
        more: fc.constantFrom(undefined, undefined, undefined, 1),
      },
      { requiredKeys: ['path'] },
    )
    .chain((message) => fc.shuffledSubarray(Object.entries(message), { minLength: Object.keys(message).length }));

  it('has the text and fields, or the error with the name and message, that the general way gives', () => {
    let stored = 0;
    fc.assert(
      fc.property(messages, fc.boolean(), (entries, isInstance) => {
        const data = Object.fromEntries(entries);
        const of = (made: object): object => (isInstance ? Object.assign(made, data) : { ...data });
        const found = outcome(flat, of(new Flat()));
        expect(found).toEqual(outcome(general, of(new General())));
        if ('text' in (found as object)) stored += 1;
      }),
      { numRuns: 2_000 },
    );
    expect(stored).toBeGreaterThan(200);
  });

  it('is a copy: what its caller changes later is not in the payload', () => {
    const message = { path: 'a.jpg', width: 1, isRound: true };
    const { payload } = flat.encode(message) as Encoded<Flat>;
    message.path = 'b.jpg';
    expect(payload).toEqual(Object.assign(new Flat(), { path: 'a.jpg', width: 1, isRound: true }));
  });
});
