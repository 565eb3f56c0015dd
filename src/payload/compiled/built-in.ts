import type { ValidatorConstraintInterface } from 'class-validator';
import type { ConstraintMetadata } from 'class-validator/types/metadata/ConstraintMetadata.js';
import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { classValidator } from '../class-libraries.js';
import { rulesOf } from '../class-rules.js';

/** Names of the rules that {@link isBuiltIn} can recognise. */
export type BuiltInName = (typeof decorated)[number][0];

// `IsInt` and `IsNotEmpty` are not here: they cannot be recognised, because they never throw.
const decorated = [
  ['isArray', () => classValidator().IsArray()],
  ['isBoolean', () => classValidator().IsBoolean()],
  ['isEmail', () => classValidator().IsEmail()],
  ['isEnum', () => classValidator().IsEnum({})],
  ['isIn', () => classValidator().IsIn([])],
  ['isLength', () => classValidator().Length(0)],
  ['isNumber', () => classValidator().IsNumber()],
  ['isString', () => classValidator().IsString()],
  ['max', () => classValidator().Max(0)],
  ['maxLength', () => classValidator().MaxLength(0)],
  ['min', () => classValidator().Min(0)],
  ['minLength', () => classValidator().MinLength(0)],
] as const;

/**
 * Whether a rule is class-validator's own, and not a rule of the user with the same name.
 *
 * The name and the source text prove nothing. Every user can give a rule the name `isEmail`, and the function of a rule is
 * behind a wrapper whose text is always the same. So the rule is called once with a value that makes class-validator's
 * rules throw. The stack of the error shows the position of all functions between the wrapper and the error. If all are the
 * same as in the real rule, the functions are the same.
 */
export function isBuiltIn(name: string, instance: ValidatorConstraintInterface): name is BuiltInName {
  const site = references().sites.get(name);
  return site !== undefined && site === siteOfRule(instance);
}

/** Whether a condition is that of `@IsOptional()` on the property of this name. */
export function isOptionalOf(name: string, rule: ValidationMetadata): boolean {
  if (rule.name !== 'isOptional') return false;
  const condition = (rule.constraints as [Condition])[0];
  const site = references().optional;
  if (site === undefined || site !== siteOfCondition(condition)) return false;
  const read: unknown[] = [];
  const owner = new Proxy({}, { get: (_, key) => (read.push(key), null) });
  return condition(owner, null) === false && read.length === 1 && read[0] === name;
}

type Condition = (owner: object, value: unknown) => unknown;

/**
 * Whether a constraint is class-validator's wrapper around an inline validator. All built-in rules are inline validators.
 * Wrappers have no mark, but all have the same source text.
 */
export const isWrapper = ({ target }: ConstraintMetadata): boolean => String(target) === references().wrapperText;

interface References {
  readonly sites: ReadonlyMap<string, string>;
  readonly optional: string | undefined;
  readonly wrapperText: string;
}

let known: References | undefined;
const references = (): References => (known ??= probed());

/** Applies the real decorators to a class, and looks at the rules that this gives. */
function probed(): References {
  class Probe {}
  for (const [name, make] of decorated) make()(Probe.prototype, name);
  classValidator().IsOptional()(Probe.prototype, 'optional');
  const sites = new Map<string, string>();
  let optional: string | undefined;
  let wrapperText = '';
  for (const rule of rulesOf(Probe)) {
    if (rule.propertyName === 'optional') {
      optional = siteOfCondition((rule.constraints as [Condition])[0]);
      continue;
    }
    const [constraint] = classValidator().getMetadataStorage().getTargetValidatorConstraints(rule.constraintCls);
    const site = constraint && siteOfRule(constraint.instance);
    if (site !== undefined) sites.set(rule.propertyName, site);
    wrapperText = String(rule.constraintCls);
  }
  return { sites, optional, wrapperText };
}

const siteOfRule = (instance: ValidatorConstraintInterface): string | undefined =>
  throwSite((revoked) => instance.validate(revoked, revoked));

const siteOfCondition = (condition: Condition): string | undefined =>
  throwSite((revoked) => condition(revoked, revoked));

/**
 * The positions of all functions between `call` and the error that it throws. `undefined` if it does not throw, or if a
 * position is unknown.
 *
 * @param call gets a revoked proxy: `instanceof`, `Array.isArray` and every access to a property throw
 */
function throwSite(call: (revoked: never) => unknown): string | undefined {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is only put back
  const { stackTraceLimit, prepareStackTrace } = Error;
  try {
    Error.stackTraceLimit = Infinity;
    Error.prepareStackTrace = (_, sites) => sites;
  } catch {
    // Error is frozen.
    return undefined;
  }
  try {
    const below = sitesOf(new Error()).length;
    try {
      call(proxy as never);
      return undefined;
    } catch (error) {
      const sites = sitesOf(error);
      // Without `call` itself.
      return positionsOf(sites.slice(0, Math.max(0, sites.length - below - 1)));
    }
  } finally {
    Object.assign(Error, { stackTraceLimit, prepareStackTrace });
  }
}

function sitesOf(error: unknown): NodeJS.CallSite[] {
  const stack: unknown = error instanceof Error ? error.stack : undefined;
  return Array.isArray(stack) ? (stack as NodeJS.CallSite[]) : [];
}

function positionsOf(sites: readonly NodeJS.CallSite[]): string | undefined {
  const positions = sites.map(positionOf);
  return positions.length === 0 || positions.includes(undefined) ? undefined : positions.join('\n');
}

function positionOf(site: NodeJS.CallSite): string | undefined {
  // Two pieces of generated code may have the same position.
  if (site.isEval()) return undefined;
  const file = site.getFileName() ?? 'native';
  return [file, site.getLineNumber(), site.getColumnNumber(), site.getFunctionName()].join(':');
}
