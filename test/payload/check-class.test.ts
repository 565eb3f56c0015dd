import 'reflect-metadata';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Exclude, Transform, Type } from 'class-transformer';
import { Allow, IsDate, IsObject, IsOptional, IsString, ValidateNested } from 'class-validator';
import { afterAll, describe, expect, it } from 'vitest';
import { InvalidOptionError, NotSerializableError } from '../../src/core/errors.js';
import { hasRules, payloadType } from '../../src/payload/payload-type.js';
import { rules } from '../../src/payload/rules.js';
import { Address, Order, sync, thrownBy } from './payloads.js';

class Bare {
  name = 'x';
}
class Allowing {
  @Allow() name = 'x';
}
class Demanding {
  @IsString() name: string;
  constructor(options: { name: string }) {
    this.name = options.name;
  }
}
abstract class Base {
  @IsString() name!: string;
}
class Derived extends Base {}

const declare = (source: unknown) => () => payloadType(source as never);

describe('refused when the queue is declared', () => {
  it.each<[string, unknown, RegExp]>([
    [
      'a class without rules',
      Bare,
      /invalid payload Bare: it has no class-validator rules, so every message would be valid/,
    ],
    ['a built-in class', Date, /invalid payload Date: it has no class-validator rules/],
    [
      'Object, which compilers emit for a missing type',
      Object,
      /invalid payload Object: it has no class-validator rules/,
    ],
    ['an instance', new Order(), /this is an instance of Order\. Use the class itself: \{ payload: Order \}/],
    ['a constructor that needs arguments', Demanding, /new Demanding\(\) without arguments throws/],
    ['an arrow function', () => 1, /invalid payload \(a function\): expected a class/],
    ['a plain object', {}, /invalid payload \(an object\): expected a class .* or a Standard Schema/],
    ['null', null, /invalid payload null: expected a class/],
    ['a name', 'Order', /invalid payload "Order": expected a class/],
  ])('%s', (_, source, sentence) => {
    const error = thrownBy(declare(source));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option: 'payload', message: expect.stringMatching(sentence) as string });
  });

  it('nested classes that would never or always be valid', () => {
    class NoType {
      @ValidateNested() address!: Address;
    }
    class NoTypes {
      @ValidateNested({ each: true }) addresses!: Address[];
    }
    class Open {
      @IsObject() @Type(() => Bare) bare!: Bare;
    }
    class Binary {
      @Allow() @Type(() => Buffer) data!: Buffer;
    }
    class WithMap {
      @ValidateNested() @Type(() => Address) homes!: Map<string, Address>;
    }
    class Outer {
      @ValidateNested() @Type(() => NoType) inner!: NoType;
    }
    expect(declare(NoType)).toThrow(
      /NoType\.address: it has @ValidateNested\(\), but no visible @Type\(\).*Add @Type\(\(\) => Address\)/,
    );
    expect(declare(NoTypes)).toThrow(/NoTypes\.addresses: .*@Type\(\(\) => ItsClass\)/);
    expect(declare(Open)).toThrow(/Open\.bare: it has @Type\(\(\) => Bare\), but Bare has no class-validator rules/);
    expect(declare(Binary)).toThrow(/Binary\.data: JSON has no Buffer.*toClassOnly makes the Buffer/);
    expect(declare(WithMap)).toThrow(/WithMap\.homes: JSON has no Map/);
    expect(declare(Outer)).toThrow(/NoType\.address/);
  });

  it.each([Map, Set, Buffer, URL, RegExp, Uint8Array, Float64Array])(
    'a property with @Type(() => %o), which JSON does not have, unless a transform makes it',
    (type) => {
      const cls = (...more: PropertyDecorator[]): new () => object =>
        rules(
          class Some {
            it?: unknown;
          },
          { it: [Allow(), Type(() => type as new () => object), ...more] },
        );
      expect(declare(cls())).toThrow(`Some.it: JSON has no ${type.name}`);
      expect(declare(cls(Transform(({ value }) => value as unknown)))).not.toThrow();
      expect(declare(cls(Exclude()))).not.toThrow();
    },
  );

  it('but not a property whose value a transform makes', () => {
    class Made {
      @ValidateNested()
      @IsOptional()
      @Transform(({ value }) => Object.assign(new Address(), value as object))
      address?: Address;
    }
    const made = sync(Made).put({ address: { city: 'Bern' } });
    expect(made.address).toBeInstanceOf(Address);
    expect(sync(Made).put(made)).toEqual(made);
  });
});

describe('accepted', () => {
  it.each([Order, Allowing, Derived, Base])('%o', (source) => {
    expect(declare(source)).not.toThrow();
  });
});

describe('hasRules', () => {
  it.each<[unknown, boolean]>([
    [Order, true],
    [Allowing, true],
    [Derived, true],
    [Base, true],
    [Bare, false],
    [Object, false],
    [String, false],
    [Function, false],
    [undefined, false],
    [null, false],
    [() => 1, false],
    [{}, false],
    ['Order', false],
  ])('%o: %s', (source, expected) => {
    expect(hasRules(source)).toBe(expected);
  });
});

describe('a second copy of class-transformer, with an @Type that our copy does not see', () => {
  const folder = mkdtempSync(join(tmpdir(), 'second-copy-'));
  const here = createRequire(import.meta.url);
  cpSync(join(here.resolve('class-transformer/package.json'), '..'), join(folder, 'class-transformer'), {
    recursive: true,
  });
  const second = createRequire(join(folder, 'x.js'))('./class-transformer') as { Type: typeof Type };
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is another copy', () => {
    expect(second.Type).not.toBe(Type);
  });

  it('is reported if a nested class is declared with it', () => {
    class Foreign {
      @ValidateNested() @second.Type(() => Address) address!: Address;
    }
    expect(declare(Foreign)).toThrow(
      /no visible @Type\(\).*second copy of class-transformer: run "npm ls class-transformer"/,
    );
  });

  it('is reported if a Date is put', () => {
    class Foreign {
      @IsDate() @second.Type(() => Date) at!: Date;
    }
    const error = thrownBy(() => sync(Foreign).put({ at: new Date() }));
    expect(error).toBeInstanceOf(NotSerializableError);
    expect(error).toMatchObject({
      path: 'at',
      message: expect.stringContaining('from the copy of class-transformer that hotqueue uses') as string,
    });
  });
});
