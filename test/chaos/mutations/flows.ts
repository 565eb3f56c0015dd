import { lua, type Mutant } from './mutant.js';

/** Jobs that wait for others. */
export const flows: readonly Mutant[] = [
  {
    name: 'a-child-waits-for-one-parent',
    breaks: 'a job starts after the last job for which it waits',
    file: lua('_flows'),
    find: 'local left, policy, input, due = tonumber(noted[1] or -1),',
    replace: 'local left, policy, input, due = math.min(tonumber(noted[1] or -1), 1),',
    hunters: ['W01'],
  },
  {
    name: 'parents-count-twice',
    breaks: 'the end of a parent counts once, also if it is told twice',
    file: lua('_flows'),
    find: "if noted[place] == '' and not counted[parent] then",
    replace: 'if noted[place] then',
    hunters: ['W04', 'W01'],
  },
  {
    name: 'ends-without-notice',
    breaks: 'the end of a job and the notice to those that wait for it are one step, and what was missed is found',
    file: lua('_jobs'),
    find: '  if job.children then noteInOutbox',
    replace: '  if false then noteInOutbox',
    and: [
      {
        file: 'maintenance/scheduler.ts',
        find: 'await lookAtBlocked(broker, { withinMs: 0 }).catch(ignore);',
        replace: 'ignore(lookAtBlocked);',
      },
    ],
    hunters: ['W01'],
  },
  {
    name: 'children-of-headers-are-not-notified',
    breaks:
      'a job whose id is in the header of the only job for which it waits starts when that is done, or finds its end by looking',
    file: lua('settle'),
    find: 'if #children > 0 then notifyChildren() end',
    replace: '',
    and: [
      {
        file: 'maintenance/scheduler.ts',
        find: 'await lookAtBlocked(broker, { withinMs: 0 }).catch(ignore);',
        replace: 'ignore(lookAtBlocked);',
      },
    ],
    hunters: ['W01'],
  },
  {
    name: 'parents-do-not-know-their-children',
    breaks: 'a job is told of the ends of those for which it waits, or finds them by looking',
    file: lua('add-child'),
    find: "  redis.call('HSET', record, 'children', (children and children .. ',' or '') .. child)",
    replace: '',
    and: [
      {
        file: 'maintenance/scheduler.ts',
        find: 'await lookAtBlocked(broker, { withinMs: 0 }).catch(ignore);',
        replace: 'ignore(lookAtBlocked);',
      },
    ],
    hunters: ['W01'],
  },
  {
    name: 'parents-put-together-do-not-know-their-children',
    breaks: 'a job that is put together with its parents is notified of their ends, or finds them by looking',
    file: lua('put-flow'),
    find: "if children ~= '' then fields",
    replace: 'if false then fields',
    and: [
      {
        file: 'maintenance/scheduler.ts',
        find: 'await lookAtBlocked(broker, { withinMs: 0 }).catch(ignore);',
        replace: 'ignore(lookAtBlocked);',
      },
    ],
    hunters: ['W01'],
  },
  {
    name: 'notices-to-other-queues-are-dropped',
    breaks: 'a notice is removed when the jobs that wait have got it',
    file: 'jobs/notices.ts',
    find: '  await notifyAll(queues, patience);\n  await connection.call',
    replace: '  await connection.call',
    and: [
      {
        file: 'maintenance/scheduler.ts',
        find: 'await lookAtBlocked(broker, { withinMs: 0 }).catch(ignore);',
        replace: 'ignore(lookAtBlocked);',
      },
    ],
    hunters: ['W01'],
  },
  {
    name: 'flows-are-put-twice',
    breaks: 'a repeated put of jobs of a flow stores nothing',
    file: lua('put-flow'),
    find: "if redis.call('EXISTS', producer) == 1 then return 1 end",
    replace: '',
    hunters: ['W04'],
  },
  {
    name: 'circles-wait-for-ever',
    breaks: 'a job that continues with one that waits for it fails',
    file: 'jobs/continuation.ts',
    find: 'return found.has(wanted);',
    replace: 'return false;',
    hunters: ['W01'],
  },
  {
    name: 'continuations-are-forgotten',
    breaks: 'a job that continues with another one ends when that one has ended',
    file: 'consumer/claim-job.ts',
    find: "      if (reply !== 'done' && reply !== 'already') return;",
    replace: '      if (reply) return;',
    and: [
      {
        file: 'maintenance/scheduler.ts',
        find: 'await lookAtBlocked(broker, { withinMs: 0 }).catch(ignore);',
        replace: 'ignore(lookAtBlocked);',
      },
    ],
    hunters: ['W01'],
  },
  {
    name: 'flows-start-before-they-are-whole',
    breaks: 'no job of a flow runs before all of it are put',
    file: 'flows/put-together.ts',
    find: 'start && { parents:',
    replace: 'start && undefined && { parents:',
    hunters: ['W14'],
  },
  {
    name: 'jobs-put-alone-start-before-their-flow-is-whole',
    breaks: 'no job of a flow runs before all of it are put, also one with an id of its own',
    file: 'producer/put-dependent.ts',
    find: 'hasTtl: false }, { at: afterParents });',
    replace: 'hasTtl: false }, { afterMs: 0 });',
    hunters: ['W14'],
  },
  {
    name: 'unstarted-joins-run',
    breaks: 'a join does not run if its flow never starts, also with onFailure: run',
    file: lua('_flows'),
    find: " or (how == 'cancelled' and failure == unstarted())",
    replace: '',
    hunters: ['W14'],
  },
  {
    name: 'unstarted-flows-stay',
    breaks: 'what a killed process has put of a flow is removed, and what it has not told is told',
    file: 'jobs/look-at-blocked.ts',
    find: '  if (start) return lookAtUnstarted(broker, id, start, now, patience);',
    replace: '  if (start && typeof lookAtUnstarted === "function") return;',
    hunters: ['W14'],
  },
];
