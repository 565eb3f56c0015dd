/**
 * Breaks the library on purpose, one rule at a time, in a copy: each break must turn the short suite red.
 *
 *     npm run chaos:mutants              all of them
 *     npm run chaos:mutants -- ack-first some of them
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { type Change, stage } from './stage.js';

interface Mutant extends Change {
  readonly name: string;
  /** The promise that it breaks. */
  readonly breaks: string;
  /** Scenarios in which it is looked for, the likeliest first. */
  readonly hunters: readonly string[];
}

const lua = (name: string): string => `redis/scripts/${name}.lua`;

const mutants: readonly Mutant[] = [
  {
    name: 'put-no-number',
    breaks: 'a batch is stored once for each number',
    file: lua('put'),
    find: 'if newer == 0 then',
    replace: 'if false then',
    hunters: ['SIM', 'F04'],
  },
  {
    name: 'put-takes-old-numbers',
    breaks: 'a batch that is older than the last is not stored',
    file: lua('put'),
    find: 'if newer < 0 then return {-1} end',
    replace: '',
    hunters: ['SIM'],
  },
  {
    name: 'take-no-number',
    breaks: 'the same take gets the same claims, not a second batch',
    file: lua('take'),
    find: 'if number == tonumber(last) then',
    replace: 'if false then',
    hunters: ['SIM', 'F04'],
  },
  {
    name: 'take-serves-strangers',
    breaks: 'only registered workers take',
    file: lua('take'),
    find: "if not redis.call('ZSCORE', workers, worker) then return {{-1}} end",
    replace: '',
    hunters: ['SIM'],
  },
  {
    name: 'take-forgets-to-claim',
    breaks: 'what was taken is held in Redis until it is settled',
    file: lua('take'),
    find: "redis.call('HSET', claims, unpack(fields))",
    replace: '',
    hunters: ['SIM', 'F01'],
  },
  {
    name: 'take-rings-no-bell',
    breaks: 'whoever leaves base empty rings for the others',
    file: lua('take'),
    find: "if redis.call('LLEN', base) == 0 then",
    replace: 'if false then',
    hunters: ['SIM'],
  },
  {
    name: 'take-shares-suspects',
    breaks: 'a last chance is taken alone',
    file: lua('take'),
    find: "if company == 'alone' then",
    replace: 'if true then',
    hunters: ['SIM', 'F18'],
  },
  {
    name: 'ack-first',
    breaks: 'a message is acknowledged after its handler, not before',
    file: 'runtime/attempt.ts',
    find: "claim.tell('take');",
    replace: "claim.tell('take');\n  void claim.ack().catch(() => undefined);",
    hunters: ['F01', 'F15'],
  },
  {
    name: 'retry-no-token',
    breaks: 'a claim is retried once',
    file: lua('retry'),
    find: "redis.call('HDEL', claims, ARGV[2])",
    replace: '',
    hunters: ['SIM', 'F04'],
  },
  {
    name: 'bury-no-token',
    breaks: 'a claim is buried once, and is no claim then',
    file: lua('bury'),
    find: "redis.call('HDEL', claims, ARGV[2])",
    replace: '',
    hunters: ['SIM', 'F04'],
  },
  {
    name: 'release-no-token',
    breaks: 'a claim is given back once',
    file: lua('release'),
    find: "redis.call('HDEL', claims, ARGV[index])",
    replace: '',
    hunters: ['SIM', 'F04'],
  },
  {
    name: 'release-no-order',
    breaks: 'what is given back stands in the order in which it was taken',
    file: 'redis/broker.ts',
    find: 'const newestFirst = [...tokens].sort((a, b) => orderOf(b) - orderOf(a));',
    replace: 'const newestFirst = [...tokens].sort((a, b) => orderOf(a) - orderOf(b));',
    hunters: ['SIM', 'FIFO'],
  },
  {
    name: 'release-to-the-tail',
    breaks: 'what is given back comes next',
    file: lua('release'),
    find: "redis.call('LPUSH', lanes[string.sub(ARGV[index], 1, 1)], message)",
    replace: "redis.call('RPUSH', lanes[string.sub(ARGV[index], 1, 1)], message)",
    hunters: ['SIM', 'FIFO'],
  },
  {
    name: 'leave-no-order',
    breaks: 'a worker that leaves gives back in order',
    file: lua('leave'),
    find: 'return a.place > b.place',
    replace: 'return a.place < b.place',
    hunters: ['SIM', 'FIFO'],
  },
  {
    name: 'leave-drops',
    breaks: 'a worker that leaves gives back everything',
    file: lua('leave'),
    find: "for _, claim in ipairs(held) do redis.call('LPUSH', lanes[claim.lane], claim.message) end",
    replace: '',
    hunters: ['SIM', 'F09'],
  },
  {
    name: 'recover-no-count',
    breaks: 'a crash is counted',
    file: lua('recover'),
    find: 'crashes = crashes + 1',
    replace: '',
    hunters: ['SIM', 'F18'],
  },
  {
    name: 'recover-the-living',
    breaks: 'only a worker whose lease has ended is recovered',
    file: lua('recover'),
    find: 'if ends and tonumber(ends) > now then return {-1, math.ceil(ends - now)} end',
    replace: '',
    hunters: ['SIM', 'F02'],
  },
  {
    name: 'recover-after-a-freeze',
    breaks: 'a server that was away expires nobody',
    file: lua('recover'),
    find: "if ends and now - tonumber(redis.call('HGET', meta, 'seen') or 0) > 0.6 * lease then",
    replace: 'if false then',
    hunters: ['F10'],
  },
  {
    name: 'recover-nobody',
    breaks: 'what a dead worker held comes back',
    file: 'upkeep/recoverer.ts',
    find: 'const found = await this.broker.recover(worker, this.wire, { withinMs: 0 });',
    replace: 'const found = { endsInMs: 1_000 } as Awaited<ReturnType<Broker["recover"]>>;',
    hunters: ['F02'],
  },
  {
    name: 'recover-leaves-registered',
    breaks: 'a late owner can settle nothing, and is told so',
    file: lua('recover'),
    find: "redis.call('ZREM', workers, worker)",
    replace: '',
    hunters: ['SIM', 'F02'],
  },
  {
    name: 'beat-revives',
    breaks: 'a beat extends the lease of a registered worker only',
    file: lua('beat'),
    find: "if not redis.call('ZSCORE', workers, worker) then return {-1, -1, ''} end",
    replace: '',
    hunters: ['SIM', 'F02'],
  },
  {
    name: 'beat-keeps-ghosts',
    breaks: 'a beat gives back claims that its worker does not know of',
    file: lua('beat'),
    find: 'if #ghosts > 0 then',
    replace: 'if false then',
    hunters: ['SIM'],
  },
  {
    name: 'beat-releases-what-is-on-its-way',
    breaks: 'a beat leaves alone what the take under way may have brought',
    file: lua('beat'),
    find: 'if number and tonumber(number) < tonumber(ARGV[3]) and not known[token] then',
    replace: 'if number and not known[token] then',
    hunters: ['SIM', 'F04'],
  },
  {
    name: 'no-beat',
    breaks: 'leases are renewed as long as a handler runs',
    file: 'upkeep/upkeep.ts',
    find: 'if (isBeat) void this.#beat(worker);',
    replace: 'void isBeat;',
    hunters: ['F10', 'F15', 'F04'],
  },
  {
    name: 'promote-forgets',
    breaks: 'what is due becomes ready',
    file: lua('promote'),
    find: "redis.call('RPUSH', lanes[string.sub(entry, 1, 1)], string.sub(entry, 2))",
    replace: '',
    hunters: ['SIM', 'F20'],
  },
  {
    name: 'promote-early',
    breaks: 'nothing is ready before it is due',
    file: lua('promote'),
    find: "redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, ARGV[1])",
    replace: "redis.call('ZRANGEBYSCORE', delayed, '-inf', now + 3000, 'LIMIT', 0, ARGV[1])",
    hunters: ['F20'],
  },
  {
    name: 'noscript-fails',
    breaks: 'a script that the server has forgotten is sent again in full',
    file: 'redis/scripts.ts',
    find: "if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;",
    replace: 'throw error;',
    hunters: ['F15'],
  },
  {
    name: 'settle-needs-memory',
    breaks: 'a full server can drain',
    file: lua('take'),
    find: "redis.call('HDEL', claims, '')",
    replace: '',
    hunters: ['F16'],
  },
  {
    name: 'readonly-stays',
    breaks: 'a demoted master is an obstacle for a while, not an error',
    file: 'redis/line.ts',
    find: '^(READONLY|',
    replace: '^(',
    hunters: ['F12'],
  },
  {
    name: 'nothing-is-sent-again',
    breaks: 'what had no reply is sent again',
    file: 'redis/connection.ts',
    find: 'if (!isPassing(error)) throw',
    replace: 'if (isPassing(error) || true) throw',
    hunters: ['F06', 'F04'],
  },
  {
    name: 'half-open-stays',
    breaks: 'a socket whose reply is overdue is replaced',
    file: 'redis/line.ts',
    find: 'socketTimeout: 10_000,',
    replace: '',
    hunters: ['F05'],
  },
];

const names = process.argv.slice(2);
const chosen = names.length === 0 ? mutants : mutants.filter(({ name }) => names.includes(name));
const staged = stage();
const sound = new Map<string, boolean>();
let survivors = 0;
try {
  for (const mutant of chosen) survivors += hunt(mutant) ? 0 : 1;
} finally {
  staged.close();
}
say(survivors === 0 ? `all ${chosen.length} mutants were found` : `${survivors} of ${chosen.length} mutants were NOT found`);
process.exitCode = survivors === 0 ? 0 : 1;

/** @returns whether a scenario that is green on the sources as they are turned red */
function hunt(mutant: Mutant): boolean {
  for (const hunter of mutant.hunters) {
    if (!sound.has(hunter)) sound.set(hunter, play(hunter) === undefined);
    if (!sound.get(hunter)) say(`RED      ${hunter} without any mutation: it can find nothing`);
  }
  let undo: () => void;
  try {
    undo = staged.change(mutant);
  } catch (error) {
    say(`STALE    ${mutant.name}: ${String(error)}`);
    return false;
  }
  try {
    for (const hunter of mutant.hunters) {
      const witness = sound.get(hunter) ? play(hunter) : undefined;
      if (witness === undefined) continue;
      say(`found    ${mutant.name.padEnd(34)} by ${hunter.padEnd(5)} ${witness.slice(0, 110)}`);
      return true;
    }
    say(`SURVIVED ${mutant.name.padEnd(34)} (${mutant.breaks}) in ${mutant.hunters.join(', ')}`);
    return false;
  } finally {
    undo();
  }
}

/** @returns the first witness, `undefined` when the scenario is kept */
function play(scenario: string): string | undefined {
  const args = [path.join(staged.folder, 'test/chaos/runner.js'), scenario, '--seed', '1'];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 200_000, env: { ...process.env, CHAOS_MUTANT: '1' } });
  if (status === 0) return undefined;
  return stdout.split('\n').filter((line) => /^ {2}\w[\w ]*: /.test(line)).at(0)?.trim() ?? `ended with ${status}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
