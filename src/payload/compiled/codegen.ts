import { toClass } from '../transforms.js';
import { isPlainObjectText, type Converter } from './converters.js';
import type { Outside } from './outside.js';
import type { Nested, Plan, PropertyPlan } from './plan.js';
import type { Steps } from './steps.js';
import { Text } from './text.js';
import { writeHolds } from './write-holds.js';

/**
 * The steps as generated source text, three functions for each class. The engine sees constant names and calls, and
 * optimises them like handwritten code.
 *
 * @throws EvalError if code generation is forbidden
 */
export function generate(root: Plan, outside: Outside): Steps {
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
    `'use strict';\n${text.lines.join('\n')}\n${accept}\nreturn { fits: fits0, make: make0, holds: holds0, accept };`,
  ) as (...values: unknown[]) => Steps;
  return make(...values);
}

/** All steps for the root class. It catches everything: the same error will come from class-validator, which reports it. */
const accept =
  'function accept(s) { try { if (!fits0(s)) return undefined; const o = make0(s); return holds0(o) ? o : undefined; } catch { return undefined; } }';

function writeClass(text: Text, plan: Plan): void {
  const n = text.indexOf(plan);
  const { makingDeclined, checkingDeclined } = plan;
  if (makingDeclined !== undefined || checkingDeclined !== undefined)
    text.add(`const steps${n} = ${text.constant(text.outside.stepsOf(plan.cls))};`);
  if (makingDeclined !== undefined) text.add(`const { fits: fits${n}, make: make${n} } = steps${n};`);
  else {
    writeFits(text, plan, n);
    writeMake(text, plan, n);
  }
  if (checkingDeclined !== undefined) text.add(`const { holds: holds${n} } = steps${n};`);
  else writeHolds(text, plan, n);
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

function writeFits(text: Text, plan: Plan, n: number): void {
  text.add(
    `function fits${n}(s) {`,
    `if (!(${isPlainObjectText('s')})) return false;`,
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
  if (content === undefined || 'isUnknown' in content) return `typeof ${value} !== 'object'`;
  if ('converter' in content) {
    const { fits, keepsScalars } = content.converter;
    const isScalar = `typeof ${value} === 'string' || typeof ${value} === 'number' || typeof ${value} === 'boolean' || `;
    return `(${keepsScalars ? isScalar : ''}${text.constant(fits)}(${value}))`;
  }
  if (content.otherwise && readers.length > 0) return `${text.constant(content.otherwise.fits)}(${value})`;
  return `(${value} === null || ${text.nested('fits', content, value)})`;
}

function writeMake(text: Text, plan: Plan, n: number): void {
  text.add(`function make${n}(s) {`, `const o = new ${text.constant(plan.cls)}();`, 'let v;');
  if (plan.isClosed) {
    for (const property of plan.exposed) writeSet(text, property);
  } else {
    // Properties are set in the order of the keys in the data, as class-transformer does.
    text.add('const keys = Object.keys(s);', 'for (const key of keys) switch (key) {');
    for (const property of plan.properties) {
      if (property.key === undefined || property.content === undefined) continue;
      text.add(`case ${JSON.stringify(property.key)}: {`);
      writeSet(text, property);
      text.add('break; }');
    }
    text.add('}');
    for (const property of plan.exposed) {
      if (property.readers.length === 0 && !text.outside.mayChangeData) continue;
      text.add(`if (!keys.includes(${JSON.stringify(property.key)})) {`);
      writeSet(text, property);
      text.add('}');
    }
  }
  text.add('return o;', '}');
}

function writeSet(text: Text, property: PropertyPlan): void {
  const { name, content, readers } = property;
  if (content === undefined || 'isUnknown' in content) return;
  const key = JSON.stringify(name);
  const target = `o[${key}]`;
  // class-transformer does not overwrite methods, also those in fields.
  text.add(`if (typeof ${target} === 'function') return undefined;`);
  text.add(`v = s[${JSON.stringify(property.key)}];`, 'if (v !== undefined && v !== null) {');
  // A transform may have changed the data since it was checked.
  if (text.outside.mayChangeData) text.add(`if (!(${fitsText(text, property, 'v')})) return undefined;`);
  writeConversion(text, content, readers.length > 0);
  text.add('}');
  for (const reader of readers)
    text.add(`v = ${text.constant(reader)}({ value: v, key: ${key}, obj: s, type: ${toClass}, options });`);
  text.add(`if (v !== undefined) ${target} = v;`);
}

/** Converts the value in `v`. */
function writeConversion(
  text: Text,
  content: { readonly converter: Converter } | Nested,
  isTransformed: boolean,
): void {
  const doubt = 'if (v === undefined) return undefined;';
  if ('converter' in content) {
    const { make, keepsScalars } = content.converter;
    const when = keepsScalars ? "if (typeof v === 'object') " : '';
    return text.add(`${when}v = ${text.constant(make)}(v);`, isTransformed ? '' : doubt);
  }
  const make = `v = ${text.nested('make', content, 'v')}; ${doubt}`;
  if (!content.otherwise || !isTransformed) return text.add(make);
  const otherwise = `v = ${text.constant(content.otherwise.make)}(v);`;
  // To test whether the data fits would delete unknown keys, which the transform may need.
  if (text.outside.validation.stripsUnknownKeys) return text.add(otherwise);
  text.add(`if (${text.nested('fits', content, 'v')}) { ${make} } else ${otherwise}`);
}
