import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  scriptNames,
  scripts,
  scriptsWithHistory,
  sourceOf,
  transitions,
  type ScriptName,
} from '../../src/redis/scripts.js';

const folder = new URL('../../src/redis/scripts/', import.meta.url);
const libraryText = (name: string): string => readFileSync(new URL(`${name}.lua`, folder), 'utf8');
const text = (name: ScriptName): string => sourceOf(name);

/** The numbers of KEYS or ARGV in a header; `open` if the last one stands for all further ones. */
function declared(lua: string, kind: 'KEYS' | 'ARGV'): { most: number; open: boolean } {
  const header = lua.split('\n').filter((line) => line.startsWith('--'));
  const from = header.findIndex((line) => line.startsWith(`-- ${kind}`));
  const rest = header.slice(from + 1).findIndex((line) => !/^--  {3,}/.test(line));
  const lines = header.slice(from, rest < 0 ? undefined : from + 1 + rest).join(' ');
  let [most, open] = [0, false];
  for (const [, first, dots, last] of lines.matchAll(/ {2}(\d+)(\.\.)?(\d+)? /g)) {
    expect(Number(first), `${kind} are numbered one by one`).toBe(most + 1);
    most = Number(last ?? first);
    open = dots !== undefined && last === undefined;
  }
  return { most, open };
}

/** How many KEYS these functions of the library read, from the number in their first argument on. */
const readers = { waitingLists: 6, unregister: 5, jobKeys: 11, addCount: 3, addCounted: 3 };

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
  const ranges = [...body.matchAll(new RegExp(`unpack\\(${kind}, \\d+, (\\d+)\\)`, 'g'))].map((found) =>
    Number(found[1]),
  );
  const shared = Object.entries(readers).flatMap(([name, count]) =>
    [...body.matchAll(new RegExp(`${name}\\((\\d+)`, 'g'))].map((found) => Number(found[1]) + count - 1),
  );
  return Math.max(0, ...direct, ...unpacked, ...ranges, ...(kind === 'KEYS' ? shared : []));
}

const functionNames = (lua: string): string[] =>
  [...lua.matchAll(/^(?: *)local function (\w+)/gm)].map((found) => found[1]!);
const library = functionNames(libraryText('_lib') + libraryText('_jobs') + libraryText('_metrics')).filter(
  (name) => name !== 'takeOf',
);

const historyFunctions = [...libraryText('_history').matchAll(/^function history\.(\w+)/gm)].map((found) => found[1]!);

describe.each(scriptNames)('%s.lua', (name) => {
  it.each(['KEYS', 'ARGV'] as const)('lists in its header the %s that its body uses', (kind) => {
    const { most, open } = declared(text(name), kind);
    if (open) expect(most).toBeGreaterThanOrEqual(used(text(name), kind));
    else expect(most).toBe(used(text(name), kind));
  });

  it('begins with its transition as an arrow', () => {
    const isTransition = (transitions as readonly string[]).includes(name);
    expect(text(name)).toMatch(new RegExp(isTransition ? `^-- ${name}: .+ -> ` : `^-- ${name}: reads `));
  });

  it('has one caller', () => {
    const callers = [
      'broker',
      'job-broker',
      'schedule-broker',
      'flow-broker',
      'registration',
      'reader',
      'overview-reader',
      'script-calls',
      'remove-queue',
    ]
      .map((file) => readFileSync(new URL(`../${file}.ts`, folder), 'utf8'))
      .join('\n');
    expect(
      callers.match(new RegExp(`(script\\(|run\\(|name: |expects \\? |'take-tracked' : )\\s*'${name}'`, 'g')),
    ).toHaveLength(1);
  });

  it('is loaded with the functions of the library that it calls, each before its first use, and with no other', () => {
    const { lua } = scripts[name];
    const code = lua.replaceAll(/--.*$/gm, '');
    for (const one of library) {
      const uses = [...code.matchAll(new RegExp(`\\b${one}\\(`, 'g'))].map(({ index }) => index);
      const made = code.indexOf(`local function ${one}(`);
      if (made >= 0) expect(uses.length, `${one} is used`).toBeGreaterThan(1);
      if (uses.length > 0) expect(uses[0], `${one} is made first`).toBe(made + 'local function '.length);
    }
    expect(lua.endsWith(text(name).replaceAll(/^ *--@ .*\n/gm, ''))).toBe(true);
    expect(code).not.toMatch(/\bhistory\b/);
  });

  it('has a version for queues with a history, with the functions of the history and the library that it calls', () => {
    const { lua } = scriptsWithHistory()[name];
    expect(lua.startsWith('local history = {')).toBe(true);
    expect(lua).not.toContain('--@');
    const code = lua.replaceAll(/--.*$/gm, '');
    const own = historyFunctions.filter((one) => new RegExp(`^function history\\.${one}\\(`, 'm').test(code));
    for (const one of historyFunctions)
      expect(own.includes(one), one).toBe(code.replaceAll(/^function .*$/gm, '').includes(`history.${one}(`));
    for (const one of library) {
      const uses = [...code.matchAll(new RegExp(`\\b${one}\\(`, 'g'))].map(({ index }) => index);
      if (uses.length > 0) expect(uses[0], `${one} is made first`).toBe(code.indexOf(`local function ${one}(`) + 15);
    }
  });

  it('makes no function of the library itself', () => {
    expect(functionNames(text(name)).filter((one) => library.includes(one))).toEqual([]);
  });
});

it('every script is loaded, every function of the library is used, and no other file is there', () => {
  expect(readdirSync(folder).sort()).toEqual(
    [
      '_flows.lua',
      '_history.lua',
      '_jobs.lua',
      '_lib.lua',
      '_metrics.lua',
      ...scriptNames.filter((name) => name !== 'take-tracked').map((name) => `${name}.lua`),
    ].sort(),
  );
  const all = scriptNames.map((name) => scripts[name].lua).join('\n');
  expect(library.filter((name) => !all.includes(`local function ${name}(`))).toEqual([]);
});
