import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { InvalidOptionError, NotSerializableError } from '../../src/core/errors.js';
import { payloadType } from '../../src/payload/payload-type.js';
import { broken, Order, sync, thrownBy } from './payloads.js';

const reversed = (text: string): string => [...text].reverse().join('');
const backwards = {
  dumps: (value: unknown) => reversed(JSON.stringify(value)),
  loads: (text: string): unknown => JSON.parse(reversed(text)),
};

describe('serializer: null', () => {
  const raw = sync<string>(undefined, { serializer: null });

  it('stores strings as they are', () => {
    expect(raw.text('{"a": 1}')).toBe('{"a": 1}');
    expect(raw.take('anything { at all')).toBe('anything { at all');
    expect(raw.type.name).toBe('string');
  });

  it('refuses all other values', () => {
    for (const value of [1, null, {}, undefined, Buffer.from('a')])
      expect(thrownBy(() => raw.put(value))).toBeInstanceOf(NotSerializableError);
  });

  it('refuses half a surrogate pair, which UTF-8 cannot encode', () => {
    expect(thrownBy(() => raw.put('a\ud83d'))).toBeInstanceOf(NotSerializableError);
    expect(raw.put('a😀')).toBe('a😀');
  });

  it('enforces maxBytes', () => {
    const small = sync<string>(undefined, { serializer: null, maxBytes: 4 });
    expect(small.put('😀')).toBe('😀');
    expect(broken(() => small.put('😀a'))).toEqual(['maxBytes']);
    expect(broken(() => small.take('12345'))).toEqual(['maxBytes']);
  });

  it('can be combined with String and with schemas, but not with a class', () => {
    expect(sync<unknown>(String as never, { serializer: null }).put('x')).toBe('x');
    expect(payloadType(z.string().max(3), { serializer: null }).decode('abc')).toBe('abc');
    expect(() => payloadType(Order, { serializer: null })).toThrow('invalid serializer null with payload Order');
    expect(() => payloadType(Number as never, { serializer: null })).toThrow(InvalidOptionError);
  });
});

describe('a custom serializer', () => {
  it.each([
    ['dumps and loads', backwards],
    ['stringify and parse', { stringify: backwards.dumps, parse: backwards.loads }],
  ])('%s', (_, serializer) => {
    const any = sync<unknown>(undefined, { serializer });
    expect(any.text([1, 2])).toBe(']2,1[');
    expect(any.take(']2,1[')).toEqual([1, 2]);
    const order = sync(Order, { serializer });
    expect(order.take(order.text({ to: 'a@b.co' }))).toBeInstanceOf(Order);
  });

  it('may support values that JSON does not', () => {
    const maps = {
      dumps: (value: unknown) => JSON.stringify([...(value as Map<string, unknown>)]),
      loads: (text: string) => new Map(JSON.parse(text) as []),
    };
    const type = sync<unknown>(undefined, { serializer: maps });
    expect(type.put(new Map([['a', 1]]))).toEqual(new Map([['a', 1]]));
  });

  it('is called as a method, with one argument', () => {
    const seen: unknown[][] = [];
    class Counting {
      prefix = 'n';
      dumps(...args: unknown[]): string {
        seen.push(args);
        return this.prefix + JSON.stringify(args[0]);
      }
      loads(...args: unknown[]): unknown {
        seen.push(args);
        return JSON.parse(String(args[0]).slice(this.prefix.length));
      }
    }
    expect(sync<unknown>(undefined, { serializer: new Counting() }).put(7)).toBe(7);
    expect(seen.map(({ length }) => length)).toEqual([1, 1]);
  });

  it('must write text that it can read', () => {
    expect(
      thrownBy(() =>
        sync<unknown>(undefined, { serializer: { dumps: () => Buffer.from('x') as never, loads: () => 1 } }).put(1),
      ),
    ).toBeInstanceOf(NotSerializableError);
    const one = sync<unknown>(undefined, {
      serializer: {
        dumps: () => 'x',
        loads: () => {
          throw new Error('cannot read x');
        },
      },
    });
    expect(broken(() => one.put(1))).toEqual(['throws']);
    expect(broken(() => one.take('x'))).toEqual(['throws']);
  });

  it('does not change the limits', () => {
    const type = sync<unknown>(undefined, { serializer: backwards, maxDepth: 2 });
    expect(broken(() => type.put([[[]]]))).toEqual(['maxDepth']);
    expect(broken(() => type.take(reversed('{"__proto__":1}')))).toEqual(['__proto__ forbiddenKey']);
  });
});

it('JSON itself is the default, with all its checks', () => {
  expect(thrownBy(() => sync<unknown>(undefined, { serializer: JSON }).put(new Map()))).toBeInstanceOf(
    NotSerializableError,
  );
});

it.each([{}, 'json', { dumps: JSON.stringify }, { dumps: 1, loads: 2 }])(
  '%j is refused as a serializer',
  (serializer) => {
    expect(() => payloadType(undefined, { serializer: serializer as never })).toThrow(InvalidOptionError);
  },
);
