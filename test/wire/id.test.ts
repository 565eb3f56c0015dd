import { validate, version } from 'uuid';
import { expect, it } from 'vitest';
import { madeAt, newId } from '../../src/wire/id.js';

it('newId() makes unique UUIDs of version 7, sorted by creation, and madeAt() returns the time of creation', () => {
  const before = Date.now();
  const ids = Array.from({ length: 100_000 }, newId);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort()).toEqual(ids);
  expect(ids.filter((id) => !validate(id) || version(id) !== 7)).toEqual([]);
  expect(madeAt(ids[0]!)).toBeGreaterThanOrEqual(before);
  expect(madeAt(ids.at(-1)!)).toBeLessThanOrEqual(Date.now());
});

it.each(['', 'order-7', '01a1fbd5-d784-47c1-98a4-9d4296121514'])('madeAt() returns undefined for %j', (id) => {
  expect(madeAt(id)).toBeUndefined();
});
