import 'reflect-metadata';
import { Transform, Type } from 'class-transformer';
import { IsEmail, IsInt, IsOptional, IsString, Min, ValidateNested } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { InvalidOptionError } from '../../src/core/errors.js';
import { rules } from '../../src/payload/rules.js';
import { broken, sync } from './payloads.js';

class Size {
  width!: number;
  static {
    rules(this, { width: [IsInt(), Min(1)] });
  }
}

class Mail {
  to!: string;
  sizes?: Size[];
  one?: Size;
  at?: Date;
  static {
    rules(this, {
      to: IsEmail(),
      sizes: [IsOptional(), ValidateNested({ each: true }), Type(() => Size)],
      one: [IsOptional(), ValidateNested(), Type(() => Size)],
      at: [IsOptional(), Type(() => Date)],
    });
  }
  send(): void {}
}

describe('rules without decorator syntax', () => {
  const mails = sync(Mail);

  it('have the same effect as decorators', () => {
    const mail = mails.put({ to: 'a@b.co', sizes: [{ width: 1 }], one: { width: 2 }, at: new Date(0) });
    expect(mail).toBeInstanceOf(Mail);
    expect(mail.sizes?.[0]).toBeInstanceOf(Size);
    expect(mail.at).toEqual(new Date(0));
  });

  it.each([
    ['{"to":"x"}', ['to isEmail']],
    ['{"to":"a@b.co","sizes":[{"width":0}]}', ['sizes.0.width min']],
    // Without compiler metadata, only `each` shows that the property is an array.
    ['{"to":"a@b.co","sizes":{"width":1}}', ['sizes type']],
    ['{"to":"a@b.co","one":{"width":1,"height":1}}', ['one.height unknownKey']],
  ])('%s is refused', (text, violations) => {
    expect(broken(() => mails.take(text))).toEqual(violations);
  });

  it('are applied in the same order as decorators', () => {
    const say = (word: string) => Transform(({ value }) => `${String(value)}${word}`, { toClassOnly: true });
    class Decorated {
      @IsInt() @Min(1) width!: number;
      @IsString() @say('a') @say('b') text!: string;
    }
    class Written {
      width!: number;
      text!: string;
      static {
        rules(this, { width: [IsInt(), Min(1)], text: [IsString(), say('a'), say('b')] });
      }
    }
    const [decorated, written] = [sync(Decorated), sync(Written)];
    expect(written.take('{"width":1,"text":""}').text).toBe(decorated.take('{"width":1,"text":""}').text);
    expect(broken(() => written.take('{"width":0.5,"text":""}'))).toEqual(
      broken(() => decorated.take('{"width":0.5,"text":""}')),
    );
  });

  it('return the class', () => {
    class Note {
      text!: string;
    }
    expect(rules(Note, { text: IsString() })).toBe(Note);
  });

  it('refuse values that are not decorators', () => {
    class Note {
      text!: string;
    }
    expect(() => rules(Note, { text: IsEmail as never })).toThrow(
      /invalid rule of "text", IsEmail without its parentheses/,
    );
    expect(() => rules(Note, { text: 'isEmail' as never })).toThrow(InvalidOptionError);
    expect(() => rules(Note, { text: [undefined as never] })).toThrow(InvalidOptionError);
  });

  it('accept only properties of the class, by type', () => {
    class Note {
      text!: string;
    }
    // @ts-expect-error -- there is no such property
    rules(Note, { txet: IsString() });
    expect(() => sync(Note)).not.toThrow();
  });
});
