import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { isOptionalOf } from './built-in.js';
import type { Plan, PropertyPlan } from './plan.js';
import type { RuleStep } from './rules.js';
import { shortcutOf } from './shortcuts.js';
import { isExactlyText } from './steps.js';
import type { Text } from './text.js';

/** Writes the function that checks the rules of an instance. */
export function writeHolds(text: Text, plan: Plan, n: number): void {
  const isExactly = isExactlyText('o', text.constant(plan.cls));
  text.add(`function holds${n}(o) {`, `if (!(${isExactly})) return false;`, 'let v, a, c;');
  for (const property of plan.properties) writeProperty(text, property, JSON.stringify(plan.cls.name));
  text.add('return true;', '}');
}

function writeProperty(text: Text, property: PropertyPlan, targetName: string): void {
  const { name, conditions, rules, content } = property;
  const nested = nestedText(text, content);
  if (conditions.length + rules.length === 0 && !nested) return;
  text.add(`v = o[${JSON.stringify(name)}]; c = true;`);
  // All conditions are called, as in class-validator, even if the first one is false.
  for (const condition of conditions) text.add(`if (!(${conditionText(text, property, condition)})) c = false;`);
  text.add('if (c) {');
  for (const step of rules) writeRule(text, step, targetName);
  if (nested) text.add(`if (!${nested}) return false;`);
  text.add('}');
}

function nestedText(text: Text, content: PropertyPlan['content']): string | undefined {
  if (content && 'isUnknown' in content) return `${text.constant(text.outside.holdsUnknown)}(v)`;
  return content && 'plan' in content && content.isValidated ? text.nested('holds', content, 'v') : undefined;
}

function conditionText(text: Text, { name }: PropertyPlan, condition: ValidationMetadata): string {
  const value = `o[${JSON.stringify(name)}]`;
  if (isOptionalOf(name, condition)) return `${value} !== null && ${value} !== undefined`;
  return `${text.constant(condition)}.constraints[0](o, v)`;
}

function writeRule(text: Text, step: RuleStep, targetName: string): void {
  const { rule, builtIn, by } = step;
  const given = text.constant(rule);
  // A new object for each call, as in class-validator: a rule may keep it, or call other rules.
  const args = `{ targetName: ${targetName}, property: ${given}.propertyName, object: o, value: v, constraints: ${given}.constraints }`;
  // class-validator accepts the names of a numeric enum, which are no values.
  const call = (value: string): string =>
    builtIn === 'isEnum'
      ? 'return false;'
      : `c = ${text.constant(by)}.instance.validate(${value}, a); if (c !== true) return onDoubt(c);`;
  const test = (value: string): string | undefined =>
    builtIn && shortcutOf(builtIn, value, rule.constraints ?? [], (value) => text.constant(value));
  if (rule.validateIf) text.add(`if (${text.constant(rule)}.validateIf(o, v)) {`);
  if (rule.each) writeEach(text, args, test('v[i]'), call);
  else {
    const shortcut = test('v');
    text.add(
      shortcut === undefined ? `a = ${args}; ${call('v')}` : `if (!(${shortcut})) { a = ${args}; ${call('v')} }`,
    );
  }
  if (rule.validateIf) text.add('}');
}

function writeEach(text: Text, args: string, item: string | undefined, call: (value: string) => string): void {
  text.add(
    `a = ${args};`,
    `if (isArray(v)) { for (let i = 0; i < v.length; i++) { ${item === undefined ? call('v[i]') : `if (!(${item})) { ${call('v[i]')} }`} } }`,
    // A default value may be a Set or a Map: class-validator would check each item of it. A single value is invalid.
    `else if (v !== null && v !== undefined) return false; else { ${call('v')} }`,
  );
}
