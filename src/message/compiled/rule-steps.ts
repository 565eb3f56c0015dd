import { getMetadataStorage, registerDecorator, type ValidatorConstraintInterface } from 'class-validator';
import type { ConstraintMetadata } from 'class-validator/types/metadata/ConstraintMetadata.js';
import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { rulesOf } from '../class-rules.js';
import { Unsure } from './unsure.js';

/** One constraint of one rule: class-validator's own, called as it would call it. */
export interface RuleStep {
  readonly rule: ValidationMetadata;
  /** Whose `instance` validates: found anew for each value, or once and for all. */
  readonly by: { readonly instance: ValidatorConstraintInterface };
}

/** What class-validator would ask of a value, in its order: `@IsDefined` first. */
export function ruleSteps(where: string, rules: readonly ValidationMetadata[]): RuleStep[] {
  for (const { type, validateIf } of rules) {
    if (!known.includes(type)) throw new Unsure(`${where} has a rule of the type ${type}`);
    if (validateIf) throw new Unsure(`${where} has a rule with validateIf`);
  }
  const ordered = [...rules.filter(({ type }) => type === 'isDefined'), ...rules.filter(({ type }) => type === 'customValidation')];
  return ordered.flatMap((rule) => stepsOf(where, rule));
}

const known = ['isDefined', 'customValidation', 'conditionalValidation', 'nestedValidation', 'whitelistValidation'];

function stepsOf(where: string, rule: ValidationMetadata): RuleStep[] {
  return getMetadataStorage().getTargetValidatorConstraints(rule.constraintCls).map((constraint) => {
    if (constraint.async) throw new Unsure(`${where} has an asynchronous rule`);
    return { rule, by: isWrapper(constraint) ? { instance: constraint.instance } : constraint };
  });
}

// A class of the user's comes from a container (useContainer), which may give another instance each time, or be replaced:
// it is asked as often as class-validator asks it. That search is what grows with the number of rules in a process, and
// the wrappers in which class-validator puts inline validators, all of its own among them, need none: they have no state.
// Nothing marks them, but they all have one and the same text.
const isWrapper = ({ target }: ConstraintMetadata): boolean => String(target) === (wrapperText ??= textOfWrapper());

let wrapperText: string | undefined;

function textOfWrapper(): string {
  class Probe {}
  registerDecorator({ target: Probe, propertyName: 'probe', options: {}, validator: { validate: () => true } });
  return String(rulesOf(Probe)[0]?.constraintCls);
}
