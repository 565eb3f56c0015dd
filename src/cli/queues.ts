import { type Command } from 'commander';
import type { QueueContents } from '../inspect/remove.js';
import { addressOf, answer, missing, redisCommand, usage, type RedisFlags } from './command.js';
import { count } from './output.js';

/** `queues`: prints the names of all queues. `queues rm`: removes one. */
export function queuesCommand(): Command {
  return redisCommand(
    'queues',
    'Print the names of all queues that this library has put messages on or taken messages from. Exits with 3 if there is none.',
    [
      ['queues', 'one name per line'],
      ['info $(hotqueue queues | grep mail)', 'use some of the names in another command'],
      ['queues rm emails', 'remove a queue that is no longer used'],
    ],
  )
    .action(async (flags: RedisFlags) => {
      const { queueNames } = await import('../inspect/queues.js');
      const queues = await queueNames(addressOf(flags));
      if (queues.length > 0 || flags.json) answer(flags, { queues }, () => queues.join('\n'));
      if (queues.length === 0) missing('no queue yet');
    })
    .addCommand(removeCommand());
}

type RemoveFlags = RedisFlags & { readonly force?: boolean; readonly yes?: boolean };

function removeCommand(): Command {
  return redisCommand(
    'rm',
    'Remove a queue: its name, its messages, its dead letters, its counts and the ids that it knows. Refuses while it has workers or messages. Exits with 3 if there is no such queue.',
    [
      ['queues rm emails', 'only if it has no workers and no messages'],
      ['queues rm emails --force', 'also its messages; asks first'],
    ],
  )
    .argument('<queue>')
    .option('-f, --force', 'remove it with its messages and dead letters, also while workers are registered')
    .option('-y, --yes', 'with --force: do not ask')
    .action(async (queue: string, given: RemoveFlags, self: Command) => {
      const flags: RemoveFlags = { ...self.parent?.opts(), ...given };
      const { contentsOf, remove } = await import('../inspect/remove.js');
      const contents = await contentsOf(queue, addressOf(flags));
      if (!contents) return missing(`there is no queue ${queue}`);
      if (isInUse(contents) && flags.force && !flags.yes) await confirm(queue, contents, self);
      if (!(await remove(queue, addressOf(flags), flags.force === true))) await refuseInUse(queue, contents);
      answer(flags, { queue, removed: contents }, () => `${queue} is removed, with ${listed(contents)}`);
    });
}

async function refuseInUse(queue: string, contents: QueueContents): Promise<never> {
  const { QueueInUseError } = await import('./errors.js');
  throw new QueueInUseError(queue, listed(contents));
}

const isInUse = ({ ids: _ids, ...contents }: QueueContents): boolean => Object.values(contents).some((n) => n > 0);

async function confirm(queue: string, contents: QueueContents, command: Command): Promise<void> {
  const question = `remove ${queue} with ${listed(contents)} permanently?`;
  const { confirmed } = await import('./dead/confirm.js');
  const answered = await confirmed(question);
  if (answered === undefined) usage(command, `${question} There is no terminal to ask on: add --yes`);
  if (!answered) usage(command, 'nothing was removed');
}

/** `2 workers, 1 dead letter`, or `no messages`. */
function listed({ workers, waiting, delayed, active, dead, ids }: QueueContents): string {
  const parts: [number, string][] = [
    [workers, 'worker'],
    [waiting, 'waiting message'],
    [delayed, 'delayed message'],
    [active, 'active message'],
    [dead, 'dead letter'],
    [ids, 'known id'],
  ];
  const there = parts.filter(([n]) => n > 0).map(([n, what]) => count(n, what));
  return there.length === 0 ? 'no messages' : there.join(', ');
}
