import type { HotQueue } from 'hotqueue';
import { withQueue, type RedisFlags } from '../command.js';
import { count } from '../output.js';
import type { Action } from './state.js';

/** Runs the action of a key. @returns a sentence about the result */
export function perform({ verb, queue }: Action, flags: RedisFlags): Promise<string> {
  return withQueue(queue, flags, (it) => done(verb, it));
}

async function done(verb: Action['verb'], queue: HotQueue): Promise<string> {
  switch (verb) {
    case 'pause':
      await queue.pause();
      return `${queue.name} is paused: no worker takes messages, active messages finish`;
    case 'resume':
      await queue.resume();
      return `${queue.name} is resumed`;
    case 'revive':
      return `${count(await queue.dead.reviveAll(), 'dead letter')} of ${queue.name} revived`;
    case 'drop':
      return `${count(await queue.dead.dropAll(), 'dead letter')} of ${queue.name} dropped`;
    case 'promote':
      return `${count(await promoteAll(queue), 'delayed message')} of ${queue.name} promoted`;
  }
}

/** Words for an action while it is running. */
export const doing: Record<Action['verb'], string> = {
  pause: 'pausing',
  resume: 'resuming',
  revive: 'reviving',
  drop: 'dropping',
  promote: 'promoting',
};

const pageSize = 500;

/** Promotes as many messages as are delayed now. Messages that fail meanwhile and wait for a retry stay delayed. */
async function promoteAll(queue: HotQueue): Promise<number> {
  let promoted = 0;
  for (let left = await queue.delayed.size(); left > 0;) {
    const page = await queue.delayed.list({ limit: Math.min(left, pageSize) });
    if (page.length === 0) break;
    const were = await Promise.all(page.map(({ id }) => queue.delayed.promote(id)));
    promoted += were.filter(Boolean).length;
    left -= page.length;
  }
  return promoted;
}
