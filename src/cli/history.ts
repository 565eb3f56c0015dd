import { Option, type Command } from 'commander';
import type { HistoryEntry, HistoryPlace, HistoryVerb, HotQueue } from 'hotqueue';
import { historyVerbs } from '../history/entry.js';
import { missing, redisCommand, wholeFrom, withQueue, type RedisFlags } from './command.js';
import { instant } from './instant.js';
import { ahead, jsonLine, paint, print, printable } from './output.js';
import { printed, untilInterrupted } from './printed.js';

interface HistoryFlags extends RedisFlags {
  readonly id?: string;
  readonly since?: HistoryPlace;
  readonly until?: HistoryPlace;
  readonly verb?: readonly HistoryVerb[];
  readonly number: number;
  readonly follow?: boolean;
}

/** `history`: what happened to the messages of a queue. */
export function historyCommand(): Command {
  return redisCommand(
    'history',
    'Show what happened to the messages of a queue, which must have the option history. Exits with 3 if there is no such entry.',
    [
      ['history orders --id 0199f2…', 'everything that happened to one message'],
      ['history orders --verb bury --since 1h', 'what was buried within the last hour'],
      ['history orders --follow --json', 'each entry as it is written, as a line of JSON'],
    ],
  )
    .argument('<queue>')
    .option('--id <id>', 'only entries of this message')
    .option(
      '--since <when>',
      'only entries from this time on: a duration such as 15m, an instant, or the key of an entry',
      place,
    )
    .option('--until <when>', 'only entries up to this time', place)
    .addOption(new Option('--verb <verb...>', 'only entries with one of these verbs').choices([...historyVerbs]))
    .option('-n, --number <number>', 'most entries: the newest ones', wholeFrom(1, 100_000), 100)
    .option('-f, --follow', 'also print later entries, until Ctrl-C')
    .action((queue: string, flags: HistoryFlags) =>
      withQueue(queue, flags, async (it) => {
        if (flags.follow) return follow(it, flags);
        const entries = await it.history.read(filtersOf(flags));
        if (entries.length === 0) return missing(`${queue} has no such entry in its history${await hint(it, flags)}`);
        for (const entry of entries) print(lineOf(entry, flags));
      }),
    );
}

/** Prints the entries so far that match, and then each that comes. */
async function follow(queue: HotQueue, flags: HistoryFlags): Promise<void> {
  const { id, verb } = flags;
  await untilInterrupted(async (signal) => {
    const hasPast = flags.since !== undefined || id !== undefined;
    const past = hasPast ? await queue.history.read(filtersOf(flags)) : [];
    const last = past.at(-1);
    for (const entry of past) if (!(await printed(lineOf(entry, flags)))) return;
    const since = last?.key ?? flags.since;
    for await (const entry of queue.history.follow({ signal, ...(since !== undefined && { since }) })) {
      if ((id !== undefined && entry.id !== id) || (verb && !verb.includes(entry.verb))) continue;
      if (!(await printed(lineOf(entry, flags)))) return;
    }
  });
}

function filtersOf({ id, since, until, verb, number }: HistoryFlags) {
  return {
    limit: number,
    ...(id !== undefined && { id }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    ...(verb && { verb }),
  };
}

/** A queue without any entry most probably has no history. */
async function hint(queue: HotQueue, { id, since, until, verb }: HistoryFlags): Promise<string> {
  const isFiltered = id !== undefined || since !== undefined || until !== undefined || verb !== undefined;
  if (isFiltered && (await queue.history.read({ limit: 1 })).length > 0) return '';
  return `. It has no entry at all: a program turns the history on with new HotQueue('${queue.name}', { history: { max: 100_000 } })`;
}

const colours: Partial<Record<HistoryVerb, 'red' | 'yellow' | 'green'>> = {
  ack: 'green',
  retry: 'yellow',
  recover: 'yellow',
  bury: 'red',
};

/** `2026-11-27T12:00:00.000Z  retry  0199f2…  attempt 1  TypeError  next attempt in 2000 ms  worker 0199…` */
function lineOf(entry: HistoryEntry, { json }: RedisFlags): string {
  if (json) return jsonLine(entry);
  const { at, verb, id, worker, attempt, error, reason, dueAt, delayMs, crashes, schedule, payload } = entry;
  const colour = colours[verb];
  const padded = printable(verb).padEnd(9);
  const words = [
    paint('dim', new Date(at).toISOString()),
    colour ? paint(colour, padded) : padded,
    printable(id) || '-',
    attempt !== undefined && `attempt ${attempt}`,
    crashes !== undefined && `crashes ${crashes}`,
    error !== undefined && printable(error),
    reason !== undefined && printable(reason),
    delayMs !== undefined && (delayMs === 0 ? 'next attempt now' : `next attempt in ${delayMs} ms`),
    dueAt !== undefined && `due ${new Date(dueAt).toISOString()}, ${ahead(dueAt, at)}`,
    schedule !== undefined && `schedule ${printable(schedule)}`,
    worker !== undefined && paint('dim', `worker ${printable(worker)}`),
    payload !== undefined && printable(payload),
  ];
  return words.filter((word) => word !== false).join('  ');
}

function place(text: string): HistoryPlace {
  if (/^\d+-\d+$/.test(text) || /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text)) return text as HistoryPlace;
  return instant(text);
}
