import { expect, it } from 'vitest';
import { joined } from '../../src/redis/joined.js';

it.each([
  [['a', 'bcd'], '1,3', 'abcd'],
  [['', 'é', ''], '0,2,0', 'é'],
  [['1,2\n', '€uro', '𝄞'], '4,6,4', '1,2\n€uro𝄞'],
  [[''], '0', ''],
])('%j are %s bytes', (texts, lengths, all) => {
  expect(joined(texts)).toEqual([lengths, Buffer.from(all)]);
});
