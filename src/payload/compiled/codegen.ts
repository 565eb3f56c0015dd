import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { isOptionalOf } from './built-in.js';
import type { Converter } from './converters.js';
import type { Plan, PropertyPlan } from './plan.js';
import type { RuleStep } from './rules.js';
import { shortcutOf } from './shortcuts.js';
import type { OnDoubt, Steps } from './steps.js';

/**
 * The steps as generated source text, three functions for each class. The engine sees constant names and calls, and
 * optimises them like handwritten code.
 *
 * @throws EvalError if code generation is forbidden
 */
export function generate(root: Plan, onDoubt: OnDoubt): Steps {
  const text = new Text(onDoubt);
  text.indexOf(root);
  // The list grows in this loop, because classes refer to others.
  for (const plan of text.plans) writeClass(text, plan);
  const { names, values } = text.constants();
  // The text contains no data from payloads. It contains the property names of the user's class, as JSON strings. Everything
  // else of the class, for example its functions, is passed as an argument.
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- see above
  const make = new Function(
    ...names,
    `'use strict';\n${text.lines.join('\n')}\nreturn { fits: fits0, make: make0, holds: holds0 };`,
  ) as (...values: unknown[]) => Steps;
  return make(...values);
}

/** Source text under construction, and the values that it refers to. */
class Text {
  readonly lines: string[] = [];
  readonly plans: Plan[] = [];
  readonly #constants = new Map<unknown, string>();

  constructor(onDoubt: OnDoubt) {
    for (const [name, value] of Object.entries({
      onDoubt,
      isArray: Array.isArray,
      prototypeOf: Object.getPrototypeOf,
      objectPrototype: Object.prototype,
    })) {
      this.#constants.set(value, name);
    }
  }

  add(...lines: string[]): void {
    this.lines.push(...lines);
  }

  /** The number of a class, used in the names of its functions. */
  indexOf(plan: Plan): number {
    const index = this.plans.indexOf(plan);
    return index === -1 ? this.plans.push(plan) - 1 : index;
  }

  /** The name of a value that cannot be written as source text. */
  constant(value: unknown): string {
    const name = this.#constants.get(value) ?? `k${this.#constants.size}`;
    this.#constants.set(value, name);
    return name;
  }

  constants(): { names: string[]; values: unknown[] } {
    return { names: [...this.#constants.values()], values: [...this.#constants.keys()] };
  }
}

function writeClass(text: Text, plan: Plan): void {
  const n = text.indexOf(plan);
  writeFits(text, plan, n);
  writeMake(text, plan, n);
  writeHolds(text, plan, n);
  text.add(
    `function fitsAll${n}(v) { if (!isArray(v)) return false; for (let i = 0; i < v.length; i++) if (!fits${n}(v[i])) return false; return true; }`,
    `function makeAll${n}(v) { const a = []; for (let i = 0; i < v.length; i++) { const o = make${n}(v[i]); if (o === undefined) return undefined; a.push(o); } return a; }`,
    `function holdsAll${n}(v) { if (!isArray(v)) return false; for (let i = 0; i < v.length; i++) if (!holds${n}(v[i])) return false; return true; }`,
  );
}

/** The function for a nested class, or for an array of its objects. */
function nestedName(text: Text, step: string, content: PropertyPlan['content']): string | undefined {
  if ('converter' in content) return undefined;
  return `${step}${content.isArray ? 'All' : ''}${text.indexOf(content.plan)}`;
}

function writeFits(text: Text, plan: Plan, n: number): void {
  text.add(
    `function fits${n}(s) {`,
    // As `isPlainObject`.
    "if (typeof s !== 'object' || s === null || prototypeOf(s) !== objectPrototype) return false;",
    'for (const key of Object.keys(s)) switch (key) {',
  );
  for (const { name, content, isStillSo } of plan.properties) {
    const value = `s[${JSON.stringify(name)}]`;
    const nested = nestedName(text, 'fits', content);
    const fits =
      'converter' in content ? fitsText(text, value, content.converter) : `(${value} === null || ${nested}(${value}))`;
    const isSo = isStillSo ? `${text.constant(isStillSo)}(s) && ` : '';
    text.add(`case ${JSON.stringify(name)}: if (!(${isSo}${fits})) return false; break;`);
  }
  text.add('default: return false;', '}', 'return true;', '}');
}

function fitsText(text: Text, value: string, { fits, keepsScalars }: Converter): string {
  const call = `${text.constant(fits)}(${value})`;
  const isScalar = ['string', 'number', 'boolean'].map((type) => `typeof ${value} === '${type}'`).join(' || ');
  return keepsScalars ? `(${isScalar} || ${call})` : call;
}

function makeText(text: Text, value: string, { make, keepsScalars }: Converter): string {
  const call = `${text.constant(make)}(${value})`;
  return keepsScalars ? `(typeof ${value} === 'object' ? ${call} : ${value})` : call;
}

function writeMake(text: Text, plan: Plan, n: number): void {
  // Properties are set in the order of the keys in the data, as class-transformer does.
  text.add(
    `function make${n}(s) {`,
    `const o = new ${text.constant(plan.cls)}();`,
    'let v;',
    'for (const key of Object.keys(s)) switch (key) {',
  );
  for (const { name, content } of plan.properties) {
    const key = JSON.stringify(name);
    const nested = nestedName(text, 'make', content);
    const make =
      'converter' in content
        ? makeText(text, `s[${key}]`, content.converter)
        : `s[${key}] === null ? null : ${nested}(s[${key}])`;
    // class-transformer does not overwrite methods, also those in fields.
    text.add(
      `case ${key}: v = ${make}; if (v === undefined || typeof o[${key}] === 'function') return undefined; o[${key}] = v; break;`,
    );
  }
  text.add('}', 'return o;', '}');
}

function writeHolds(text: Text, plan: Plan, n: number): void {
  const cls = text.constant(plan.cls);
  // class-validator would use the rules of exactly this class only. A default value may be of another class, and a constructor
  // may return any object.
  text.add(
    `function holds${n}(o) {`,
    "if (typeof o !== 'object' || o === null) return false;",
    `if (prototypeOf(o) !== ${cls}.prototype || o.constructor !== ${cls}) return false;`,
    'let v, a, c;',
  );
  for (const property of plan.properties) {
    const { name, conditions, rules, content } = property;
    text.add(`v = o[${JSON.stringify(name)}]; c = true;`);
    // All conditions are called, as in class-validator, even if the first one is false.
    for (const condition of conditions) text.add(`if (!(${conditionText(text, property, condition)})) c = false;`);
    text.add('if (c) {');
    for (const step of rules) writeRule(text, step, JSON.stringify(plan.cls.name));
    const nested = nestedName(text, 'holds', content);
    if (nested) text.add(`if (v !== undefined && !${nested}(v)) return false;`);
    text.add('}');
  }
  text.add('return true;', '}');
}

function conditionText(text: Text, { name }: PropertyPlan, condition: ValidationMetadata): string {
  const value = `o[${JSON.stringify(name)}]`;
  if (isOptionalOf(name, condition)) return `${value} !== null && ${value} !== undefined`;
  return `${text.constant(condition)}.constraints[0](o, v)`;
}

function writeRule(text: Text, step: RuleStep, targetName: string): void {
  const rule = text.constant(step.rule);
  // A new object for each call, as in class-validator: a rule may keep it, or call other rules.
  const args = `{ targetName: ${targetName}, property: ${rule}.propertyName, object: o, value: v, constraints: ${rule}.constraints }`;
  const call = (value: string): string =>
    `c = ${text.constant(step.by)}.instance.validate(${value}, a); if (c !== true) return onDoubt(c);`;
  const test = (value: string): string | undefined =>
    step.builtIn && shortcutOf(step.builtIn, value, step.rule.constraints ?? [], (given) => text.constant(given));
  const shortcut = test('v');
  if (!step.rule.each)
    return text.add(
      shortcut === undefined ? `a = ${args}; ${call('v')}` : `if (!(${shortcut})) { a = ${args}; ${call('v')} }`,
    );
  const item = test('v[i]');
  text.add(
    `a = ${args};`,
    `if (isArray(v)) { for (let i = 0; i < v.length; i++) { ${item === undefined ? call('v[i]') : `if (!(${item})) { ${call('v[i]')} }`} } }`,
    // A default value may be a Set or a Map: class-validator would check each item of it.
    `else if (typeof v === 'object' && v !== null) return false; else { ${call('v')} }`,
  );
}
