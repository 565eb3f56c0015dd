import { lua, type Mutant } from './mutant.js';

/** How messages are taken. */
export const takes: readonly Mutant[] = [
  {
    name: 'take-no-number',
    breaks: 'a take that is sent again gets the same messages',
    file: lua('take'),
    find: 'if number == last then',
    replace: 'if false then',
    hunters: ['SIM', 'F04'],
  },
  {
    name: 'take-serves-unregistered-workers',
    breaks: 'only registered workers take',
    file: lua('take'),
    find: "if not redis.call('ZSCORE', workers, worker) then return {-1} end",
    replace: '',
    hunters: ['SIM'],
  },
  {
    name: 'take-stores-no-claim',
    breaks: 'a taken message stays in Redis until it is settled',
    file: lua('take'),
    find: "redis.call('HSET', claims, 't' .. number, packed, 'a' .. number,",
    replace: "redis.call('HSET', claims, 'a' .. number,",
    hunters: ['SIM', 'F01'],
  },
  {
    name: 'take-removes-first',
    breaks: 'messages are stored in their new place before they are removed from the old one',
    file: lua('take'),
    find: `  redis.call('HSET', claims, 't' .. number, packed, 'a' .. number, '0 ' .. count .. ' ', 'seq', number)
  if drawn[lists.s] then redis.call('HSET', claims, 's' .. number, 1) end
  for list, length in pairs(drawn) do redis.call('LTRIM', list, length, '-1') end
`,
    replace: `  for list, length in pairs(drawn) do redis.call('LTRIM', list, length, '-1') end
  redis.call('HSET', claims, 't' .. number, packed, 'a' .. number, '0 ' .. count .. ' ', 'seq', number)
  if drawn[lists.s] then redis.call('HSET', claims, 's' .. number, 1) end
`,
    hunters: ['F30'],
  },
  {
    name: 'take-resent-takes-more',
    breaks: 'a finished take brings nothing when it is sent again',
    file: lua('take'),
    find: 'if number == last then',
    replace: "if number == last and redis.call('HEXISTS', claims, 't' .. last) == 1 then",
    hunters: ['SIM'],
  },
  {
    name: 'take-resent-ignores-acks',
    breaks: 'the reply to a take that is sent again says which messages are acknowledged',
    file: lua('take'),
    find: "string.match(redis.call('HGET', claims, 'a' .. last), '^%d+ %d+ (.*)$')",
    replace: "''",
    hunters: ['SIM'],
  },
  {
    name: 'take-resent-ignores-effects',
    breaks: 'the reply to a take that is sent again says which messages were retried, buried or released',
    file: lua('take'),
    find: "table.concat(effects, ','))",
    replace: "'')",
    hunters: ['SIM'],
  },
  {
    name: 'take-leaves-base-empty',
    breaks: 'a take that leaves base empty moves a message there, to wake another worker',
    file: lua('take'),
    find: 'if count >= most or room <= 0 then wakeWorker(lists) end',
    replace: '',
    hunters: ['SIM'],
  },
  {
    name: 'pause-ignored',
    breaks: 'no worker takes from a paused queue',
    file: lua('take'),
    find: 'if paused and (',
    replace: 'if false and (',
    hunters: ['SIM'],
  },
  {
    name: 'takes-again-after-the-last',
    breaks: 'after a take that was sent with a wait and brought fewer messages than it asked for, the worker waits',
    file: 'worker/handler-runner.ts',
    find: 'claims.length < this.#pipelined.most;',
    replace: 'false;',
    hunters: ['F33'],
  },
  {
    name: 'free-slots-stay-unused',
    breaks: 'a free concurrency slot is used also while most others are busy for long',
    file: 'worker/handler-runner.ts',
    find: 'return Math.max(free, 0);',
    replace: 'return 0;',
    hunters: ['F31'],
  },
  {
    name: 'takes-behind-waits-beside-other-workers',
    breaks: 'a worker takes behind its wait only if no other worker of its process can block the event loop',
    file: 'consumer/fetcher.ts',
    find: ' && workers === 1;',
    replace: ' && workers > 0;',
    hunters: ['F40o'],
  },
];
