import type { Dice } from './random-classes.js';

const hostile = [
  'null',
  '[]',
  '{}',
  '[[]]',
  '[{}]',
  '"x"',
  '""',
  '0',
  '-1',
  '1.5',
  '1e400',
  'true',
  '[null]',
  '{"a":{}}',
  '{"__proto__":{"a":1}}',
  '{"constructor":1}',
  '{"then":1}',
  '{"toString":1}',
  '["a",1]',
  '{"length":2}',
  '"9999999999999"',
  '{"hasOwnProperty":{}}',
];
const hostileKeys = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'z',
  'a',
  '0',
  'then',
  'elsewhere',
];

/** JSON text of a payload, perhaps with one random fault. */
export function spoiled(plain: Record<string, unknown>, dice: Dice): string {
  const entries = Object.entries(plain).map(([key, value]) => [key, JSON.stringify(value)] as [string, string]);
  const at = dice.below(entries.length);
  const chance = dice.roll();
  if (entries.length > 0 && chance < 0.12) entries[at]![1] = dice.pick(hostile);
  else if (chance < 0.16) entries.splice(at, 0, [dice.pick(hostileKeys), dice.pick(hostile)]);
  else if (chance < 0.2) entries.splice(at, 1);
  else if (entries.length > 0 && chance < 0.3)
    entries[at]![1] = entries[at]![1].replace(
      /"\w+":|"a"|1/,
      dice.pick(['"z":', '{}', 'null', '[]', '"toString":', '7', '""']),
    );
  return `{${entries.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join()}}`;
}

export const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Whether the codec may refuse a text before it is validated. */
export const isRefusedByCodec = (text: string): boolean => /__proto__|constructor|prototype"|1e400/.test(text);
