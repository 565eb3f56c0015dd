/** Accepting without class-validator: what it leaves alone, and that it accepts nothing that class-validator would not. */
import 'reflect-metadata';
import { Exclude, Expose, Transform, Type } from 'class-transformer';
import {
  Allow, IsArray, IsBoolean, IsDate, IsDefined, IsInt, IsNotEmpty, IsNumber, IsObject, IsOptional, IsString, registerDecorator, useContainer, Validate, ValidateBy,
  ValidateIf, ValidateNested, ValidatePromise, ValidatorConstraint, type ValidationArguments, type ValidationOptions,
} from 'class-validator';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { compile, type Form } from '../../src/message/compiled/acceptor.js';
import { payloadType, rules, type PayloadClass } from '../../src/message/payload-and-rules.js';
import { aChild } from '../support/child.js';
import { Address, Order, Size } from './payloads.js';
