import { InvalidWorkerError } from '../core/errors.js';
import type { AnyFunction } from './metadata.js';

/** The context argument of a standard decorator. */
export type DecoratorContext = Pick<ClassMethodDecoratorContext, 'name' | 'static' | 'private' | 'addInitializer'> & {
  readonly kind: string;
};

/** Whether this is the second argument of a standard decorator. Worker options have no such properties. */
export function isDecoratorContext(value: unknown): value is DecoratorContext {
  if (typeof value !== 'object' || value === null) return false;
  try {
    const { kind, addInitializer } = value as Partial<DecoratorContext>;
    return typeof kind === 'string' && typeof addInitializer === 'function';
  } catch {
    return false; // options with a getter that throws, which their check reports
  }
}

/** Whether this is the second argument of a legacy decorator. */
export function isPropertyName(value: unknown): value is string | symbol {
  return typeof value === 'string' || typeof value === 'symbol';
}

/** `Class.method`, for the prototype of a class, an instance, or the class itself; only `method` for a plain object. */
export function nameOf(target: object, key: PropertyKey): string {
  const cls: unknown = typeof target === 'function' ? target : target.constructor;
  if (typeof cls !== 'function' || cls === Object) return String(key);
  return `${cls.name || '(anonymous class)'}.${String(key)}`;
}

/** Whether a function is a class. The name of a method such as `classify` begins with `class` too, so check what follows. */
export function isClass(fn: AnyFunction): boolean {
  return /^class[\s{]/.test(Function.prototype.toString.call(fn));
}

/** The method under a legacy decorator. @throws InvalidWorkerError if the target is not an instance method */
export function refuseUnlessLegacyMethod(target: object, descriptor: unknown, name: string): AnyFunction {
  if (typeof descriptor === 'number') throw new InvalidWorkerError(name, 'it is on a parameter: move it to the method');
  const { value, ...rest } = (descriptor ?? {}) as { value?: unknown };
  if ('get' in rest || 'set' in rest) throw new InvalidWorkerError(name, noMethod('an accessor'));
  if (typeof value !== 'function') throw new InvalidWorkerError(name, noMethod('a property'));
  if (typeof target === 'function') throw new InvalidWorkerError(name, noStatic);
  refuseGenerator(value as AnyFunction, name);
  return value as AnyFunction;
}

/** The method under a standard decorator. @throws InvalidWorkerError if the target is not a public instance method */
export function refuseUnlessStandardMethod(value: unknown, context: DecoratorContext, name: string): AnyFunction {
  if (context.kind === 'class') throw new InvalidWorkerError(name, noClass);
  if (context.kind === 'field') throw new InvalidWorkerError(name, noMethod('a property'));
  if (context.kind !== 'method') throw new InvalidWorkerError(name, noMethod('an accessor'));
  if (context.private) throw new InvalidWorkerError(name, 'run() cannot call a #private method: make it public');
  if (context.static) throw new InvalidWorkerError(name, noStatic);
  refuseGenerator(value as AnyFunction, name);
  return value as AnyFunction;
}

/** Refuses generators. Calling one only creates an iterator: every message would be acknowledged, and none handled. */
export function refuseGenerator(method: AnyFunction, name: string): void {
  const tag = Object.prototype.toString.call(method);
  if (tag !== '[object GeneratorFunction]' && tag !== '[object AsyncGeneratorFunction]') return;
  throw new InvalidWorkerError(
    name,
    'it is a generator, so its body would never run: remove the *, and return or await its work',
  );
}

export const noClass = '@worker goes on the methods of a class, not on the class itself';
const noStatic = 'it is static, and run() only calls methods of instances: remove `static`';

function noMethod(kind: string): string {
  return `it is ${kind}: put @worker on a method, or write the property handle = queue.worker((payload) => …)`;
}
