import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  IsArray,
  IsDate,
  IsEmail,
  IsInt,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { expect } from 'vitest';
import { InvalidPayloadError } from '../../src/core/errors.js';
import {
  payloadType,
  type PayloadClass,
  type PayloadSettings,
  type PayloadType,
} from '../../src/payload/payload-type.js';

export class Address {
  @IsString() @IsNotEmpty() city!: string;
  @IsString() @IsOptional() street?: string;
}

export class Size {
  @IsInt() @Min(1) @Max(10_000) width!: number;
}

export class Order {
  @IsEmail() to!: string;
  @IsInt() @Min(0) @Max(10) retries = 3;
  @ValidateNested() @Type(() => Address) @IsOptional() address?: Address;
  @ValidateNested({ each: true }) @Type(() => Size) @IsArray() @IsOptional() sizes?: Size[];
  @IsDate() @Type(() => Date) @IsOptional() at?: Date;
  @IsObject() @IsOptional() extra?: Record<string, unknown>;

  greeting(): string {
    return `to ${this.to}`;
  }
}

/** A payload type with synchronous rules, so that tests need no await. */
export interface SyncType<T> {
  readonly type: PayloadType<T>;
  put(value: unknown): T;
  text(value: unknown): string;
  take(text: string): T;
}

export function sync<T>(source?: PayloadClass<T>, settings?: PayloadSettings): SyncType<T> {
  const type = payloadType<T>(source, settings);
  const now = <R>(value: R | Promise<R>): R => {
    expect(value).not.toBeInstanceOf(Promise);
    return value as R;
  };
  return {
    type,
    put: (value) => now(type.encode(value)).payload,
    text: (value) => now(type.encode(value)).text,
    take: (text) => now(type.decode(text)),
  };
}

/** The violations as `path rule`, or another thrown error. */
export function broken(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    if (!(error instanceof InvalidPayloadError)) return error;
    return error.violations.map(({ path, rule }) => `${path} ${rule}`.trim());
  }
  return 'nothing was thrown';
}

export function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
