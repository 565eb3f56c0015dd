import { validate, version } from 'uuid';
import { expect, it } from 'vitest';
import { madeAt, newId } from '../../src/message/ids.js';

it('makes UUIDs of version 7, all different, sorted as they were made, which tell when that was', () => {
  const before = Date.now();
  const ids = Array.from({ length: 100_000 }, newId);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort()).toEqual(ids);
  expect(ids.filter((id) => !validate(id) || version(id) !== 7)).toEqual([]);
  expect(madeAt(ids[0]!)).toBeGreaterThanOrEqual(before);
  expect(madeAt(ids.at(-1)!)).toBeLessThanOrEqual(Date.now());
});

it.each(['', 'order-7', '01a1fbd5-d784-47c1-98a4-9d4296121514'])('cannot tell when %j was made', (id) => {
  expect(madeAt(id)).toBeUndefined();
});
