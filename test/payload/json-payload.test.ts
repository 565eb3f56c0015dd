import { describe, expect, it } from 'vitest';
import { InvalidOptionError, InvalidPayloadError, NotSerializableError } from '../../src/core/errors.js';
import { payloadType } from '../../src/payload/payload-type.js';
import { broken, sync, thrownBy } from './payloads.js';

const json = sync<unknown>();

function nested(levels: number): unknown {
  let value: unknown = [];
  for (let i = 1; i < levels; i++) value = i % 2 ? { a: value } : [value];
  return value;
}

describe('an untyped queue takes any JSON value', () => {
  it.each([
    ['a'],
    [''],
    [0],
    [-1.5],
    [true],
    [null],
    [[]],
    [{}],
    [[1, [2, { a: null }]]],
    [{ a: { b: [1] } }],
    ['#1 0 0\n'],
    ['\ud800'],
  ])('%j is decoded to the same value', (value) => {
    const { text, payload } = json.type.encode(value) as { text: string; payload: unknown };
    expect(payload).toBe(value);
    expect(json.take(text)).toEqual(value);
  });

  it('takes objects without a prototype, and those of another realm', async () => {
    const { runInNewContext } = await import('node:vm');
    expect(json.text(Object.assign(Object.create(null) as object, { a: 1 }))).toBe('{"a":1}');
    expect(json.text(runInNewContext('({ a: [1, {}] })'))).toBe('{"a":[1,{}]}');
  });

  it('has a name for error messages and no source', () => {
    expect(json.type).toMatchObject({ name: 'JSON value', source: undefined });
  });
});

class Point {
  x = 1;
}
const circle: Record<string, unknown> = { a: [{}] };
(circle['a'] as unknown[])[0] = circle;
const hole: unknown[] = [1];
hole[2] = 3;

describe('put refuses values that JSON would change', () => {
  it.each<[string, unknown, string, string]>([
    ['undefined', undefined, '', 'undefined'],
    ['an undefined property', { a: { b: undefined } }, 'a.b', 'undefined'],
    ['an undefined item', { list: [1, undefined] }, 'list.1', 'undefined'],
    ['a hole', { list: hole }, 'list.1', 'undefined'],
    ['a function', { then: () => 1 }, 'then', 'a function'],
    ['a symbol', [Symbol('s')], '0', 'a symbol'],
    ['a BigInt', { n: 1n }, 'n', 'a BigInt'],
    ['NaN', { n: NaN }, 'n', 'NaN'],
    ['Infinity', [-Infinity], '0', '-Infinity'],
    ['a Map', { m: new Map() }, 'm', 'a Map'],
    ['a Set', { m: new Set() }, 'm', 'a Set'],
    ['a Date', { at: new Date() }, 'at', 'a Date'],
    ['a Buffer', { b: Buffer.from('x') }, 'b', 'a Buffer'],
    ['a typed array', { b: new Float64Array(1) }, 'b', 'binary data'],
    ['an ArrayBuffer', new ArrayBuffer(1), '', 'binary data'],
    ['an instance', { p: new Point() }, 'p', 'an instance of Point'],
    ['an instance as the message', new Point(), '', 'an instance of Point'],
    ['an error', new Error('secret'), '', 'an instance of Error'],
    ['a promise', Promise.resolve(1), '', 'an instance of Promise'],
    ['a boxed string', Object('s'), '', 'an instance of String'],
    ['toJSON', { a: { toJSON: () => 1 } }, 'a.toJSON', 'a function'],
    ['an inherited toJSON', Object.create({ toJSON: () => 1 }), '', 'an instance of Object'],
    ['a circle', circle, 'a.0', 'an object that contains itself'],
    [
      '__proto__',
      JSON.parse('{"a":{"__proto__":{"x":1}}}'),
      'a.__proto__',
      'a key that is used for prototype pollution',
    ],
    ['constructor', { constructor: 1 }, 'constructor', 'a key that is used for prototype pollution'],
  ])('%s', (_, value, path, what) => {
    const error = thrownBy(() => json.put(value));
    expect(error).toBeInstanceOf(NotSerializableError);
    expect(error).toMatchObject({ path, what });
  });

  it('the error says what to do instead', () => {
    expect(() => json.put({ at: new Date() })).toThrow(/"at" is a Date.*toISOString\(\)/);
  });

  it('a getter that throws makes the payload invalid', () => {
    const cause = new RangeError('no');
    const trap = {
      get a(): never {
        throw cause;
      },
    };
    const error = thrownBy(() => json.put(trap));
    expect(error).toBeInstanceOf(InvalidPayloadError);
    expect(error).toMatchObject({ cause, violations: [{ rule: 'throws' }] });
  });

  it('does not hang in a small object with 2 ** 60 paths', () => {
    let value: unknown = [];
    for (let i = 0; i < 60; i++) value = [value, value];
    expect(broken(() => json.put(value))).toEqual(['maxBytes']);
    for (let i = 0; i < 60; i++) value = [value, value];
    expect(broken(() => json.put(value))).toEqual(['maxDepth']);
  });
});

describe('take refuses', () => {
  it.each([
    ['', ['json']],
    ['{', ['json']],
    ['undefined', ['json']],
    ['#x 0 0\n{}', ['json']],
    ['{"a":{"__proto__":{"x":1}}}', ['a.__proto__ forbiddenKey']],
    ['[{"constructor":{"prototype":{"x":1}}}]', ['0.constructor forbiddenKey']],
    ['{"prototype":1}', ['prototype forbiddenKey']],
    ['{"n":1e999}', ['n type']],
    ['['.repeat(65) + ']'.repeat(65), ['maxDepth']],
  ])('%s', (text, violations) => {
    expect(broken(() => json.take(text))).toEqual(violations);
  });

  it('a million levels, without a stack overflow', () => {
    const deep = sync<unknown>(undefined, { maxBytes: 3_000_000 });
    expect(broken(() => deep.take('['.repeat(1e6) + ']'.repeat(1e6)))).toEqual(['maxDepth']);
    expect(broken(() => deep.take('['.repeat(1e6)))).toEqual(['json']);
    expect(broken(() => json.take('{"a":'.repeat(1e6)))).toEqual(['maxBytes']);
  });

  it('without the text in the error', () => {
    expect(() => json.take('{"password":hunter2}')).toThrow(/^not a valid JSON value: is not JSON$/);
    expect(thrownBy(() => json.take('hunter2'))).not.toHaveProperty('cause');
  });

  it('with a path that cannot forge a line in a log', () => {
    const error = thrownBy(() =>
      json.take(`{"a\\n\\u001b[31mDONE${'x'.repeat(1000)}":{"__proto__":1}}`),
    ) as InvalidPayloadError;
    expect(error.violations[0]?.path).toMatch(/^a\?\?\[31mDONEx+….__proto__$/);
    expect(error.message.length).toBeLessThan(300);
  });
});

describe('limits are the same in put and take', () => {
  it('64 levels', () => {
    expect(json.take(json.text(nested(64)))).toEqual(nested(64));
    expect(broken(() => json.put(nested(65)))).toEqual(['maxDepth']);
    expect(broken(() => json.take(JSON.stringify(nested(65))))).toEqual(['maxDepth']);
    expect(sync<unknown>(undefined, { maxDepth: 1 }).put([1])).toEqual([1]);
  });

  // In UTF-8, a euro sign has three bytes, an emoji four. In a string, an emoji has two units.
  it.each([
    ['a', 1],
    ['é', 2],
    ['€', 3],
    ['😀', 4],
  ])('1 MiB of %s, counted in bytes', (character, bytes) => {
    const fits = character.repeat((2 ** 20 - 2) / bytes);
    const text = json.text(fits);
    expect(json.take(text)).toBe(fits);
    expect(broken(() => json.put(`${fits}${character}`))).toEqual(['maxBytes']);
    expect(broken(() => json.take(JSON.stringify(`${fits}${character}`)))).toEqual(['maxBytes']);
  });

  it.each([{ maxBytes: 0 }, { maxBytes: 1.5 }, { maxBytes: NaN }, { maxDepth: 0 }, { maxDepth: 1e6 }])(
    '%j is refused',
    (settings) => {
      expect(() => payloadType(undefined, settings)).toThrow(InvalidOptionError);
    },
  );
});

describe('String, Number and Boolean accept only their type, without conversion', () => {
  it.each([
    [String, 'string', 'x', [1, null, true, {}, []]],
    [Number, 'number', 1.5, ['1', null, true, {}, []]],
    [Boolean, 'boolean', false, [0, 'true', null, {}, []]],
  ])('%o', (source, name, good, bad) => {
    const one = sync<unknown>(source as never);
    expect(one.type).toMatchObject({ name, source });
    expect(one.take(one.text(good))).toBe(good);
    for (const value of bad) {
      expect(broken(() => one.put(value))).toEqual(['type']);
      expect(broken(() => one.take(JSON.stringify(value)))).toEqual(['type']);
    }
    expect(thrownBy(() => one.put(undefined))).toBeInstanceOf(NotSerializableError);
  });

  it.each<[unknown, unknown, string]>([
    [String, 4711, 'a number'],
    [String, true, 'a boolean'],
    [Number, 'hunter2', 'a string'],
    [Number, ['hunter2'], 'an array'],
    [Number, null, 'null'],
  ])('%o refuses %j by its type, without quoting the value', (source, value, type) => {
    const name = (source as { name: string }).name.toLowerCase();
    const sentence = `not a valid ${name}: must be a ${name}, not ${type}`;
    expect(thrownBy(() => sync<unknown>(source as never).put(value))).toMatchObject({ message: sentence });
  });

  it('Number refuses NaN', () => {
    expect(thrownBy(() => sync<unknown>(Number as never).put(NaN))).toBeInstanceOf(NotSerializableError);
  });
});
