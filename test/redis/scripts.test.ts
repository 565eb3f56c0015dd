import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { scriptNames, transitions } from '../../src/redis/scripts.js';

const folder = new URL('../../src/redis/scripts/', import.meta.url);
const text = (name: string): string => readFileSync(new URL(`${name}.lua`, folder), 'utf8');

/** The numbers of KEYS or ARGV in a header; `open` if the last one stands for all further ones. */
function declared(lua: string, kind: 'KEYS' | 'ARGV'): { most: number; open: boolean } {
  const header = lua.split('\n').filter((line) => line.startsWith('--'));
  const from = header.findIndex((line) => line.startsWith(`-- ${kind}`));
  const rest = header.slice(from + 1).findIndex((line) => !/^--  {3,}/.test(line));
  const lines = header.slice(from, rest < 0 ? undefined : from + 1 + rest).join(' ');
  const numbers = [...lines.matchAll(/ {2}(\d+)(\.\.)? /g)];
  numbers.forEach((found, index) => expect(Number(found[1]), `${kind} are numbered one by one`).toBe(index + 1));
  return { most: numbers.length, open: numbers.at(-1)?.[2] === '..' };
}

/** The highest number that a body uses, directly or with `unpack`. */
function used(lua: string, kind: 'KEYS' | 'ARGV'): number {
  const body = lua
    .split('\n')
    .filter((line) => !line.startsWith('--'))
    .join('\n');
  const direct = [...body.matchAll(new RegExp(`${kind}\\[(\\d+)\\]`, 'g'))].map((found) => Number(found[1]));
  const unpacked = [...body.matchAll(new RegExp(`local ([\\w, ]+) = unpack\\(${kind}\\)`, 'g'))].map(
    (found) => found[1]!.split(',').length,
  );
  return Math.max(0, ...direct, ...unpacked);
}

/** Included files: `-- include _claims.lua` inserts the whole file. */
const included = /^-- include (_\w+\.lua)$/;
const shared = readdirSync(folder).filter((file) => file.startsWith('_'));

describe.each(scriptNames)('%s.lua', (name) => {
  it.each(['KEYS', 'ARGV'] as const)('lists in its header the %s that its body uses', (kind) => {
    const { most, open } = declared(text(name), kind);
    if (open) expect(most).toBeGreaterThanOrEqual(used(text(name), kind));
    else expect(most).toBe(used(text(name), kind));
  });

  it('begins with its transition as an arrow', () => {
    const isTransition = (transitions as readonly string[]).includes(name);
    expect(
      text(name)
        .split('\n')
        .find((line) => !included.test(line)),
    ).toMatch(new RegExp(isTransition ? `^-- ${name}: .+ -> ` : `^-- ${name}: reads `));
  });

  it('has one caller', () => {
    const broker = readFileSync(new URL('../broker.ts', folder), 'utf8');
    expect(broker.match(new RegExp(`(script\\(|runScriptForBytes\\(client, )\\s*'${name}'`, 'g'))).toHaveLength(1);
  });

  it('uses the functions of the file that it includes, and of no other file', () => {
    const names = (file: string): string[] =>
      [...readFileSync(new URL(file, folder), 'utf8').matchAll(/^local function (\w+)/gm)].map((found) => found[1]!);
    const file = text(name)
      .split('\n')
      .map((line) => included.exec(line)?.[1])
      .find((one) => one !== undefined);
    for (const one of shared)
      expect(
        names(one).some((called) => text(name).includes(`${called}(`)),
        one,
      ).toBe(file === one);
  });
});

it('every script is loaded, and every other file is included', () => {
  const includes = scriptNames.flatMap((name) =>
    text(name)
      .split('\n')
      .flatMap((line) => included.exec(line)?.[1] ?? []),
  );
  expect(readdirSync(folder).sort()).toEqual(
    [...new Set([...scriptNames.map((name) => `${name}.lua`), ...includes])].sort(),
  );
});
