import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { payloadType, type PutInput, type PayloadType, type Plain } from '../../src/payload/payload-type.js';
import { Order } from './payloads.js';

// Checked by `tsc --noEmit`; vitest only sees that the file loads.
describe('types', () => {
  it('Plain is the data of a class, without its methods', () => {
    expectTypeOf<Order>().toExtend<Plain<Order>>();
    expectTypeOf<{ to: string; retries: number; address: { city: string }; at: Date }>().toExtend<Plain<Order>>();
    expectTypeOf<Plain<Order>>().not.toHaveProperty('greeting');
    expectTypeOf<{ retries: number }>().not.toExtend<Plain<Order>>();
    expectTypeOf<Plain<(string | null)[]>>().toEqualTypeOf<readonly (string | null)[]>();
  });

  it('Message of an untyped queue is anything but undefined', () => {
    expectTypeOf<null>().toExtend<PutInput<unknown>>();
    expectTypeOf<string>().toExtend<PutInput<unknown>>();
    expectTypeOf<undefined>().not.toExtend<PutInput<unknown>>();
  });

  it('payloadType has the type of the decoded payload', () => {
    expectTypeOf(payloadType(Order)).toEqualTypeOf<PayloadType<Order>>();
    expectTypeOf(payloadType(z.string().transform(Number))).toEqualTypeOf<PayloadType<number>>();
  });
});
