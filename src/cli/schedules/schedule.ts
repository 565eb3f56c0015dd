import { Command } from 'commander';
import type { HotQueue } from 'hotqueue';
import {
  answer,
  missing,
  redisCommand,
  wholeFrom,
  withExamples,
  withQueue,
  withTextQueue,
  type RedisFlags,
} from '../command.js';
import type { JsonText } from '../json-text.js';
import { jsonLine, print } from '../output.js';
import { setCommand } from './set.js';

/** `schedule set|ls|show|next|run|pause|resume|rm`: messages that are put again and again. */
export function scheduleCommand(): Command {
  const schedule = withExamples(
    new Command('schedule').description(
      'Put a message at the times of a cron expression, or at equal intervals. The workers of the queue do it, or "hotqueue scheduler".',
    ),
    [
      ['schedule set reports nightly \'{"kind":"daily"}\' --cron "0 3 * * *" --time-zone Europe/Berlin', 'every night'],
      ['schedule ls reports', 'all schedules of a queue'],
    ],
  );
  const commands = [setCommand(), listCommand(), showCommand(), nextCommand(), runCommand()];
  for (const command of [...commands, changeCommand('pause'), changeCommand('resume'), removeCommand()])
    schedule.addCommand(command);
  return schedule;
}

/** Runs `use` with a schedule that exists; otherwise says that there is none, and sets exit code 3. */
async function withSchedule(
  queue: string,
  name: string,
  flags: RedisFlags,
  use: (queue: HotQueue<JsonText>) => Promise<void>,
): Promise<void> {
  await withTextQueue(queue, flags, async (it) => {
    if (await it.schedules.get(name)) await use(it);
    else
      missing(`queue "${queue}" has no schedule ${JSON.stringify(name)}: "hotqueue schedule ls ${queue}" lists them`);
  });
}

function listCommand(): Command {
  return redisCommand(
    'ls',
    'List the schedules of a queue, the one that is due first at first. Exits with 3 if there is none.',
    [
      ['schedule ls reports', 'when each is due next'],
      ['schedule ls reports --json', 'a line of JSON each'],
    ],
  )
    .argument('<queue>')
    .action((queue: string, flags: RedisFlags) =>
      withTextQueue(queue, flags, async (it) => {
        const schedules = await it.schedules.list();
        if (schedules.length === 0) return missing(`${queue} has no schedule: "hotqueue schedule set" makes one`);
        const { scheduleAsJson, schedulesAsTable } = await import('./text.js');
        if (flags.json) return schedules.forEach((schedule) => print(scheduleAsJson(schedule)));
        print(await schedulesAsTable(schedules, Date.now()));
      }),
    );
}

function showCommand(): Command {
  return redisCommand(
    'show',
    'Show one schedule: its next three times, its message and its last runs. Exits with 3 if there is none with this name.',
    [['schedule show reports nightly', 'also how its last runs ended']],
  )
    .argument('<queue>')
    .argument('<name>')
    .action((queue: string, name: string, flags: RedisFlags) =>
      withSchedule(queue, name, flags, async (it) => {
        const schedule = (await it.schedules.get(name))!;
        const [next, history] = await Promise.all([it.schedules.next(name, 3), it.schedules.history(name)]);
        const { scheduleAsJson, scheduleAsText } = await import('./text.js');
        print(
          flags.json
            ? scheduleAsJson(schedule, { next, history })
            : scheduleAsText(schedule, next, history, Date.now()),
        );
      }),
    );
}

function nextCommand(): Command {
  return redisCommand(
    'next',
    'Print when a schedule is due next, in its time zone. Exits with 3 if there is none with this name.',
    [
      ['schedule next reports nightly', 'the next three times'],
      ['schedule next reports nightly -n 10', 'the next ten'],
    ],
  )
    .argument('<queue>')
    .argument('<name>')
    .option('-n, --number <number>', 'how many', wholeFrom(1, 1_000), 3)
    .action((queue: string, name: string, flags: RedisFlags & { number: number }) =>
      withSchedule(queue, name, flags, async (it) => {
        const [schedule, next] = [(await it.schedules.get(name))!, await it.schedules.next(name, flags.number)];
        const { timesAsText } = await import('./text.js');
        answer(flags, { queue, schedule: name, next }, () => timesAsText(schedule, next, Date.now()).join('\n'));
      }),
    );
}

function runCommand(): Command {
  return redisCommand(
    'run',
    'Put the message of a schedule now, and print its id. The next time of the schedule stays. Exits with 3 if there is none with this name.',
    [['schedule run reports nightly', 'also if it is paused']],
  )
    .argument('<queue>')
    .argument('<name>')
    .action((queue: string, name: string, flags: RedisFlags) =>
      withSchedule(queue, name, flags, async (it) => {
        const { id, putAt } = await it.schedules.run(name);
        print(flags.json ? jsonLine({ queue, schedule: name, id, putAt }) : id);
      }),
    );
}

const changes = {
  pause: { description: 'Pause a schedule: it puts nothing until "schedule resume".', past: 'paused' },
  resume: { description: 'End the pause of a schedule. It goes on at its next time from now.', past: 'resumed' },
} as const;

function changeCommand(verb: 'pause' | 'resume'): Command {
  const { description, past } = changes[verb];
  return redisCommand(verb, `${description} Exits with 3 if there is none with this name.`, [
    [`schedule ${verb} reports nightly`, '"schedule ls" shows the names'],
  ])
    .argument('<queue>')
    .argument('<name>')
    .action((queue: string, name: string, flags: RedisFlags) =>
      withSchedule(queue, name, flags, async (it) => {
        await it.schedules[verb](name);
        answer(flags, { queue, schedule: name, [past]: true }, () => `schedule ${name} of ${queue} ${past}`);
      }),
    );
}

function removeCommand(): Command {
  return redisCommand(
    'rm',
    'Delete a schedule and its history. Messages that it has put stay. Exits with 3 if there is none with this name.',
    [['schedule rm reports nightly', 'a worker whose code declares it sets it again when it starts']],
  )
    .argument('<queue>')
    .argument('<name>')
    .action((queue: string, name: string, flags: RedisFlags) =>
      withQueue(queue, flags, async (it) => {
        const isRemoved = await it.schedules.remove(name);
        if (!isRemoved) return missing(`queue "${queue}" has no schedule ${JSON.stringify(name)}`);
        answer(flags, { queue, schedule: name, removed: true }, () => `schedule ${name} of ${queue} removed`);
      }),
    );
}
