/** Options of a queue for the validation of payload classes, and the log line for classes that are not compiled. */
import 'reflect-metadata';
import { Type } from 'class-transformer';
import { IsString, ValidateNested } from 'class-validator';
import { expect, it } from 'vitest';
import { refusedValidationOptions } from '../../src/core/options/validation.js';
import { HotQueue } from '../../src/index.js';
import { redisUrl } from '../support/server.js';
import { aName } from '../support/queue.js';

const declare =
  (options: object): (() => unknown) =>
  () =>
    new HotQueue(aName(), options);

it.each(refusedValidationOptions)('%s is refused, with what to do instead', (option) => {
  expect(declare({ [option]: true })).toThrow(new RegExp(`^option ${option} is not supported: .+`));
});

it.each([
  'enableImplicitConversion',
  'forbidNonWhitelisted',
  'skipMissingProperties',
  'excludeExtraneousValues',
  'transform',
])('%s is among them', (option) => {
  expect(refusedValidationOptions).toContain(option);
});

it.each<[object, RegExp]>([
  [{ whitelist: true }, /invalid whitelist true: expected 'strip'/],
  [{ whitelist: 'drop' }, /invalid whitelist "drop"/],
  [{ groups: 'create' }, /invalid groups "create": expected an array of names/],
  [{ groups: [] }, /invalid groups/],
  [{ groups: [''] }, /invalid groups/],
  [{ stopAtFirstError: 1 }, /invalid stopAtFirstError 1/],
  [{ whitelst: 'strip' }, /did you mean "whitelist"/],
])('%o is refused', (options, reason) => {
  expect(declare(options)).toThrow(reason);
});

it('a debug line names a class that is not compiled, once', async () => {
  class Shape {
    @IsString() name!: string;
  }
  class Drawing {
    @ValidateNested()
    @Type(() => Shape, { discriminator: { property: 'kind', subTypes: [{ value: Shape, name: 'shape' }] } })
    shape!: Shape;
  }
  class Album {
    @ValidateNested() @Type(() => Drawing) drawing!: Drawing;
  }
  const lines: [object, string][] = [];
  const log = (fields: object, sentence: string): void => void lines.push([fields, sentence]);
  const logger = { debug: log, info: log, warn: log, error: log };
  await using queue = new HotQueue(aName(), { payload: Album, url: redisUrl(), logger });
  for (let i = 0; i < 2; i++) await queue.put({ drawing: { shape: { name: 'a' } } });
  expect(lines.filter(([, sentence]) => sentence.includes('not compiled'))).toEqual([
    [
      { queue: queue.name, class: 'Drawing' },
      'class-validator checks payload class Drawing, it is not compiled: Drawing.shape has a discriminator',
    ],
  ]);
});
