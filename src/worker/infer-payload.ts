import 'reflect-metadata';
import { InvalidWorkerError } from '../core/errors.js';
import { hasRules, payloadType, type PayloadType } from '../payload/payload-type.js';
import type { QueueContext } from '../redis/queue-context.js';
import { Delivery } from '../consumer/delivery.js';

type Class = abstract new (...args: never[]) => unknown;

/** A method under legacy decorators. Its compiler may have emitted parameter types. */
export interface LegacyMethod {
  readonly target: object;
  readonly key: string | symbol;
  /** Such as `Studio.resize`. */
  readonly name: string;
  /** Whether it was declared with `batch`. */
  readonly takesArrays: boolean;
}

/**
 * Payload of a decorated method: that of the queue or, if the queue has none, the type of the first parameter in
 * `design:paramtypes`.
 *
 * @throws InvalidWorkerError if neither is a class with rules (the message says why, as far as this is known), or if both are
 *   and differ
 */
export function inferPayload(context: QueueContext, method: LegacyMethod): PayloadType<unknown> {
  const types = parameterTypes(method);
  if (context.payload.source !== undefined) {
    refuseAnother(context, types?.[0], method);
    return context.payload;
  }
  if (method.takesArrays)
    throw new InvalidWorkerError(
      method.name,
      `it takes arrays, and the compiler does not emit the type of their elements. ${advice(context)}`,
    );
  const type = types?.[0];
  if (isPlainValue(type) || (isClass(type) && hasRules(type))) return inferred(type, context, method);
  throw new InvalidWorkerError(method.name, `${types ? causeIn(types) : nothingKnown()}. ${advice(context)}`);
}

function inferred(type: Class, context: QueueContext, method: LegacyMethod): PayloadType<unknown> {
  try {
    return payloadType(type as new () => unknown, context.payloadSettings);
  } catch (cause) {
    // A class with rules can still be unusable as a payload. That error does not name the method, so add its name.
    const error = new InvalidWorkerError(method.name, cause instanceof Error ? cause.message : String(cause));
    error.cause = cause;
    throw error;
  }
}

/** Payload under standard decorators, which emit no parameter types: always that of the queue. */
export function payloadOfContext(context: QueueContext, name: string): PayloadType<unknown> {
  if (context.payload.source !== undefined) return context.payload;
  throw new InvalidWorkerError(
    name,
    `This queue has no payload class. Write new HotQueue("${context.name}", { payload: YourClass }): standard decorators do not emit parameter types`,
  );
}

function parameterTypes({ target, key }: LegacyMethod): readonly unknown[] | undefined {
  // Own metadata only: inherited types belong to the method that this one overrides.
  const types: unknown = canRead() ? Reflect.getOwnMetadata('design:paramtypes', target, key) : undefined;
  return Array.isArray(types) ? types : undefined;
}

function canRead(): boolean {
  return typeof (Reflect as { getOwnMetadata?: unknown }).getOwnMetadata === 'function';
}

/** Refuses any class but the queue's and those that it extends: the handler would get another payload than it expects. */
function refuseAnother(context: QueueContext, type: unknown, method: LegacyMethod): void {
  const { source } = context.payload;
  if (isClass(source)) refuseOtherNumber(type, source, method);
  if (!isClass(source) || !isClass(type) || type === source || !hasRules(type) || source.prototype instanceof type)
    return;
  throw new InvalidWorkerError(
    method.name,
    `it expects ${type.name}, but the payload of queue "${context.name}" is ${context.payload.name}: use one class for both, or another queue`,
  );
}

/** Refuses arrays if messages come one by one, and a single payload if they come in arrays. */
function refuseOtherNumber(type: unknown, { name }: Class, method: LegacyMethod): void {
  if (!method.takesArrays && type === Array)
    throw new InvalidWorkerError(
      method.name,
      `it expects an array, but it gets one ${name} at a time: add the option batch, or take one ${name}`,
    );
  if (method.takesArrays && isClass(type) && hasRules(type))
    throw new InvalidWorkerError(
      method.name,
      `it expects one ${type.name}, but with batch it gets arrays: write (items: ${type.name}[])`,
    );
}

function isPlainValue(type: unknown): type is StringConstructor | NumberConstructor | BooleanConstructor {
  return type === String || type === Number || type === Boolean;
}

function isClass(type: unknown): type is Class {
  return typeof type === 'function';
}

function advice(context: QueueContext): string {
  return `Name the payload class on the queue: new HotQueue("${context.name}", { payload: YourClass })`;
}

function nothingKnown(): string {
  if (!canRead())
    return "reflect-metadata is not loaded, so the type of the first parameter cannot be read: import 'reflect-metadata' before anything else";
  return (
    'the compiler emitted no parameter types (design:paramtypes). tsx, esbuild, Babel and plain Node never emit them; tsc, swc and ' +
    '@oxc-node/core do with "emitDecoratorMetadata": true in tsconfig.json'
  );
}

/** The most probable cause of these parameter types. */
function causeIn(types: readonly unknown[]): string {
  const [type] = types;
  if (types.length === 0) return 'it has no parameter, so its payload is unknown';
  if (type === Object) {
    return (
      'the compiler emitted only Object as the type of the first parameter. It does so for an interface, a type alias, a union such as Image | null, a mixed ' +
      'enum, any or unknown; under swc and oxc also for a class from `import type`: import the class itself. To accept any JSON, ' +
      'write a field: handle = queue.worker((item) => …)'
    );
  }
  if (type === Function)
    return 'the compiler emitted only Function as the type of the first parameter. tsc does so for a class from `import type`: import the class itself';
  if (type === Array)
    return 'its first parameter is an array, and the compiler does not emit the type of its elements: put the elements one by one, or write a class with rules that holds the array';
  if (type === undefined)
    return 'its first parameter has no type at run time: it is undefined, null, void or never, or its class was not defined yet because two files import each other';
  if (type === Delivery) return 'its first parameter is the Delivery: the payload comes first, the delivery second';
  if (!isClass(type)) return 'its first parameter is not a class; swc and oxc emit an object for an enum';
  if (isBuiltIn(type))
    return `its first parameter is ${type.name}, which is built in and has no rules: write a class with rules that holds the values that you need`;
  return `${type.name || 'the class of its first parameter'} has no rules, so its payload cannot be checked: decorate its properties (@IsString() path!: string), or call rules(…) in it`;
}

function isBuiltIn(type: Class): boolean {
  return Function.prototype.toString.call(type).endsWith('{ [native code] }');
}
