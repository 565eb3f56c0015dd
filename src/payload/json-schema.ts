import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { rulesOf } from './class-rules.js';
import { classesOf, classSchemaOf, type PropertySchema } from './class-schema.js';
import { isEnumValue } from './enum-values.js';
import { isStandardSchema } from './standard-schema.js';
import type { AnyClass } from './transforms.js';
import type { JsonSchema, PayloadType } from './types.js';

/** The payloads of a queue: their name, such as `SendEmail`, and their schema if it is known. */
export interface PayloadDescription {
  readonly name: string;
  /** Whether the queue checks payloads. */
  readonly isChecked: boolean;
  readonly schema: JsonSchema | undefined;
}

export const describePayload = ({
  name,
  source,
  groups,
}: Pick<PayloadType, 'name' | 'source' | 'groups'>): PayloadDescription => ({
  name,
  isChecked: source !== undefined,
  schema: jsonSchemaOf(source, groups),
});

/** Writable form of {@link JsonSchema}. */
type Draft = { -readonly [K in keyof JsonSchema]: JsonSchema[K] };

/**
 * What a payload class or a Standard Schema accepts, as JSON Schema: for forms and documentation, not for validation. It may
 * accept more than the class: rules that JSON Schema cannot express are named in `description`.
 *
 * @param source a class with rules, `String`, `Number`, `Boolean`, or a schema
 * @returns `undefined` if nothing is known, such as for a schema that cannot describe itself
 */
export function jsonSchemaOf(source: unknown, groups: readonly string[] = []): JsonSchema | undefined {
  if (isStandardSchema(source)) return described(source['~standard']);
  if (typeof source !== 'function') return undefined;
  const primitive = { String: 'string', Number: 'number', Boolean: 'boolean' }[source.name];
  if (source === String || source === Number || source === Boolean) return { type: primitive as 'string' };
  return ofClass(source as unknown as AnyClass, groups, []);
}

/** A schema that implements Standard JSON Schema (https://standardschema.dev/json-schema), such as one of zod, describes its input. */
function described(standard: object): JsonSchema | undefined {
  const { input } = ((standard as { jsonSchema?: unknown }).jsonSchema ?? {}) as {
    input?: (options: { target: string }) => JsonSchema;
  };
  try {
    return input?.({ target: 'draft-2020-12' });
  } catch {
    return undefined; // it has a part without JSON Schema, such as a date
  }
}

/** @param parents classes that contain this one: a class that contains itself is described once */
function ofClass(cls: AnyClass, groups: readonly string[], parents: readonly AnyClass[]): JsonSchema {
  const { properties, name } = classSchemaOf(cls, groups);
  const rules = rulesOf(cls, groups);
  const defaults = defaultsOf(cls);
  const described: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const property of properties.values()) {
    if (!property.isRead || !property.isWritten) continue;
    const own = rules.filter(({ propertyName }) => propertyName === property.name);
    const preset = jsonOf(defaults[property.name]);
    const schema = ofProperty(property, own, [...parents, cls]);
    described[property.name] = preset === undefined ? schema : { ...schema, default: preset };
    const isChecked = own.some(({ type }) => type === 'customValidation' || type === 'nestedValidation');
    const isConditional = own.some(({ type }) => type === 'conditionalValidation');
    if (isChecked && !isConditional && preset === undefined) required.push(property.name);
  }
  return { type: 'object', title: name, properties: described, required };
}

function ofProperty(property: PropertySchema, rules: readonly ValidationMetadata[], parents: AnyClass[]): JsonSchema {
  const { declared, isArray, type, groups } = property;
  const whole = rules.filter(({ each }) => !each);
  const isList =
    isArray === true || declared === Array || rules.some(({ each, name }) => each === true || name === 'isArray');
  const inner = isList ? rules.filter(({ each }) => each) : whole;
  const nested = type && rules.some((rule) => rule.type === 'nestedValidation') ? classesOf(type) : [];
  const [cls] = nested as AnyClass[];
  const value: Draft = {};
  if (nested.length === 1 && cls && !parents.includes(cls)) Object.assign(value, ofClass(cls, groups, parents));
  else if (nested.length > 0) value.type = 'object';
  else if (type?.isFixed && type.classFor({}) === Date) Object.assign(value, dateTime);
  else if (!isList && typeof declared === 'function') Object.assign(value, declaredTypes.get(declared));
  const unknown = inner.filter((rule) => !property.isTransformed && !add(value, rule));
  if (!isList) return withHint(value, unknown);
  const list: Draft = { type: 'array', items: withHint(value, unknown) };
  return withHint(
    list,
    whole.filter((rule) => !add(list, rule)),
  );
}

const dateTime: JsonSchema = { type: 'string', format: 'date-time' };
const declaredTypes = new Map<unknown, JsonSchema>([
  [String, { type: 'string' }],
  [Number, { type: 'number' }],
  [Boolean, { type: 'boolean' }],
  [Date, dateTime],
]);

/** What class-validator's rules are in JSON Schema, from their constraints. */
const known: Readonly<Record<string, (constraints: readonly unknown[]) => JsonSchema | undefined>> = {
  isString: () => ({ type: 'string' }),
  isBoolean: () => ({ type: 'boolean' }),
  isNumber: () => ({ type: 'number' }),
  isInt: () => ({ type: 'integer' }),
  isDate: () => dateTime,
  isDateString: () => dateTime,
  isIso8601: () => dateTime,
  isEmail: () => ({ type: 'string', format: 'email' }),
  isUrl: () => ({ type: 'string', format: 'uri' }),
  isUuid: () => ({ type: 'string', format: 'uuid' }),
  isObject: () => ({ type: 'object' }),
  isArray: () => ({}),
  isIn: ([values]) => (Array.isArray(values) ? { enum: values } : undefined),
  isEnum: ([entity]) => ({ enum: Object.values(entity as object).filter((one) => isEnumValue(entity as Entity, one)) }),
  equals: ([value]) => ({ enum: [value] }),
  min: ([minimum]) => numbers({ minimum }),
  max: ([maximum]) => numbers({ maximum }),
  isPositive: () => ({ exclusiveMinimum: 0 }),
  isNegative: () => ({ exclusiveMaximum: 0 }),
  minLength: ([minLength]) => numbers({ minLength }),
  maxLength: ([maxLength]) => numbers({ maxLength }),
  isLength: ([minLength, maxLength]) => numbers({ minLength, ...(maxLength !== undefined && { maxLength }) }),
  isNotEmpty: () => ({ minLength: 1 }),
  isDefined: () => ({}),
  matches: ([pattern]) =>
    pattern instanceof RegExp && !/[imsy]/.test(pattern.flags) ? { pattern: pattern.source } : undefined,
  arrayMinSize: ([minItems]) => numbers({ minItems }),
  arrayMaxSize: ([maxItems]) => numbers({ maxItems }),
  arrayNotEmpty: () => ({ minItems: 1 }),
};

type Entity = Parameters<typeof isEnumValue>[0];

const numbers = (map: Record<string, unknown>): JsonSchema | undefined =>
  Object.values(map).every((value) => typeof value === 'number') ? map : undefined;

/** Adds a rule. @returns whether it is known */
function add(schema: Draft, { type, name, constraints }: ValidationMetadata): boolean {
  if (type !== 'customValidation') return true;
  const found = Object.hasOwn(known, name ?? '') ? known[name!]!((constraints ?? []) as unknown[]) : undefined;
  if (!found) return false;
  // A property of type number that has @IsInt() too: the narrower type stays.
  const isWider = schema.type === 'integer' && found.type === 'number';
  Object.assign(schema, found, isWider && { type: 'integer' });
  return true;
}

function withHint(schema: Draft, unknown: readonly ValidationMetadata[]): JsonSchema {
  const names = unknown.map(({ name }) => name ?? 'a rule of its own');
  return names.length === 0 ? schema : { ...schema, description: `also checked: ${[...new Set(names)].join(', ')}` };
}

/** The values that the properties of a new instance have. */
function defaultsOf(cls: AnyClass): Record<string, unknown> {
  try {
    return new (cls as new () => object)() as Record<string, unknown>;
  } catch {
    return {}; // an abstract class, or one that needs something that is not here
  }
}

/** A default value as JSON; `undefined` if there is none that JSON can hold. */
function jsonOf(value: unknown): unknown {
  try {
    const text = JSON.stringify(value) as string | undefined;
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}
