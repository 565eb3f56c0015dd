import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { Type } from 'class-transformer';
import { Allow, IsOptional, IsString, ValidateNested } from 'class-validator';
import { InvalidPayloadError, NotSerializableError } from '../../src/core/errors.js';
import { Address, broken, Order, Size, sync, thrownBy } from './payloads.js';

const orders = sync(Order);
const good = {
  to: 'ann@example.org',
  retries: 2,
  address: { city: 'Bern' },
  sizes: [{ width: 1 }, { width: 2 }],
  at: new Date(0),
  extra: { a: [1, { b: null }] },
};

function orderOf(data: object): Order {
  return Object.assign(new Order(), data);
}

describe('put and take return an instance', () => {
  it('of a plain object, with nested classes and dates', () => {
    const put = orders.put(good);
    const taken = orders.take(orders.text(good));
    for (const order of [put, taken]) {
      expect(order).toBeInstanceOf(Order);
      expect(order.address).toBeInstanceOf(Address);
      expect(order.sizes?.[1]).toBeInstanceOf(Size);
      expect(order.at).toEqual(new Date(0));
      expect(order.extra).toEqual({ a: [1, { b: null }] });
      expect(order.greeting()).toBe('to ann@example.org');
    }
    expect(taken).toEqual(put);
  });

  it('of an instance, which they do not change', () => {
    const order = orderOf({ ...good, address: Object.assign(new Address(), { city: 'Bern' }) });
    const before = structuredClone(order);
    expect(orders.put(order)).toEqual(orders.put(good));
    expect(orders.put(order)).not.toBe(order);
    expect(structuredClone(order)).toEqual(before);
  });

  it('that can be put again', () => {
    const taken = orders.take(orders.text(good));
    expect(JSON.parse(orders.text(taken))).toEqual(JSON.parse(orders.text(good)));
    expect(orders.put(taken)).toEqual(taken);
  });

  it('the text is JSON of the given object, without undefined properties and with default values; take applies its own defaults', () => {
    expect(orders.text({ to: 'a@b.co', address: undefined })).toBe('{"to":"a@b.co","retries":3}');
    expect(orders.take('{"to":"a@b.co"}').retries).toBe(3);
    expect(orders.text(orderOf({ to: 'a@b.co' }))).toBe('{"retries":3,"to":"a@b.co"}');
  });

  it('the payload type has the name and the class', () => {
    expect(orders.type).toMatchObject({ name: 'Order', source: Order });
  });
});

describe('broken rules are reported with path and rule, by put and take', () => {
  it.each<[unknown, string[]]>([
    [{}, ['to isEmail']],
    [{ to: 7 }, ['to isEmail']],
    [{ to: 'a@b.co', retries: 11.5 }, ['retries max', 'retries isInt']],
    [{ to: 'a@b.co', retries: null }, ['retries max', 'retries min', 'retries isInt']],
    [{ to: 'a@b.co', address: {} }, ['address.city isNotEmpty', 'address.city isString']],
    [{ to: 'a@b.co', address: 'Bern' }, ['address nestedValidation']],
    [{ to: 'a@b.co', sizes: [{ width: 1 }, { width: 0 }] }, ['sizes.1.width min']],
    [{ to: 'a@b.co', sizes: [null] }, ['sizes.0 nestedValidation']],
    [{ to: 'a@b.co', at: 'yesterday' }, ['at type']],
    [{ to: 'a@b.co', extra: [] }, ['extra isObject']],
    [{ to: 'a@b.co', cc: 'x' }, ['cc unknownKey']],
    [
      { to: 'a@b.co', address: { city: 'Bern', zip: 1, land: 2 } },
      ['address.zip unknownKey', 'address.land unknownKey'],
    ],
    [{ to: 'a@b.co', sizes: [{ width: 1, height: 2 }] }, ['sizes.0.height unknownKey']],
    [null, ['type']],
    [[], ['type']],
    [[good], ['type']],
    ['text', ['type']],
    [7, ['type']],
  ])('%j', (value, violations) => {
    expect(broken(() => orders.put(value))).toEqual(violations);
    expect(broken(() => orders.take(JSON.stringify(value)))).toEqual(violations);
  });

  it('as text that names each property once, without values', () => {
    expect(() => orders.put({ to: 'hunter2', retries: -1 })).toThrow(
      'not a valid Order: to: must be an email; retries: must not be less than 0',
    );
    const error = thrownBy(() => orders.take('{"to":"hunter2","address":{"city":["hunter2"]}}')) as InvalidPayloadError;
    expect(JSON.stringify(error) + error.message + JSON.stringify(error.violations)).not.toContain('hunter2');
  });

  it('at most twenty of them', () => {
    const error = thrownBy(() =>
      orders.put({ to: 'a@b.co', sizes: Array.from({ length: 500 }, () => ({ width: 0 })) }),
    ) as InvalidPayloadError;
    expect(error.violations).toHaveLength(21);
    expect(error.violations[20]).toEqual({ path: '', rule: 'more', message: 'and more' });
  });
});

describe('put refuses values that take would return differently', () => {
  class Stranger {
    city = 'Bern';
  }
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;

  it.each<[string, unknown, string, string]>([
    ['undefined', undefined, '', 'undefined'],
    ['NaN', { to: 'a@b.co', retries: NaN }, 'retries', 'NaN'],
    ['a BigInt', { to: 'a@b.co', retries: 1n }, 'retries', 'a BigInt'],
    ['an undefined item', { to: 'a@b.co', sizes: [undefined] }, 'sizes.0', 'undefined'],
    ['a hole', { to: 'a@b.co', sizes: new Array(1) }, 'sizes.0', 'undefined'],
    ['an instance of another class', new Stranger(), '', 'an instance of Stranger'],
    [
      'a nested instance of another class',
      { to: 'a@b.co', address: new Stranger() },
      'address',
      'an instance of Stranger',
    ],
    ['an invalid Date', { to: 'a@b.co', at: new Date(NaN) }, 'at', 'an invalid Date'],
    [
      'a Date in a property without @Type(() => Date)',
      { to: 'a@b.co', extra: { at: new Date() } },
      'extra.at',
      'a Date',
    ],
    ['a Map', { to: 'a@b.co', extra: new Map() }, 'extra', 'a Map'],
    ['a circle', { to: 'a@b.co', extra: cyclic }, 'extra.self', 'an object that contains itself'],
  ])('%s', (_, value, path, what) => {
    const error = thrownBy(() => orders.put(value));
    expect(error).toBeInstanceOf(NotSerializableError);
    expect(error).toMatchObject({ path, what });
  });

  it('a property without a rule, also on an instance', () => {
    class Loose {
      @IsString() name = 'n';
      @Allow() free: unknown = { any: 'thing' };
      cache = 1;
      log = (): void => {};
      note?: string;
    }
    const loose = sync(Loose);
    expect(broken(() => loose.put(new Loose()))).toEqual(['cache unknownKey']);
    expect(loose.put({ name: 'x', free: [1] })).toMatchObject({ name: 'x', free: [1], cache: 1 });
    expect(broken(() => loose.put({ log: () => {} }))).toEqual(['log unknownKey']);
  });

  it('but not undefined fields, which some compiler settings create', () => {
    class Defined {
      @IsString() name!: string;
    }
    const one = Object.assign(new Defined(), { name: 'x', cache: undefined });
    expect(sync(Defined).text(one)).toBe('{"name":"x"}');
  });
});

it('a recursive class works, and a cycle of its instances is refused', () => {
  const { Node } = recursive();
  const nodes = sync(Node);
  expect(nodes.put({ name: 'a', next: { name: 'b', next: { name: 'c' } } }).next?.next).toBeInstanceOf(Node);
  expect(broken(() => nodes.put({ name: 'a', next: { name: 'b', next: { name: 7 } } }))).toEqual([
    'next.next.name isString',
  ]);
  const node = Object.assign(new Node(), { name: 'a' });
  node.next = node;
  expect(thrownBy(() => nodes.put(node))).toMatchObject({ path: 'next', what: 'an object that contains itself' });
});

function recursive() {
  class Node {
    @IsString() name!: string;
    @ValidateNested() @Type(() => Node) @IsOptional() next?: Node;
  }
  return { Node };
}

it('rules of a parent class apply, and an instance of a subclass may be put if it has no further properties', () => {
  class Urgent extends Order {
    @IsString() why!: string;
  }
  class Renamed extends Order {}
  expect(broken(() => sync(Urgent).put({ to: 'x' }))).toEqual(['why isString', 'to isEmail']);
  expect(orders.put(Object.assign(new Renamed(), { to: 'a@b.co' }))).toBeInstanceOf(Order);
  expect(broken(() => orders.put(Object.assign(new Urgent(), { to: 'a@b.co', why: '!' })))).toEqual(['why unknownKey']);
});
