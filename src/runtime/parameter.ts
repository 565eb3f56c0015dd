import 'reflect-metadata';
import { InvalidWorkerError } from '../contract/errors.js';
import { hasRules, payloadType, type PayloadType } from '../message/payload.js';
import type { Channel } from './channel.js';
import { Delivery } from './delivery.js';

type Class = abstract new (...args: never[]) => unknown;

/** A method under legacy decorators, whose compiler may have left its parameter types behind. */
export interface LegacyMethod {
  readonly target: object;
  readonly key: string | symbol;
  /** `Class.method` */
  readonly name: string;
  /** It was declared with `batch`. */
  readonly takesArrays: boolean;
}

/**
 * The payload of a decorated method: the queue's, or, when the queue names none, what `design:paramtypes` says of the
 * method's first parameter.
 *
 * @throws InvalidWorkerError when neither names a class that has rules, with the cause as far as it can be told; also
 *   when both do, and differ
 */
export function payloadOf(channel: Channel, method: LegacyMethod): PayloadType<unknown> {
  const types = parameterTypes(method);
  if (channel.payload.source !== undefined) {
    refuseAnother(channel, types?.[0], method);
    return channel.payload;
  }
  if (method.takesArrays) throw new InvalidWorkerError(method.name, `it takes batches, and no compiler tells what an array is of. ${wayOut(channel)}`);
  const type = types?.[0];
  if (isPlainValue(type) || (isClass(type) && hasRules(type))) return inferred(type, channel, method);
  throw new InvalidWorkerError(method.name, `${types ? causeIn(types) : nothingKnown()}. ${wayOut(channel)}`);
}

function inferred(type: Class, channel: Channel, method: LegacyMethod): PayloadType<unknown> {
  try {
    return payloadType(type as new () => unknown, channel.payloadSettings);
  } catch (cause) {
    // A class may have rules and be none for payloads all the same; what is missing here is only whose it is.
    const error = new InvalidWorkerError(method.name, cause instanceof Error ? cause.message : String(cause));
    error.cause = cause;
    throw error;
  }
}

/** Under standard decorators no compiler says what a parameter is. */
export function payloadOfStandard(channel: Channel, name: string): PayloadType<unknown> {
  if (channel.payload.source !== undefined) return channel.payload;
  throw new InvalidWorkerError(
    name,
    `This queue has no payload class. Write new HotQueue("${channel.name}", { payload: YourClass }): standard decorators carry no parameter types`,
  );
}

function parameterTypes({ target, key }: LegacyMethod): readonly unknown[] | undefined {
  // Own, not inherited: the parameters of a method that this one overrides say nothing about it.
  const types: unknown = canRead() ? Reflect.getOwnMetadata('design:paramtypes', target, key) : undefined;
  return Array.isArray(types) ? types : undefined;
}

function canRead(): boolean {
  return typeof (Reflect as { getOwnMetadata?: unknown }).getOwnMetadata === 'function';
}

/** A handler may name the queue's class or one it extends; with any other it would get what it does not expect. */
function refuseAnother(channel: Channel, type: unknown, method: LegacyMethod): void {
  const { source } = channel.payload;
  if (isClass(source)) refuseOtherNumber(type, source, method);
  if (!isClass(source) || !isClass(type) || type === source || !hasRules(type) || source.prototype instanceof type) return;
  throw new InvalidWorkerError(
    method.name,
    `it expects ${type.name}, but the payload of queue "${channel.name}" is ${channel.payload.name}: make them one, or take from another queue`,
  );
}

/** Arrays where messages come one by one, or the other way round. */
function refuseOtherNumber(type: unknown, { name }: Class, method: LegacyMethod): void {
  if (!method.takesArrays && type === Array) throw new InvalidWorkerError(method.name, `it expects an array, and gets one ${name} at a time: add batch, the most in one array, or take one ${name}`);
  if (method.takesArrays && isClass(type) && hasRules(type)) throw new InvalidWorkerError(method.name, `it expects one ${type.name}, and with batch gets arrays: write (items: ${type.name}[])`);
}

function isPlainValue(type: unknown): type is StringConstructor | NumberConstructor | BooleanConstructor {
  return type === String || type === Number || type === Boolean;
}

function isClass(type: unknown): type is Class {
  return typeof type === 'function';
}

function wayOut(channel: Channel): string {
  return `Give the queue its class, new HotQueue("${channel.name}", { payload: YourClass }), and no compiler needs to know it`;
}

function nothingKnown(): string {
  if (!canRead()) return "reflect-metadata is not loaded, so the type of the first parameter cannot be read: import 'reflect-metadata' before anything else";
  return (
    'its compiler left no parameter types behind (no design:paramtypes). tsx, esbuild, Babel and plain Node never do; tsc and swc do with ' +
    '"emitDecoratorMetadata": true, and so does node --import @oxc-node/core/register'
  );
}

/** What the compiler most probably had before it when it wrote these types. */
function causeIn(types: readonly unknown[]): string {
  const [type] = types;
  if (types.length === 0) return 'it has no parameter that would say what its payload is';
  if (type === Object) {
    return (
      'to its compiler the first parameter is only an Object. That is an interface, a type alias, a union such as Image | null, a mixed ' +
      'enum, any or unknown; under swc and oxc also a class that came by `import type`: import the class itself. Where any JSON will do, ' +
      'make it a field: handle = queue.worker((item) => …)'
    );
  }
  if (type === Function) return 'to its compiler the first parameter is only a Function, which is what tsc makes of a class that came by `import type`: import the class itself';
  if (type === Array) return 'its first parameter is an array, whose elements no compiler tells: put the elements one by one, or make a class with rules that holds the array';
  if (type === undefined) return 'its first parameter has no type at run time: it is undefined, null, void or never, or its class was not there yet because two files import each other';
  if (type === Delivery) return 'its first parameter is the Delivery: the payload comes first, the delivery second';
  if (!isClass(type)) return 'its first parameter is no class; an enum looks so under swc and oxc';
  if (isBuiltIn(type)) return `its first parameter is ${type.name}, which is built in and has no rules: make a class with rules that holds what is needed of it`;
  return `${type.name || 'the class of its first parameter'} has no rules, so nothing could be checked: decorate its properties (@IsString() path!: string), or call rules(…) in it`;
}

function isBuiltIn(type: Class): boolean {
  return Function.prototype.toString.call(type).endsWith('{ [native code] }');
}
