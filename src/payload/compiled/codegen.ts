import { TransformationType } from 'class-transformer';
import type { Outside } from './outside.js';
import type { ClassPlan, Plan, PropertyPlan } from './plan.js';
import type { Steps } from './steps.js';
import { Text } from './text.js';
import { writeHolds } from './write-holds.js';

/**
 * The steps as generated source text, three functions for each class. The engine sees constant names and calls, and
 * optimises them like handwritten code.
 *
 * @throws EvalError if code generation is forbidden
 */
export function generate(root: ClassPlan, outside: Outside): Steps {
  const text = new Text(outside);
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

function writeClass(text: Text, plan: Plan): void {
  const n = text.indexOf(plan);
  if ('outside' in plan) {
    const steps = text.constant(plan.outside);
    text.add(`const { fits: fits${n}, make: make${n}, holds: holds${n} } = ${steps};`);
  } else {
    writeFits(text, plan, n);
    writeMake(text, plan, n);
    writeHolds(text, plan, n);
  }
  for (const [all, one] of [
    [`All${n}`, String(n)],
    [`Rows${n}`, `All${n}`],
  ])
    text.add(
      `function fits${all}(v) { if (!isArray(v)) return false; for (let i = 0; i < v.length; i++) if (!fits${one}(v[i])) return false; return true; }`,
      `function make${all}(v) { const a = []; for (let i = 0; i < v.length; i++) { const o = make${one}(v[i]); if (o === undefined) return undefined; a.push(o); } return a; }`,
      `function holds${all}(v) { if (!isArray(v)) return false; for (let i = 0; i < v.length; i++) if (!holds${one}(v[i])) return false; return true; }`,
    );
}

function writeFits(text: Text, plan: ClassPlan, n: number): void {
  text.add(
    `function fits${n}(s) {`,
    'if (!isPlainObject(s)) return false;',
    'for (const key of Object.keys(s)) switch (key) {',
  );
  for (const property of plan.properties) {
    if (property.key === undefined) continue;
    const key = JSON.stringify(property.key);
    const isSo = property.isStillSo ? `${text.constant(property.isStillSo)}(s) && ` : '';
    text.add(`case ${key}: if (!(${isSo}${fitsText(text, property, `s[${key}]`)})) return false; break;`);
  }
  const unknown = text.outside.validation.stripsUnknownKeys ? 'delete s[key];' : 'return false;';
  text.add(`default: ${unknown}`, '}', 'return true;', '}');
}

function fitsText(text: Text, { content, readers }: PropertyPlan, value: string): string {
  // The value of a getter is not used.
  if (content === undefined) return `typeof ${value} !== 'object'`;
  if ('converter' in content) return `${text.constant(content.converter.fits)}(${value})`;
  if (content.otherwise && readers.length > 0) return `${text.constant(content.otherwise.fits)}(${value})`;
  return `(${value} === null || ${text.nested('fits', content, value)})`;
}

function writeMake(text: Text, plan: ClassPlan, n: number): void {
  text.add(`function make${n}(s) {`, `const o = new ${text.constant(plan.cls)}();`, 'let v;');
  if (plan.isClosed) {
    for (const property of plan.exposed) writeSet(text, property, `s[${JSON.stringify(property.key)}]`);
  } else {
    // Properties are set in the order of the keys in the data, as class-transformer does.
    text.add('for (const key of Object.keys(s)) switch (key) {');
    for (const property of plan.properties) {
      if (property.key === undefined || property.content === undefined) continue;
      const key = JSON.stringify(property.key);
      text.add(`case ${key}: {`);
      writeSet(text, property, `s[${key}]`);
      text.add('break; }');
    }
    text.add('}');
    for (const property of plan.exposed) {
      if (property.readers.length === 0) continue;
      text.add(`if (!hasOwn(s, ${JSON.stringify(property.key)})) {`);
      writeSet(text, property, 'undefined');
      text.add('}');
    }
  }
  text.add('return o;', '}');
}

function writeSet(text: Text, { name, content, readers }: PropertyPlan, source: string): void {
  if (content === undefined) return;
  const key = JSON.stringify(name);
  const target = `o[${key}]`;
  // class-transformer does not overwrite methods, also those in fields.
  text.add(`if (typeof ${target} === 'function') return undefined;`);
  if (source === 'undefined') text.add('v = undefined;');
  else writeConversion(text, content, readers.length > 0, source);
  for (const reader of readers)
    text.add(
      `v = ${text.constant(reader)}({ value: v, key: ${key}, obj: s, type: ${TransformationType.PLAIN_TO_CLASS}, options });`,
    );
  text.add(`if (v !== undefined) ${target} = v;`);
}

function writeConversion(
  text: Text,
  content: NonNullable<PropertyPlan['content']>,
  isTransformed: boolean,
  source: string,
): void {
  const doubt = 'if (v === undefined) return undefined;';
  text.add(`v = ${source};`, 'if (v !== undefined && v !== null) {');
  if ('converter' in content) text.add(`v = ${text.constant(content.converter.make)}(v);`, isTransformed ? '' : doubt);
  else if (content.otherwise && isTransformed)
    text.add(
      `if (${text.nested('fits', content, 'v')}) { v = ${text.nested('make', content, 'v')}; ${doubt} }`,
      `else v = ${text.constant(content.otherwise.make)}(v);`,
    );
  else text.add(`v = ${text.nested('make', content, 'v')};`, doubt);
  text.add('}');
}
