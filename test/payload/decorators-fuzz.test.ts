/**
 * Random classes with @Transform, @Expose, @Exclude and @Type, and random payloads. What the compiled validation accepts,
 * class-transformer and class-validator must accept too. They must make the same instance, with the same calls of the
 * transforms. `FUZZ_CASES=100000` sets the number of payloads, `FUZZ_SEED` repeats a run.
 */
import 'reflect-metadata';
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { compile } from '../../src/payload/compiled/compile.js';
import { payloadType, type PayloadSettings } from '../../src/payload/payload-type.js';
import { validationOf } from '../../src/payload/validation.js';
import { difference, ordinary } from './compare.js';
import { isRefusedByCodec, parsed, spoiled } from './spoiled.js';
import { Dice, payloadOf, type Subject } from './random-classes.js';
import { decoratedClass, nestedKindNames, transformCalls } from './random-decorators.js';

const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1e9);
const cases = Number(process.env['FUZZ_CASES'] ?? 10_000);
const payloadsOfClass = 100;
const settings: readonly PayloadSettings[] = [{}, {}, { whitelist: 'strip' }, { groups: ['g'] }];

interface Books {
  asked: number;
  valid: number;
  accepted: number;
  partly: number;
  transformed: number;
  readonly kinds: Set<string>;
}

it(`with seed ${seed}`, () => {
  const dice = new Dice(seed);
  const books: Books = { asked: 0, valid: 0, accepted: 0, partly: 0, transformed: 0, kinds: new Set() };
  const subjects: Subject[] = [];
  while (books.asked < cases) {
    const subject = decoratedClass(dice, subjects.slice(-12));
    subjects.push(subject);
    examine(subject, dice, books);
  }
  if (process.env['FUZZ_CASES']) process.stdout.write(`${inspect(books)}\n`);
  expect(books.valid / books.asked).toBeGreaterThan(0.1);
  expect(books.accepted / books.valid).toBeGreaterThan(0.5);
  expect(books.partly).toBeGreaterThan(0);
  expect(books.transformed).toBeGreaterThan(cases / 100);
  if (cases >= 100_000) expect([...books.kinds]).toEqual(expect.arrayContaining(nestedKindNames));
}, 3_600_000);

function examine(subject: Subject, dice: Dice, books: Books): void {
  const options = dice.pick(settings);
  const judge = ordinary(subject.cls, options);
  const compiled = compile(subject.cls, validationOf(options));
  const fast = payloadType<object>(subject.cls, options);
  for (let i = 0; i < payloadsOfClass; i++) {
    const text = spoiled(payloadOf(subject, dice), dice);
    const plain = parsed(text);
    if (plain === undefined) continue;
    books.asked++;
    transformCalls();
    const right = judge(text);
    const rightCalls = transformCalls();
    if (right !== undefined) books.valid++;
    // In production, texts that the codec refuses do not reach the compiled validator.
    if (right === undefined && isRefusedByCodec(text)) continue;
    const answer = compiled.accept?.(plain);
    const answerCalls = transformCalls();
    if (answer !== undefined) {
      same(answer, right, text);
      same(answerCalls, rightCalls, text);
      note(books, subject, plain, compiled.notCompiled.length > 0, rightCalls.length > 0);
    }
    // Also in doubt, after a transform has changed the data.
    if (right !== undefined) same(fast.decode(text), right, text);
  }
}

function note(books: Books, subject: Subject, plain: unknown, isPartly: boolean, isTransformed: boolean): void {
  books.accepted++;
  if (isPartly) books.partly++;
  if (isTransformed) books.transformed++;
  for (const { kind, name, wireName = name } of subject.properties)
    if (Object.hasOwn(plain as object, wireName)) books.kinds.add(kind.name);
}

// Does not use expect(), which would be slow for a hundred thousand comparisons.
function same(one: unknown, other: unknown, text: string): void {
  const found = difference(one, other);
  if (found !== undefined)
    throw new Error(`different at ${found}: ${text}\n${JSON.stringify(one)}\n${JSON.stringify(other)}`);
}
