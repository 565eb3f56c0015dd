import type { ValidatorConstraintInterface } from 'class-validator';
import { classValidator } from '../class-libraries.js';
import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { isBuiltIn, isWrapper, type BuiltInName } from './built-in.js';
import { Unsupported } from './unsupported.js';

/** One constraint of one rule of class-validator. It is called in the same way as class-validator does. */
export interface RuleStep {
  readonly rule: ValidationMetadata;
  /** Its `instance` validates. Read for each value, because a getter may return another instance each time. */
  readonly by: { readonly instance: ValidatorConstraintInterface };
  /** Its name, if it is certainly a rule of class-validator. */
  readonly builtIn: BuiltInName | undefined;
}

/** The constraints of a value in class-validator's order: `@IsDefined` first. */
export function ruleSteps(where: string, rules: readonly ValidationMetadata[]): RuleStep[] {
  for (const { type } of rules)
    if (!known.includes(type)) throw new Unsupported(`${where} has a rule of the type ${type}`);
  const ordered = [
    ...rules.filter(({ type }) => type === 'isDefined'),
    ...rules.filter(({ type }) => type === 'customValidation'),
  ];
  return ordered.flatMap((rule) => stepsOf(where, rule));
}

const known = ['isDefined', 'customValidation', 'conditionalValidation', 'nestedValidation', 'whitelistValidation'];

function stepsOf(where: string, rule: ValidationMetadata): RuleStep[] {
  const constraints = classValidator().getMetadataStorage().getTargetValidatorConstraints(rule.constraintCls);
  if (rule.validateIf && constraints.length > 1)
    throw new Unsupported(`${where} has a rule with validateIf and two constraints`);
  return constraints.map((constraint) => {
    if (constraint.async) throw new Unsupported(`${where} has an asynchronous rule`);
    // A wrapper has no state, so its instance can be kept. The instance of a user's constraint class comes from a container
    // (useContainer), which may return another instance each time, so it is looked up for each value, as class-validator
    // does. That lookup gets slower with the number of rules in the process.
    if (!isWrapper(constraint)) return { rule, by: constraint, builtIn: undefined };
    const { name, instance } = constraint;
    return { rule, by: { instance }, builtIn: isBuiltIn(name, instance) ? name : undefined };
  });
}
