import { Command } from 'commander';
import type { HotQueue, WorkerInfo } from 'hotqueue';
import { answer, missing, redisCommand, usage, withExamples, withQueue, type RedisFlags } from './command.js';
import { Lookout } from './look.js';
import { count, jsonLine, print, table } from './output.js';
import { workerHeading, workerRows } from './worker-rows.js';

/** `workers ls|quiet|work|stop`: lists workers and sends them commands. */
export function workersCommand(): Command {
  const workers = withExamples(
    new Command('workers').description('List workers, and ask them to pause, to resume or to stop.'),
    [
      ['workers ls', 'workers of all queues'],
      ['workers quiet emails --all', 'finish active messages, take no new ones'],
    ],
  );
  for (const command of [listCommand(), orderCommand('quiet'), orderCommand('resume'), orderCommand('stop')])
    workers.addCommand(command);
  return workers;
}

function listCommand(): Command {
  return redisCommand(
    'ls',
    'List the registered workers, with the data of their last heartbeat. Exits with 3 if there is none.',
    [
      ['workers ls', 'workers of all queues'],
      ['workers ls emails --json', 'workers of one queue, a line of JSON each'],
    ],
  )
    .argument('[queue...]', 'names of queues (default: all queues)')
    .action(async (names: string[], flags: RedisFlags) => {
      const lookout = new Lookout(flags, names);
      try {
        const workers = (await lookout.look()).flatMap((queue) => queue.workers);
        if (workers.length === 0)
          return missing(names.length === 0 ? 'no queue has a worker' : `no worker on ${names.join(', ')}`);
        if (flags.json) return workers.forEach((worker) => print(jsonLine(worker)));
        print(table(workerHeading, workerRows(workers, Date.now())));
      } finally {
        await lookout.close();
      }
    });
}

const orders = {
  quiet: {
    description: 'Ask workers to take no new messages until "workers resume". Active messages finish.',
    to: 'take no new messages',
  },
  resume: { description: 'Ask quiet workers to take messages again.', to: 'take messages again' },
  stop: {
    description:
      'Ask workers to stop as on SIGTERM: messages that have not started go back to the queue, and the processes exit.',
    to: 'stop',
  },
} as const;
type Order = keyof typeof orders;

function orderCommand(order: Order): Command {
  return redisCommand(
    order,
    `${orders[order].description} They read the command with their next heartbeat. Exits with 3 if one of them is not registered.`,
    [
      [`workers ${order} emails 0199f2…`, 'one worker; "workers ls" shows the ids'],
      [`workers ${order} emails --all`, 'all workers of this queue'],
    ],
  )
    .argument('<queue>')
    .argument('[id...]')
    .option('--all', 'all workers that run, start or "hotqueue worker" started')
    .action(async (queue: string, ids: string[], flags: RedisFlags & { all?: boolean }, command: Command) => {
      if (ids.length > 0 === (flags.all === true))
        usage(command, `${ids.length === 0 ? 'no worker given:' : 'ids and --all given:'} give either ids or --all`);
      await withQueue(queue, flags, (it) => ask(it, order, ids, flags));
    });
}

async function ask(queue: HotQueue, order: Order, ids: readonly string[], flags: RedisFlags): Promise<void> {
  const workers = await queue.workers.list();
  const absent = ids.filter((id) => !workers.some((worker) => worker.id === id));
  const chosen = workers.filter(({ id, kind }) => (ids.length === 0 ? kind === 'handler' : ids.includes(id)));
  for (const { id } of chosen) await queue.workers[order](id);
  answer(
    flags,
    { queue: queue.name, order, asked: chosen.map(({ id }) => id), missing: absent },
    () => `${count(chosen.length, 'worker')} of ${queue.name} asked to ${orders[order].to}`,
  );
  if (absent.length > 0) missing(`${queue.name} has no worker ${absent.map((id) => JSON.stringify(id)).join(', ')}`);
  else if (chosen.length === 0) missing(none(queue.name, workers));
}

const none = (queue: string, workers: readonly WorkerInfo[]): string =>
  workers.length === 0 ? `no worker on ${queue}` : `${queue} has only consume() loops: stop them in their own programs`;
