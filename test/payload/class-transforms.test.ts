import 'reflect-metadata';
import { Exclude, Expose, Transform, Type } from 'class-transformer';
import { Allow, IsDate, IsInt, IsNumber, IsOptional, IsString, ValidateNested } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { NotSerializableError } from '../../src/core/errors.js';
import { broken, sync, thrownBy } from './payloads.js';

describe('@Expose', () => {
  class Inner {
    @Expose({ name: 'inner_name' }) @IsString() innerName!: string;
  }
  class Mail {
    @Expose({ name: 'e_mail' }) @IsString() email!: string;
    @Expose() @IsInt() retries = 3;
    @Expose({ name: 'in' }) @ValidateNested({ each: true }) @Type(() => Inner) @IsOptional() inner?: Inner[];
    @Expose() get shout(): string {
      return `${this.email}!`;
    }
  }
  const mails = sync(Mail);

  it('renames keys in the text; put uses the property names', () => {
    const mail = { email: 'a', inner: [{ innerName: 'b' }] };
    expect(mails.text(mail)).toBe('{"e_mail":"a","in":[{"inner_name":"b"}],"retries":3}');
    expect(mails.put(mail)).toMatchObject({ email: 'a', retries: 3, inner: [{ innerName: 'b' }], shout: 'a!' });
    const instance = Object.assign(new Mail(), { email: 'a' });
    expect(JSON.parse(mails.text(instance))).toEqual({ e_mail: 'a', retries: 3, shout: 'a!' });
    expect(mails.put(mails.put(instance))).toEqual(mails.put(instance));
  });

  it('makes the property name unknown in the text, and the key unknown in put', () => {
    expect(broken(() => mails.take('{"email":"a"}'))).toEqual(['email unknownKey']);
    expect(broken(() => mails.take('{"e_mail":"a","in":[{"innerName":"b"}]}'))).toEqual(['in.0.innerName unknownKey']);
    expect(broken(() => mails.put({ e_mail: 'a' }))).toEqual(['e_mail unknownKey']);
  });
});

describe('@Exclude', () => {
  it('leaves the property out of the text, and take refuses it', () => {
    class Cached {
      @IsString() name!: string;
      @Exclude() cache = new Map([['a', 1]]);
    }
    const cached = sync(Cached);
    expect(cached.text(Object.assign(new Cached(), { name: 'x' }))).toBe('{"name":"x"}');
    expect(broken(() => cached.take('{"name":"x","cache":{}}'))).toEqual(['cache unknownKey']);
  });

  it('of a property that the rules require makes put fail', () => {
    class Secret {
      @IsString() @Exclude({ toPlainOnly: true }) password!: string;
      @Allow() free?: string;
    }
    expect(broken(() => sync(Secret).put({ password: 'x' }))).toEqual(['password isString']);
  });

  it('on the class leaves only exposed properties', () => {
    @Exclude()
    class Closed {
      @Expose() @IsString() name!: string;
      @IsString() @IsOptional() other?: string;
    }
    const closed = sync(Closed);
    expect(closed.text({ name: 'a', other: 'b' })).toBe('{"name":"a"}');
    expect(broken(() => closed.take('{"name":"a","other":"b"}'))).toEqual(['other unknownKey']);
  });
});

describe('@Transform is applied once in each direction', () => {
  it('to the class only', () => {
    class Price {
      @IsNumber() @Transform(({ value }) => Number(value) * 100, { toClassOnly: true }) cents!: number;
    }
    const prices = sync(Price);
    expect(prices.text({ cents: 2 })).toBe('{"cents":2}');
    expect(prices.put({ cents: 2 }).cents).toBe(200);
    expect(prices.take(prices.text({ cents: 2 })).cents).toBe(200);
  });

  it('in both directions, also for values that JSON does not have', () => {
    class Transfer {
      @Allow()
      @Transform(({ value }) => BigInt(value as string), { toClassOnly: true })
      @Transform(({ value }) => String(value), { toPlainOnly: true })
      amount!: bigint;
      @Allow()
      @Transform(({ value }) => new Map(Object.entries(value as object)), { toClassOnly: true })
      @Transform(({ value }) => Object.fromEntries(value as Map<string, unknown>) as unknown, { toPlainOnly: true })
      tags!: Map<string, number>;
      @IsDate() @Transform(({ value }) => new Date(value as string)) at!: Date;
    }
    const transfers = sync(Transfer);
    const transfer = { amount: 5n, tags: new Map([['a', 1]]), at: new Date(7) };
    expect(transfers.text(transfer)).toBe('{"amount":"5","tags":{"a":1},"at":"1970-01-01T00:00:00.007Z"}');
    expect(transfers.put(transfer)).toMatchObject(transfer);
    expect(transfers.take(transfers.text(transfers.put(transfer)))).toMatchObject(transfer);
    expect(broken(() => transfers.take('{"amount":"five","tags":{},"at":0}'))).toEqual(['throws']);
  });

  it('overrides @Type', () => {
    class Loud {
      @IsDate()
      @Type(() => Date)
      @Transform(({ value, obj }) => ((obj as { at: unknown }).at === 'epoch' ? new Date(0) : (value as Date)), {
        toClassOnly: true,
      })
      at!: Date;
    }
    expect(sync(Loud).take('{"at":"epoch"}').at).toEqual(new Date(0));
    expect(sync(Loud).put({ at: new Date(5) }).at).toEqual(new Date(5));
  });

  it('gets its object', () => {
    class Part {
      @IsString()
      @Transform(({ value, obj }) => `${String(value)} of ${(obj as Part).total}`, { toPlainOnly: true })
      part!: string;
      @IsInt() total!: number;
    }
    expect(sync(Part).text({ part: '1', total: 2 })).toBe('{"part":"1 of 2","total":2}');
  });
});

describe('a discriminator', () => {
  abstract class Shape {
    @IsString() @IsOptional() label?: string;
  }
  class Circle extends Shape {
    @IsInt() radius!: number;
  }
  class Square extends Shape {
    @IsInt() side!: number;
  }
  const subTypes = [
    { value: Circle, name: 'circle' },
    { value: Square, name: 'square' },
  ];
  class Drawing {
    @ValidateNested() @Type(() => Shape, { discriminator: { property: 'kind', subTypes } }) main!: Circle | Square;
    @ValidateNested({ each: true })
    @IsOptional()
    @Type(() => Shape, { discriminator: { property: 'kind', subTypes } })
    rest?: (Circle | Square)[];
  }
  const drawings = sync(Drawing);

  it('selects the subclass of plain objects and of instances', () => {
    const circle = Object.assign(new Circle(), { radius: 1 });
    const drawing = { main: circle, rest: [{ kind: 'square', side: 2 }] };
    expect(JSON.parse(drawings.text(drawing))).toEqual({
      main: { radius: 1, kind: 'circle' },
      rest: [{ side: 2, kind: 'square' }],
    });
    expect(circle).toEqual(Object.assign(new Circle(), { radius: 1 }));
    const taken = drawings.take(drawings.text(drawing));
    expect([taken.main, taken.rest?.[0]]).toEqual([expect.any(Circle), expect.any(Square)]);
    expect(drawings.put(taken)).toEqual(taken);
  });

  it('refuses keys of another subclass, and an unknown subclass', () => {
    expect(broken(() => drawings.take('{"main":{"kind":"circle","side":1}}'))).toEqual(['main.side unknownKey']);
    expect(broken(() => drawings.put({ main: { kind: 'triangle', side: 1 } }))).toEqual(['main.side unknownKey']);
    expect(broken(() => drawings.take('{"main":{"kind":"circle","radius":"x"}}'))).toEqual(['main.radius isInt']);
  });
});

it('the result of a transform must be JSON', () => {
  class Odd {
    @Allow() @Transform(({ value }) => new Set([value]), { toPlainOnly: true }) set!: unknown;
  }
  expect(thrownBy(() => sync(Odd).put({ set: 1 }))).toBeInstanceOf(NotSerializableError);
});
