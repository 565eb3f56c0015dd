import { Command } from 'commander';
import type { HotQueue, WorkerInfo } from 'hotqueue';
import {
  addressOf,
  answer,
  missing,
  redisCommand,
  usage,
  withExamples,
  withQueue,
  type RedisFlags,
} from './command.js';
import { count, jsonLine, print } from './output.js';

/** `workers ls|quiet|resume|stop`: lists workers and sends them commands. */
export function workersCommand(): Command {
  const workers = withExamples(
    new Command('workers').description('List workers, and ask them to pause, to resume or to stop.'),
    [
      ['workers ls', 'workers of all queues'],
      ['workers quiet emails --all', 'finish active messages, take no new ones'],
    ],
  );
  for (const command of [listCommand(), controlCommand('quiet'), controlCommand('resume'), controlCommand('stop')])
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
      const { openQueue } = await import('./open-queue.js');
      const { Snapshots } = await import('../inspect/snapshot.js');
      const snapshots = new Snapshots(addressOf(flags), names, (name) => openQueue(name, flags));
      try {
        const workers = (await snapshots.take()).flatMap((queue) => queue.workers);
        if (workers.length === 0)
          return missing(names.length === 0 ? 'no queue has a worker' : `no worker on ${names.join(', ')}`);
        if (flags.json) return workers.forEach((worker) => print(jsonLine(worker)));
        const { workersAsTable } = await import('./worker-rows.js');
        print(workersAsTable(workers, Date.now()));
      } finally {
        await snapshots.close();
      }
    });
}

const commands = {
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
type WorkerCommand = keyof typeof commands;

function controlCommand(name: WorkerCommand): Command {
  return redisCommand(
    name,
    `${commands[name].description} They read the command with their next heartbeat. Exits with 3 if one of them is not registered.`,
    [
      [`workers ${name} emails 0199f2…`, 'one worker; "workers ls" shows the ids'],
      [`workers ${name} emails --all`, 'all workers of this queue'],
    ],
  )
    .argument('<queue>')
    .argument('[id...]')
    .option('--all', 'all workers that run, start or "hotqueue worker" started')
    .action(async (queue: string, ids: string[], flags: RedisFlags & { all?: boolean }, command: Command) => {
      if (ids.length > 0 === (flags.all === true))
        usage(command, `${ids.length === 0 ? 'no worker given:' : 'ids and --all given:'} give either ids or --all`);
      await withQueue(queue, flags, (it) => send(it, name, ids, flags));
    });
}

async function send(queue: HotQueue, command: WorkerCommand, ids: readonly string[], flags: RedisFlags): Promise<void> {
  const workers = await queue.workers.list();
  const absent = ids.filter((id) => !workers.some((worker) => worker.id === id));
  const selected = workers.filter(({ id, kind }) => (ids.length === 0 ? kind === 'handler' : ids.includes(id)));
  for (const { id } of selected) await queue.workers[command](id);
  answer(
    flags,
    { queue: queue.name, command, asked: selected.map(({ id }) => id), missing: absent },
    () => `${count(selected.length, 'worker')} of ${queue.name} asked to ${commands[command].to}`,
  );
  if (absent.length > 0) missing(`${queue.name} has no worker ${absent.map((id) => JSON.stringify(id)).join(', ')}`);
  else if (selected.length === 0) missing(whyNone(queue.name, workers));
}

const whyNone = (queue: string, workers: readonly WorkerInfo[]): string =>
  workers.length === 0 ? `no worker on ${queue}` : `${queue} has only consume() loops: stop them in their own programs`;
