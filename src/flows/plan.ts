// What a chain or group will put: its jobs, and which waits for which. Nothing is put here.
import { InvalidOptionError } from '../core/errors.js';
import type { PreparedStep } from '../jobs/flow-start.js';
import type { Job } from '../jobs/job.js';
import { endsIn, inputOf, type Ends } from './ends.js';
import type { Task } from './task.js';

/** A job of a flow that is being put. */
export class Step {
  /** How many jobs lie one behind the other before it. */
  readonly level: number;
  /** As soon as it is put, or prepared. */
  job: Job | undefined = undefined;
  /** The name of its job, once something has asked for it. */
  name: string | undefined = undefined;
  /** Its message, if it is put together with others. */
  prepared: PreparedStep | undefined = undefined;

  constructor(
    readonly task: Task,
    readonly after: readonly Step[],
    /** How the results of `after` become its payload if it has none of its own, see `parent-ended.lua`. */
    readonly input: string,
    readonly onFailure: 'cancel' | 'run' | undefined,
  ) {
    this.level = after.reduce((deepest, { level }) => Math.max(deepest, level + 1), 0);
  }
}

/** What a step waits for. */
export interface Before {
  readonly ends: Ends<Step>;
  /** What the step does if one of them fails. */
  readonly onFailure?: 'cancel' | 'run' | undefined;
}

/** Adds the jobs of a part of a flow to `steps`, behind those of `before`. @returns what ends the part */
export type Plan = (before: Before | undefined, steps: Step[]) => Before;

/** So many pairs of jobs a flow may have of which one waits for the other. */
const mostPairs = 200_000;

/** @param where for errors, such as `group(): task 1` */
export const planTask =
  (task: Task, where: string): Plan =>
  (before, steps) => {
    if (!before && !task.hasPayload)
      throw new InvalidOptionError('payload', `${where} has no payload, and no step before it gives it one`);
    const after = before ? endsIn(before.ends) : [];
    const step = new Step(task, after, before ? inputOf(before.ends) : 'own', before?.onFailure);
    steps.push(step);
    return { ends: step };
  };

/** Parts of which each waits for the one before. */
export const planInTurn =
  (parts: readonly Plan[]): Plan =>
  (before, steps) =>
    parts.reduce<Before | undefined>((last, plan) => plan(last, steps), before)!;

/** Parts beside each other. */
export const planBeside =
  (parts: readonly Plan[], onFailure: Before['onFailure']): Plan =>
  (before, steps) => {
    const pairs = before ? endsIn(before.ends).length * parts.length : 0;
    if (pairs > mostPairs)
      throw new InvalidOptionError(
        'tasks',
        `group(): ${parts.length} tasks that each wait for ${pairs / parts.length} jobs: put one task between the two groups`,
      );
    const ends = parts.map((plan) => {
      const planned = plan(before, steps);
      refuseUnusedPolicy(planned);
      return planned.ends;
    });
    return { ends, onFailure };
  };

/** @throws InvalidOptionError if a group says what the step behind it does, and there is none */
export function refuseUnusedPolicy({ onFailure }: Before): void {
  if (onFailure === undefined) return;
  throw new InvalidOptionError(
    'onFailure',
    'group(): option onFailure has no effect without then, or a next step in chain(): set then too',
  );
}
