import { Option, type Command } from 'commander';
import type { Duration, Priority, ScheduleOptions } from 'hotqueue';
import {
  duration,
  priorityOption,
  redisCommand,
  usage,
  wholeFrom,
  withTextQueue,
  type RedisFlags,
} from '../command.js';
import { instant } from '../instant.js';
import type { JsonText } from '../json-text.js';
import { print } from '../output.js';

interface SetFlags extends RedisFlags {
  readonly cron?: string;
  readonly timeZone?: string;
  readonly every?: Duration;
  readonly missed?: 'once' | 'skip' | 'all';
  readonly overlap?: 'allow' | 'skip';
  readonly start?: Date;
  readonly end?: Date;
  readonly limit?: number;
  readonly jitter?: Duration;
  readonly attempts?: number;
  readonly backoff?: Duration;
  readonly ttl?: Duration;
  readonly priority?: Priority;
  /** False with `--no-track`. */
  readonly track: boolean;
}

/** `schedule set`: stores a schedule, or changes one. */
export function setCommand(): Command {
  return redisCommand(
    'set',
    'Store a schedule, or change the one with this name. If its times stay the same, so does the next one. Prints when it is due.',
    [
      [
        'schedule set reports nightly \'{"kind":"daily"}\' --cron "0 3 * * *" --time-zone Europe/Berlin',
        'every night at three',
      ],
      ['schedule set checks pulse null --every 30s --missed skip', 'every 30 seconds'],
      ['schedule set bills monthly null --cron "0 9 L * *" --overlap skip', 'on the last day of each month'],
    ],
  )
    .argument('<queue>')
    .argument('<name>', 'name of the schedule')
    .argument('<message>', 'the message that is put each time: JSON')
    .addOption(
      new Option('--cron <expression>', 'minute, hour, day of the month, month, day of the week').conflicts('every'),
    )
    .option('--time-zone <zone>', 'time zone of --cron, such as Europe/Berlin (default: UTC)')
    .option('--every <duration>', 'interval, such as 30s or 1d', duration)
    .addOption(
      new Option(
        '--missed <policy>',
        'what was due while no worker ran: one message for all of it, none, or all (default: once)',
      ).choices(['once', 'skip', 'all']),
    )
    .addOption(
      new Option('--overlap <policy>', 'skip: put nothing while the message before has not ended').choices([
        'allow',
        'skip',
      ]),
    )
    .option('--start <time>', 'not due before this time', instant)
    .option('--end <time>', 'not due after this time', instant)
    .option('--limit <number>', 'end after so many messages', wholeFrom(1))
    .option('--jitter <duration>', 'each message waits for a random part of this time', duration)
    .option('--attempts <number>', 'most attempts of each message, including the first one', wholeFrom(1))
    .option('--backoff <duration>', 'wait before the second attempt; it doubles for each later one', duration)
    .option('--ttl <duration>', 'bury a message that waits longer than this', duration)
    .addOption(priorityOption())
    .option('--no-track', 'keep no job records: the history does not show how runs ended')
    .action(setSchedule);
}

async function setSchedule(
  queue: string,
  name: string,
  message: string,
  flags: SetFlags,
  command: Command,
): Promise<void> {
  const payload = await payloadOf(message, command);
  if (flags.cron === undefined && flags.every === undefined)
    usage(command, 'it does not say when: give --cron "0 3 * * *" or --every 30s');
  await withTextQueue(queue, flags, async (it) => {
    const schedule = await it.schedules.set(name, optionsOf(payload, flags));
    const { scheduleAsJson, timesAsText } = await import('./text.js');
    const next = await it.schedules.next(name, 3);
    if (flags.json) return print(scheduleAsJson(schedule, { next }));
    print([`schedule ${name} of ${queue} is due:`, ...timesAsText(schedule, next, Date.now())].join('\n'));
  });
}

async function payloadOf(message: string, command: Command): Promise<JsonText> {
  const { jsonText } = await import('../json-text.js');
  try {
    return jsonText(message);
  } catch (error) {
    return usage(
      command,
      `the message is not JSON (${error instanceof Error ? error.message : String(error)}). Write two kinds of quotes: '"hello"' for a string, '{"kind":"daily"}' for an object, or null`,
    );
  }
}

function optionsOf(payload: JsonText, flags: SetFlags): ScheduleOptions<JsonText> {
  const { cron, timeZone, every, missed, overlap, start, end, limit, jitter } = flags;
  const { attempts, backoff, ttl, priority, track } = flags;
  const when = { cron, timeZone, every, missed, overlap, start, end, limit, jitter };
  const given = { ...when, attempts, backoff, ttl, priority, ...(!track && { track }) };
  return { ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)), payload };
}
