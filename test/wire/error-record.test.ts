import { expect, it } from 'vitest';
import { errorLine, errorOf, errorRecord, readErrorRecord, wordsOf } from '../../src/wire/error-record.js';

class Coded extends Error {
  constructor(
    message: string,
    readonly code: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

it('keeps the causes of an error, each with its name, message, stack and code', () => {
  const root = new Coded('connect ECONNREFUSED', 'ECONNREFUSED');
  const record = errorRecord(new TypeError('cannot save', { cause: new Error('no database', { cause: root }) }));
  expect(record).toMatchObject({
    name: 'TypeError',
    message: 'cannot save',
    stack: expect.stringContaining('cannot save') as string,
    cause: {
      message: 'no database',
      cause: { message: 'connect ECONNREFUSED', code: 'ECONNREFUSED', stack: expect.any(String) as string },
    },
  });
  expect(readErrorRecord(JSON.parse(JSON.stringify(record)))).toEqual(record);
});

it('keeps the errors of an AggregateError, and values that are no errors', () => {
  const both = new AggregateError([new Coded('one', 'E1'), 'two', undefined], 'all failed', { cause: { status: 503 } });
  expect(errorRecord(both)).toMatchObject({
    name: 'AggregateError',
    cause: { name: 'Error', message: '{ status: 503 }' },
    errors: [
      { message: 'one', code: 'E1' },
      { name: 'Error', message: 'two' },
      { name: 'Error', message: 'undefined' },
    ],
  });
});

it('is bounded in depth and in width, also if causes form a circle', () => {
  const circle = new Error('circle');
  circle.cause = new AggregateError([circle, circle], 'inner', { cause: circle });
  const chain = Array.from({ length: 1_000 }).reduce<Error>(
    (cause) => new Error('x'.repeat(100_000), { cause }),
    new Error('root'),
  );
  const wide = new AggregateError(Array.from({ length: 10_000 }, () => new AggregateError([chain, chain, circle])));
  for (const error of [circle, chain, wide])
    expect(JSON.stringify(errorRecord(error)).length).toBeLessThan(16 * 2 * 8_400 + 1_000);
  expect(errorRecord(circle)).toMatchObject({ cause: { message: 'inner' } });
  expect(errorRecord(circle).cause).not.toHaveProperty('cause');
});

it('cuts a message of 60 MB, and adds its length', () => {
  const { message, stack } = wordsOf(new Error('x'.repeat(60_000_000)));
  expect(message.length).toBeLessThanOrEqual(8_192);
  expect(message).toMatch(/^x+… \(60000000 characters in all\)$/);
  expect(stack!.length).toBeLessThanOrEqual(8_192);
  expect(wordsOf('y'.repeat(60_000_000)).message).toMatch(/y… \(60000000 characters in all\)$/);
});

const throwing = (): never => {
  throw new RangeError('hands off');
};
it.each([
  ['undefined', undefined],
  ['null', null],
  ['a symbol', Symbol('x')],
  ['a BigInt', 5n],
  ['an object without a prototype', Object.create(null)],
  ['an object whose toString throws', { toString: throwing }],
  ['an error whose message throws', Object.defineProperty(new Error(), 'message', { get: throwing })],
  ['an error whose cause throws', Object.defineProperty(new Error('x'), 'cause', { get: throwing })],
  ['an error whose errors throw', Object.defineProperty(new Error('x'), 'errors', { get: throwing })],
  ['an error whose code is an object', Object.assign(new Error('x'), { code: { toString: throwing } })],
  ['a proxy', new Proxy(new Error('x'), { get: throwing, has: throwing, getPrototypeOf: throwing })],
  ['a function', throwing],
])('records %s, and never throws', (_what, thrown) => {
  const record = errorRecord(thrown);
  expect(record).toMatchObject({ name: expect.any(String) as string, message: expect.any(String) as string });
  expect(readErrorRecord(JSON.parse(JSON.stringify(record)))).toEqual(record);
});

it.each([
  [7, undefined],
  [null, undefined],
  ['text', undefined],
  [{}, { name: 'Error', message: '' }],
  [
    { name: 7, message: { x: 1 }, stack: [], code: {} },
    { name: 'Error', message: '' },
  ],
  [
    { message: 'm', violations: [7, { path: 'a', rule: 'b', message: 'c' }], cause: 7, errors: [7, { message: 'n' }] },
    {
      name: 'Error',
      message: 'm',
      violations: [{ path: 'a', rule: 'b', message: 'c' }],
      errors: [{ name: 'Error', message: 'n' }],
    },
  ],
])('reads %j of another program as %j', (given, expected) => {
  expect(readErrorRecord(given)).toEqual(expected);
});

it('is one line with all causes, and with their codes', () => {
  const refused = new AggregateError(
    [new Coded('connect ECONNREFUSED ::1:9', 'ECONNREFUSED'), new Coded('', 'EPERM')],
    '',
  );
  Object.assign(refused, { code: 'ECONNREFUSED' });
  const error = new TypeError('fetch failed', { cause: refused });
  expect(errorLine(errorRecord(error))).toBe(
    'TypeError: fetch failed (cause: AggregateError ECONNREFUSED (errors: Error: connect ECONNREFUSED ::1:9; Error EPERM))',
  );
  expect(errorLine(errorRecord(new Coded('no page', 'E_PAGE')))).toBe('Error: no page');
  const deep = new Error('top', { cause: new Error('x'.repeat(5_000)) });
  expect(errorLine(errorRecord(deep)).length).toBeLessThan(1_020);
});

it('is thrown again as it was, with its causes', () => {
  const error = errorOf(errorRecord(new TypeError('top', { cause: new Coded('below', 'E1') })));
  expect(error).toMatchObject({ name: 'TypeError', message: 'top', cause: { message: 'below', code: 'E1' } });
});
