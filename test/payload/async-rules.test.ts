import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  IsInt,
  IsString,
  registerDecorator,
  ValidateBy,
  ValidateNested,
  ValidatorConstraint,
  type ValidatorConstraintInterface,
  Validate,
} from 'class-validator';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InvalidPayloadError } from '../../src/core/errors.js';
import { payloadType, type PayloadClass } from '../../src/payload/payload-type.js';
import { Order, thrownBy } from './payloads.js';

@ValidatorConstraint({ name: 'isFree', async: true })
class IsFree implements ValidatorConstraintInterface {
  async validate(value: unknown): Promise<boolean> {
    await new Promise(setImmediate);
    if (value === 'boom') throw new Error('the database is away');
    return value !== 'taken';
  }
}

class Declared {
  @Validate(IsFree) name!: string;
}

// A rule that returns a promise but is not declared as async: validateSync treats the promise as "valid".
class Undeclared {
  @ValidateBy({
    name: 'quietlyAsync',
    validator: { validate: ((value: unknown) => new IsFree().validate(value)) as never },
  })
  name!: string;
}

class Each {
  @ValidateBy(
    { name: 'eachFree', validator: { validate: ((value: unknown) => new IsFree().validate(value)) as never } },
    { each: true },
  )
  name!: string[];
}

class Registered {
  name!: string;
}
registerDecorator({
  name: 'registered',
  target: Registered,
  propertyName: 'name',
  options: {},
  validator: { validate: (value: unknown) => new IsFree().validate(value) },
});

class Nested {
  @ValidateNested() @Type(() => Declared) inner!: Declared;
}

const rejected: unknown[] = [];
const note = (reason: unknown): void => void rejected.push(reason);
beforeEach(() => void process.on('unhandledRejection', note));
afterEach(async () => {
  await new Promise(setImmediate);
  process.off('unhandledRejection', note);
  expect(rejected.splice(0)).toEqual([]);
});

describe('asynchronous rules are awaited, in put and in take', () => {
  it.each<[PayloadClass<object>, (name: string) => object, string, string]>([
    [Declared, (name) => ({ name }), 'name', 'isFree'],
    [Undeclared, (name) => ({ name }), 'name', 'quietlyAsync'],
    [Each, (name) => ({ name: ['free', name] }), 'name', 'eachFree'],
    [Registered, (name) => ({ name }), 'name', 'registered'],
    [Nested, (name) => ({ inner: { name } }), 'inner.name', 'isFree'],
  ])('%o', async (cls, of, path, rule) => {
    const type = payloadType(cls);
    const { text, payload } = await type.encode(of('free'));
    expect(payload).toBeInstanceOf(cls);
    expect(await type.decode(text)).toEqual(payload);
    for (const run of [() => type.encode(of('taken')), () => type.decode(JSON.stringify(of('taken')))]) {
      await expect(async () => run()).rejects.toMatchObject({ violations: [{ path, rule }] });
      const pending = run();
      expect(pending).toBeInstanceOf(Promise);
      await expect(pending).rejects.toBeInstanceOf(InvalidPayloadError);
    }
  });

  it('a rule that rejects makes the message invalid', async () => {
    const error: unknown = await Promise.resolve(payloadType(Declared).decode('{"name":"boom"}')).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(InvalidPayloadError);
    expect(error).toMatchObject({ violations: [{ rule: 'throws' }], cause: { message: 'the database is away' } });
  });

  it('a rule that throws leaves no unhandled promise of other rules', () => {
    class Mixed {
      @Validate(IsFree) name!: string;
      @ValidateBy({
        name: 'thrower',
        validator: {
          validate: () => {
            throw new Error('now');
          },
        },
      })
      other!: string;
    }
    expect(thrownBy(() => payloadType(Mixed).decode('{"name":"boom","other":"x"}'))).toMatchObject({
      violations: [{ rule: 'throws' }],
    });
  });

  it('a payload with a wrong shape is refused synchronously', () => {
    expect(thrownBy(() => payloadType(Declared).decode('{"nome":"x"}'))).toBeInstanceOf(InvalidPayloadError);
  });
});

it('synchronous rules return no promise', () => {
  class Sync {
    @IsString() a!: string;
    @IsInt() b!: number;
  }
  expect(payloadType(Sync).decode('{"a":"x","b":1}')).toBeInstanceOf(Sync);
  expect(payloadType(Order).encode({ to: 'a@b.co' })).not.toBeInstanceOf(Promise);
});
