import { lua, type Mutant } from './mutant.js';

/** Schedules. */
export const schedules: readonly Mutant[] = [
  {
    name: 'fire-compares-nothing',
    breaks: 'one process puts the message of an instant',
    file: lua('fire'),
    find: "elseif itsRevision ~= revision or itsDue ~= due or (itsLast or '') ~= last then",
    replace: 'elseif false then',
    and: [
      {
        file: 'jobs/outbox.ts',
        find: 'own: forMs === undefined ? undefined : { ids: [id], forMs },',
        replace: 'own: { ids: [newId()], forMs: forMs ?? 1 },',
      },
    ],
    hunters: ['S01', 'S04'],
  },
  {
    name: 'fire-without-outbox',
    breaks: 'the message of an instant is stored in the step that moves its schedule on',
    file: lua('fire'),
    find: "if ARGV[run] ~= '' then redis.call('HSET', outbox, ARGV[run], ARGV[run + 1]) end",
    replace: '',
    hunters: ['S04', 'S01'],
  },
  {
    name: 'outbox-of-a-schedule-stays',
    breaks: 'a message of a schedule that a dead process has left in the outbox is put by another one',
    file: 'maintenance/scheduler.ts',
    find: 'await Promise.all(old.map((name) => deliverNamed(broker, name, { withinMs: 0 }).catch(ignore)));',
    replace: 'ignore(deliverNamed, old);',
    and: [
      {
        file: 'maintenance/sweeper.ts',
        find: 'await deliverAll(this.broker, { withinMs: 0 }).catch(() => undefined);',
        replace: 'void deliverAll;',
      },
    ],
    hunters: ['S01'],
  },
  {
    name: 'runs-without-id',
    breaks: 'the message of an instant is put once, also if two processes put it from the outbox',
    file: 'jobs/outbox.ts',
    find: 'own: forMs === undefined ? undefined : { ids: [id], forMs },',
    replace: 'own: { ids: [newId()], forMs: forMs ?? 1 },',
    hunters: ['S04', 'S01'],
  },
  {
    name: 'due-by-the-clock-of-the-process',
    breaks: 'schedules go by the clock of the queue',
    file: 'redis/schedule-broker.ts',
    find: '      now,\n      due:',
    replace: '      now: Date.now(),\n      due:',
    hunters: ['S01'],
  },
];
