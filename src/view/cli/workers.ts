import { Command } from 'commander';
import type { HotQueue, WorkerView } from 'hotqueue';
import { answer, missing, redisCommand, usage, withExamples, withQueue, type RedisFlags } from './command.js';
import { Lookout } from './look.js';
import { count, jsonLine, print, table } from './output.js';
import { workerHeading, workerRows } from './worker-rows.js';

/** `workers ls|quiet|work|stop`: who takes, and what it is asked. */
export function workersCommand(): Command {
  const workers = withExamples(new Command('workers').description('Who takes messages; what each works on; asking them to pause or to end.'), [
    ['workers ls', 'of all queues'],
    ['workers quiet emails --all', 'what runs goes on, nothing new is taken'],
  ]);
  for (const command of [listCommand(), orderCommand('quiet'), orderCommand('work'), orderCommand('stop')]) workers.addCommand(command);
  return workers;
}

function listCommand(): Command {
  return redisCommand('ls', 'Workers as they described themselves with their last beat. Ends with 3 when there is none.', [
    ['workers ls', 'of all queues'],
    ['workers ls emails --json', 'of one, a line of JSON each'],
  ])
    .argument('[queue...]', 'all that something was ever put on, when absent')
    .action(async (names: string[], flags: RedisFlags) => {
      const lookout = new Lookout(flags, names);
      try {
        const workers = (await lookout.look()).flatMap((queue) => queue.workers);
        if (workers.length === 0) return missing(names.length === 0 ? 'nobody works on any queue' : `nobody works on ${names.join(', ')}`);
        if (flags.json) return workers.forEach((worker) => print(jsonLine(worker)));
        print(table(workerHeading, workerRows(workers, Date.now())));
      } finally {
        await lookout.close();
      }
    });
}

const orders = {
  quiet: { description: 'Ask workers to take nothing new, until "workers work"; what runs goes on.', to: 'take nothing new' },
  work: { description: 'Ask quiet workers to take again.', to: 'take again' },
  stop: { description: 'Ask workers to stop as on SIGTERM: what has not started goes back, their processes end.', to: 'stop' },
} as const;
type Order = keyof typeof orders;

function orderCommand(order: Order): Command {
  return redisCommand(order, `${orders[order].description} They hear of it with their next beat. Ends with 3 when one is not there.`, [
    [`workers ${order} emails 0199f2…`, 'by the id that "workers ls" shows'],
    [`workers ${order} emails --all`, 'all of this queue'],
  ])
    .argument('<queue>')
    .argument('[id...]')
    .option('--all', 'all that were started by run, start or "hotqueue worker"')
    .action(async (queue: string, ids: string[], flags: RedisFlags & { all?: boolean }, command: Command) => {
      if (ids.length > 0 === (flags.all === true)) usage(command, `${ids.length === 0 ? 'which workers?' : 'these say it twice:'} give ids, or --all`);
      await withQueue(queue, flags, (it) => ask(it, order, ids, flags));
    });
}

async function ask(queue: HotQueue, order: Order, ids: readonly string[], flags: RedisFlags): Promise<void> {
  const workers = await queue.workers.list();
  const absent = ids.filter((id) => !workers.some((worker) => worker.id === id));
  const chosen = workers.filter(({ id, kind }) => (ids.length === 0 ? kind === 'handler' : ids.includes(id)));
  for (const { id } of chosen) await queue.workers[order](id);
  answer(flags, { queue: queue.name, order, asked: chosen.map(({ id }) => id), missing: absent }, () => `${count(chosen.length, 'worker')} of ${queue.name} asked to ${orders[order].to}`);
  if (absent.length > 0) missing(`${queue.name} has no worker ${absent.map((id) => JSON.stringify(id)).join(', ')}`);
  else if (chosen.length === 0) missing(none(queue.name, workers));
}

const none = (queue: string, workers: readonly WorkerView[]): string =>
  workers.length === 0 ? `nobody works on ${queue}` : `${queue} has only loops over consume(), which their own programs end`;
