import type { HotQueue } from 'hotqueue';
import { withQueue, type RedisFlags } from '../command.js';
import { count } from '../output.js';
import type { Act } from './state.js';

/** Does what a key asked for. @returns what was done */
export function perform({ verb, queue }: Act, flags: RedisFlags): Promise<string> {
  return withQueue(queue, flags, (it) => done(verb, it));
}

async function done(verb: Act['verb'], queue: HotQueue): Promise<string> {
  switch (verb) {
    case 'pause':
      await queue.pause();
      return `${queue.name} is paused: nobody takes from it, what runs goes on`;
    case 'resume':
      await queue.resume();
      return `${queue.name} goes on`;
    case 'revive':
      return `${count(await queue.dead.reviveAll(), 'dead letter')} of ${queue.name} revived`;
    case 'drop':
      return `${count(await queue.dead.dropAll(), 'dead letter')} of ${queue.name} dropped`;
    case 'promote':
      return `${count(await promoteAll(queue), 'delayed message')} of ${queue.name} made ready`;
  }
}

/** What is being done, for as long as it takes. */
export const doing: Record<Act['verb'], string> = { pause: 'pausing', resume: 'resuming', revive: 'reviving', drop: 'dropping', promote: 'promoting' };

const pageSize = 500;

/** As many as there are now: what fails meanwhile, and waits for another attempt, goes on waiting. */
async function promoteAll(queue: HotQueue): Promise<number> {
  let promoted = 0;
  for (let left = await queue.delayed.size(); left > 0; ) {
    const page = await queue.delayed.list({ limit: Math.min(left, pageSize) });
    if (page.length === 0) break;
    const were = await Promise.all(page.map(({ id }) => queue.delayed.promote(id)));
    promoted += were.filter(Boolean).length;
    left -= page.length;
  }
  return promoted;
}
