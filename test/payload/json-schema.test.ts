import { Exclude, Transform, Type } from 'class-transformer';
import {
  Allow,
  ArrayMaxSize,
  ArrayMinSize,
  ArrayNotEmpty,
  Equals,
  IsArray,
  IsBoolean,
  IsDate,
  IsEmail,
  IsEnum,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsNumber,
  IsOptional,
  IsPhoneNumber,
  IsPositive,
  IsString,
  IsUrl,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { describePayload, jsonSchemaOf } from '../../src/payload/json-schema.js';
import type { JsonSchema } from '../../src/payload/types.js';

class Size {
  @IsInt() @Min(1) width!: number;
  @IsOptional() @IsInt() height?: number;
}
const size: JsonSchema = {
  type: 'object',
  title: 'Size',
  properties: { width: { type: 'integer', minimum: 1 }, height: { type: 'integer' } },
  required: ['width'],
};
enum Format {
  png = 'png',
  jpeg = 'jpeg',
}
enum Level {
  low,
  high,
}
class Tree {
  @IsString() name!: string;
  @IsOptional() @ValidateNested({ each: true }) @Type(() => Tree) children?: Tree[];
}

/** A class with one property that has some rules. */
function withRules(...decorators: PropertyDecorator[]): new () => object {
  class One {}
  for (const decorator of decorators.reverse()) decorator(One.prototype, 'it');
  return One;
}

it.each<[string, PropertyDecorator[], JsonSchema, boolean?]>([
  ['text', [IsString()], { type: 'string' }],
  ['text of a length', [IsString(), Length(2, 5)], { type: 'string', minLength: 2, maxLength: 5 }],
  ['text of a least length', [Length(2)], { minLength: 2 }],
  ['one value', [Equals('a')], { enum: ['a'] }],
  ['text that is not empty', [IsNotEmpty(), MaxLength(9)], { minLength: 1, maxLength: 9 }],
  ['a pattern', [Matches(/^a+$/)], { pattern: '^a+$' }],
  ['a pattern with a flag', [Matches(/^a+$/i)], { description: 'also checked: matches' }],
  ['an address', [IsEmail()], { type: 'string', format: 'email' }],
  ['a link', [IsUrl()], { type: 'string', format: 'uri' }],
  ['a rule without JSON Schema', [IsPhoneNumber()], { description: 'also checked: isPhoneNumber' }],
  ['a number', [IsNumber(), IsPositive(), Max(9)], { type: 'number', exclusiveMinimum: 0, maximum: 9 }],
  ['a whole number', [IsInt(), IsNumber(), Min(0)], { type: 'integer', minimum: 0 }],
  ['a whole number, the rules in the other order', [IsNumber(), IsInt()], { type: 'integer' }],
  ['a rule that was given no number', [Min('1' as never)], { description: 'also checked: min' }],
  ['two rules of one kind', [IsPhoneNumber('DE'), IsPhoneNumber('FR')], { description: 'also checked: isPhoneNumber' }],
  ['a list that is not empty', [ArrayNotEmpty(), IsArray()], { type: 'array', items: {}, minItems: 1 }],
  ['a switch', [IsBoolean()], { type: 'boolean' }],
  ['a choice', [IsIn(['a', 'b'])], { enum: ['a', 'b'] }],
  ['an enum of texts', [IsEnum(Format)], { enum: ['png', 'jpeg'] }],
  ['an enum of numbers', [IsEnum(Level)], { enum: [0, 1] }],
  ['an optional value', [IsOptional(), IsString()], { type: 'string' }, false],
  ['a conditional value', [ValidateIf(() => true), IsString()], { type: 'string' }, false],
  ['a value without rules', [Allow()], {}, false],
  ['a date', [IsDate(), Type(() => Date)], { type: 'string', format: 'date-time' }],
  ['a nested object', [ValidateNested(), Type(() => Size)], size],
  ['nested objects', [IsArray(), ValidateNested({ each: true }), Type(() => Size)], { type: 'array', items: size }],
  [
    'a list',
    [IsArray(), ArrayMinSize(1), ArrayMaxSize(3), IsString({ each: true }), MaxLength(5, { each: true })],
    { type: 'array', minItems: 1, maxItems: 3, items: { type: 'string', maxLength: 5 } },
  ],
  ['a list with rules only for its items', [IsString({ each: true })], { type: 'array', items: { type: 'string' } }],
  ['a list without rules for its items', [IsArray()], { type: 'array', items: {} }],
  ['a value with @Transform', [IsString(), Transform(({ value }) => String(value))], {}],
])('%s is described', (_, decorators, schema, isRequired = true) => {
  expect(jsonSchemaOf(withRules(...decorators))).toEqual({
    type: 'object',
    title: 'One',
    properties: { it: schema },
    required: isRequired ? ['it'] : [],
  });
});

it('a property with a default value is not required, and one that is excluded is left out', () => {
  class Resize {
    @IsInt() quality = 80;
    @IsString() @Exclude() secret = 'x';
  }
  expect(jsonSchemaOf(Resize)).toEqual({
    type: 'object',
    title: 'Resize',
    properties: { quality: { type: 'integer', default: 80 } },
    required: [],
  });
});

it('the declared type of a property is described, also without a rule', () => {
  class Declared {
    @Allow() text!: string;
    @Allow() number!: number;
    @Allow() isSwitched!: boolean;
    @Allow() at!: Date;
    @Allow() @Type(() => Date) also!: unknown;
  }
  const date = { type: 'string', format: 'date-time' };
  expect(jsonSchemaOf(Declared)!.properties).toEqual({
    text: { type: 'string' },
    number: { type: 'number' },
    isSwitched: { type: 'boolean' },
    at: date,
    also: date,
  });
});

it('a property whose type is an array is a list, also without a rule that says so', () => {
  class Tagged {
    @Allow() tags!: string[];
  }
  expect(jsonSchemaOf(Tagged)!.properties!['tags']).toEqual({ type: 'array', items: {} });
});

it.each([
  [undefined, false],
  [Size, true],
  [z.date(), true],
])('a queue with the payload %s is described as checked: %s', (source, isChecked) => {
  expect(describePayload({ name: 'it', source, groups: [] }).isChecked).toBe(isChecked);
});

it('a class that contains itself is described once', () => {
  const { properties } = jsonSchemaOf(Tree)!;
  expect(properties!['children']).toEqual({ type: 'array', items: { type: 'object' } });
});

it('rules of other groups are not in the description', () => {
  class Draft {
    @IsInt({ groups: ['strict'] }) @IsString({ groups: ['lax'] }) it!: unknown;
  }
  expect(jsonSchemaOf(Draft, ['lax'])!.properties!['it']).toEqual({ type: 'string' });
});

it.each<[string, unknown, JsonSchema | undefined]>([
  ['String', String, { type: 'string' }],
  ['Number', Number, { type: 'number' }],
  ['Boolean', Boolean, { type: 'boolean' }],
  ['no payload', undefined, undefined],
  ['a schema of zod', z.object({ n: z.number().min(3) }), expect.objectContaining({ required: ['n'] })],
  ['a schema that has no JSON Schema', z.object({ at: z.date() }), undefined],
  [
    'a schema that cannot describe itself',
    { '~standard': { version: 1, vendor: 'own', validate: (value: unknown) => ({ value }) } },
    undefined,
  ],
])('%s', (_, source, schema) => expect(jsonSchemaOf(source)).toEqual(schema));
