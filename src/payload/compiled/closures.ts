import { isPlainObject, type Converter } from './converters.js';
import type { Plan, PropertyPlan } from './plan.js';
import { argumentsOf, isExactly, type OnDoubt, type Steps } from './steps.js';
import type { RuleStep } from './rules.js';

type Bag = Record<string, unknown>;

/** The steps without generated code, for environments that forbid it. Tests check that both forms behave the same. */
export function closures(root: Plan, onDoubt: OnDoubt): Steps {
  const made = new Map<Plan, Steps>();
  const stepsOf = (plan: Plan): Steps => {
    const known = made.get(plan);
    if (known) return known;
    const steps = {} as Steps;
    // Registered before its properties are visited: they may refer to this class.
    made.set(plan, steps);
    return Object.assign(steps, classSteps(plan, stepsOf, onDoubt));
  };
  return stepsOf(root);
}

function classSteps(plan: Plan, stepsOf: (plan: Plan) => Steps, onDoubt: OnDoubt): Steps {
  const { cls } = plan;
  const properties = plan.properties.map((property) => propertySteps(cls.name, property, stepsOf, onDoubt));
  const byName = new Map(properties.map((steps) => [steps.name, steps]));
  return {
    fits: (plain) =>
      isPlainObject(plain) && Object.keys(plain).every((key) => byName.get(key)?.fits(plain[key], plain) === true),
    make(plain) {
      const instance = new cls() as Bag;
      for (const key of Object.keys(plain)) {
        // class-transformer does not overwrite methods, also those in fields.
        if (typeof instance[key] === 'function') return undefined;
        const value = byName.get(key)!.make((plain as Bag)[key]);
        if (value === undefined) return undefined;
        instance[key] = value;
      }
      return instance;
    },
    holds: (instance) =>
      isExactly(instance, plan) && properties.every(({ name, holds }) => holds((instance as Bag)[name], instance)),
  };
}

interface PropertySteps {
  readonly name: string;
  readonly fits: (value: unknown, owner: object) => boolean;
  readonly make: (value: unknown) => unknown;
  readonly holds: (value: unknown, owner: object) => boolean;
}

function propertySteps(
  targetName: string,
  property: PropertyPlan,
  stepsOf: (plan: Plan) => Steps,
  onDoubt: OnDoubt,
): PropertySteps {
  const { name, conditions, rules, content, isStillSo } = property;
  const { fits, make, holds } =
    'leaf' in content ? { ...content.leaf, holds: () => true } : nested(stepsOf(content.plan), content.isArray);
  return {
    name,
    fits: isStillSo ? (value, owner) => isStillSo(owner) && fits(value) : fits,
    make,
    holds(value, owner) {
      // All conditions are called, as in class-validator, even if the first one is false.
      const answers = conditions.map(({ constraints }) => (constraints as Condition[])[0]!(owner, value));
      if (!answers.every(Boolean)) return true;
      return rules.every((step) => keeps(step, targetName, value, owner, onDoubt)) && holds(value);
    },
  };
}

type Condition = (owner: object, value: unknown) => unknown;

function nested(steps: Steps, isArray: boolean): Converter & Pick<Steps, 'holds'> {
  if (!isArray) {
    return {
      fits: (value) => value === null || steps.fits(value),
      make: (value) => (value === null ? null : steps.make(value as object)),
      holds: (value) => value === undefined || steps.holds(value),
    };
  }
  return {
    fits: (value) => value === null || (Array.isArray(value) && everyItem(value, steps.fits)),
    make: (value) => (value === null ? null : makeAll(value as object[], steps)),
    holds: (value) => value === undefined || (Array.isArray(value) && everyItem(value, steps.holds)),
  };
}

// Unlike `every`, it visits holes.
function everyItem(items: readonly unknown[], holds: (item: unknown) => boolean): boolean {
  for (let i = 0; i < items.length; i++) if (!holds(items[i])) return false;
  return true;
}

function makeAll(items: readonly object[], steps: Steps): object[] | undefined {
  const made: object[] = [];
  for (const item of items) {
    const instance = steps.make(item);
    if (instance === undefined) return undefined;
    made.push(instance);
  }
  return made;
}

function keeps(step: RuleStep, targetName: string, value: unknown, owner: object, onDoubt: OnDoubt): boolean {
  const asked = argumentsOf(targetName, step, owner, value);
  const ask = (item: unknown): boolean => {
    const answer = step.by.instance.validate(item, asked);
    return answer === true || onDoubt(answer);
  };
  if (!step.rule.each) return ask(value);
  if (Array.isArray(value)) return everyItem(value, ask);
  // A default value may be a Set or a Map: class-validator would check each item of it.
  return (typeof value !== 'object' || value === null) && ask(value);
}
