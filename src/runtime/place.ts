import { InvalidWorkerError } from '../contract/errors.js';
import type { AnyFunction } from './notes.js';

/** What a standard decorator is told about the thing it decorates. */
export type Context = Pick<ClassMethodDecoratorContext, 'name' | 'static' | 'private' | 'addInitializer'> & { readonly kind: string };

/** The second argument of a standard decorator; no options of ours look like it. */
export function isContext(value: unknown): value is Context {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, addInitializer } = value as Partial<Context>;
  return typeof kind === 'string' && typeof addInitializer === 'function';
}

/** The second argument of a legacy decorator. */
export function isKey(value: unknown): value is string | symbol {
  return typeof value === 'string' || typeof value === 'symbol';
}

/** `Class.method`, for the prototype of a class, one of its instances, or the class itself; of a plain object only `method`. */
export function nameOf(target: object, key: PropertyKey): string {
  const cls: unknown = typeof target === 'function' ? target : target.constructor;
  if (typeof cls !== 'function' || cls === Object) return String(key);
  return `${cls.name || '(class without a name)'}.${String(key)}`;
}

/** A method called `classify` begins with `class` too. */
export function isClass(fn: AnyFunction): boolean {
  return /^class[\s{]/.test(Function.prototype.toString.call(fn));
}

/** The method under a legacy decorator. @throws InvalidWorkerError for whatever else may be decorated */
export function refuseUnlessLegacyMethod(target: object, descriptor: unknown, name: string): AnyFunction {
  if (typeof descriptor === 'number') throw new InvalidWorkerError(name, 'it stands on a parameter, and belongs on the method');
  const { value, ...rest } = (descriptor ?? {}) as { value?: unknown };
  if ('get' in rest || 'set' in rest) throw new InvalidWorkerError(name, noMethod('an accessor'));
  if (typeof value !== 'function') throw new InvalidWorkerError(name, noMethod('a property'));
  if (typeof target === 'function') throw new InvalidWorkerError(name, noStatic);
  refuseGenerator(value as AnyFunction, name);
  return value as AnyFunction;
}

/** The method under a standard decorator. @throws InvalidWorkerError for whatever else may be decorated */
export function refuseUnlessStandardMethod(value: unknown, context: Context, name: string): AnyFunction {
  if (context.kind === 'class') throw new InvalidWorkerError(name, noClass);
  if (context.kind === 'field') throw new InvalidWorkerError(name, noMethod('a property'));
  if (context.kind !== 'method') throw new InvalidWorkerError(name, noMethod('an accessor'));
  if (context.private) throw new InvalidWorkerError(name, 'a #private method cannot be called from outside its class, not even by run(): make it public');
  if (context.static) throw new InvalidWorkerError(name, noStatic);
  refuseGenerator(value as AnyFunction, name);
  return value as AnyFunction;
}

/** Calling a generator only makes an iterator: every message would be acknowledged with nothing done. */
export function refuseGenerator(method: AnyFunction, name: string): void {
  const tag = Object.prototype.toString.call(method);
  if (tag !== '[object GeneratorFunction]' && tag !== '[object AsyncGeneratorFunction]') return;
  throw new InvalidWorkerError(name, 'it is a generator, whose body would never run: remove the * and return, or await, what it has to do');
}

export const noClass = '@worker goes on the methods of a class, not on the class itself';
const noStatic = 'a static method belongs to no instance, and run() is given instances: remove `static`';

function noMethod(kind: string): string {
  return `it is ${kind}, and @worker goes on a method; as a property, a worker is written handle = queue.worker((payload) => …)`;
}
