import { baseOf } from '../jobs/job-ref.js';
import { mostCharacters, mostTogether } from './flow-puts.js';
import type { Step } from './plan.js';

/** Steps that are put at once: those that travel together in one call, or others, each by calls of its own. */
export interface Stage {
  readonly isTogether: boolean;
  readonly steps: Step[];
}

/** About so many characters has the name of a job, see `refText`. */
const nameLength = 60;

/** In what order the steps of a flow are put: parents before children, and in few calls. @param children which wait for each, as it will know */
export function stagesOf(steps: readonly Step[], children: ReadonlyMap<Step, readonly Step[]>): Stage[] {
  const levels: Step[][] = [];
  for (const step of steps) (levels[step.level] ??= []).push(step);
  const stages: Stage[] = [];
  let room = 0; // characters that the last stage may still get
  for (const level of levels) {
    for (const step of byQueue(level.filter(({ prepared }) => prepared))) {
      const last = stages.at(-1);
      const names = step.after.length + (children.get(step)?.length ?? 0);
      const length = step.prepared!.message.length + names * nameLength;
      const hasRoom = last?.isTogether && last.steps.length < mostTogether && length <= room;
      if (hasRoom && isSameQueue(last.steps[0]!, step)) {
        last.steps.push(step);
      } else {
        stages.push({ isTogether: true, steps: [step] });
        room = mostCharacters;
      }
      room -= length;
    }
    const alone = level.filter(({ prepared }) => !prepared);
    if (alone.length > 0) stages.push({ isTogether: false, steps: alone });
  }
  return stages;
}

/** Whether two steps are on the same queue. */
export const isSameQueue = (one: Step, other: Step): boolean => baseOf(one.task.source) === baseOf(other.task.source);

/** The same steps, with those of one queue beside each other. */
function byQueue(steps: readonly Step[]): readonly Step[] {
  if (steps.length === 1) return steps;
  const queues = new Map<string, Step[]>();
  for (const step of steps) {
    const base = baseOf(step.task.source);
    const known = queues.get(base);
    if (known) known.push(step);
    else queues.set(base, [step]);
  }
  return [...queues.values()].flat();
}
