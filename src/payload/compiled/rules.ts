import { getMetadataStorage, registerDecorator, type ValidatorConstraintInterface } from 'class-validator';
import type { ConstraintMetadata } from 'class-validator/types/metadata/ConstraintMetadata.js';
import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { rulesOf } from '../class-rules.js';
import { Unsupported } from './unsupported.js';

/** One constraint of one rule of class-validator. It is called in the same way as class-validator does. */
export interface RuleStep {
  readonly rule: ValidationMetadata;
  /** Its `instance` validates. Read for each value, because a getter may return another instance each time. */
  readonly by: { readonly instance: ValidatorConstraintInterface };
}

/** The constraints of a value in class-validator's order: `@IsDefined` first. */
export function ruleSteps(where: string, rules: readonly ValidationMetadata[]): RuleStep[] {
  for (const { type, validateIf } of rules) {
    if (!known.includes(type)) throw new Unsupported(`${where} has a rule of the type ${type}`);
    if (validateIf) throw new Unsupported(`${where} has a rule with validateIf`);
  }
  const ordered = [
    ...rules.filter(({ type }) => type === 'isDefined'),
    ...rules.filter(({ type }) => type === 'customValidation'),
  ];
  return ordered.flatMap((rule) => stepsOf(where, rule));
}

const known = ['isDefined', 'customValidation', 'conditionalValidation', 'nestedValidation', 'whitelistValidation'];

function stepsOf(where: string, rule: ValidationMetadata): RuleStep[] {
  return getMetadataStorage()
    .getTargetValidatorConstraints(rule.constraintCls)
    .map((constraint) => {
      if (constraint.async) throw new Unsupported(`${where} has an asynchronous rule`);
      return { rule, by: isWrapper(constraint) ? { instance: constraint.instance } : constraint };
    });
}

// Whether a constraint is class-validator's wrapper around an inline validator. All built-in rules are inline validators. A
// wrapper has no state, so its instance can be kept. The instance of a user's constraint class comes from a container
// (useContainer), which may return another instance each time, so it is looked up for each value, as class-validator does.
// That lookup gets slower with the number of rules in the process. Wrappers have no mark, but all have the same source text.
const isWrapper = ({ target }: ConstraintMetadata): boolean => String(target) === (wrapperText ??= textOfWrapper());

let wrapperText: string | undefined;

function textOfWrapper(): string {
  class Probe {}
  registerDecorator({ target: Probe, propertyName: 'probe', options: {}, validator: { validate: () => true } });
  return String(rulesOf(Probe)[0]?.constraintCls);
}
