import { RedisRefusedError, type QueueOptions } from 'hotqueue';
import { claimsLayout, readQueue, workersWithClaims, type QueueFacts } from '../../inspect/queue-facts.js';
import { queueNames } from '../../inspect/queues.js';
import { count } from '../output.js';
import { ok, problem, warning, type Finding } from './finding.js';

/** Checks all queues. */
export async function findOrphans(address: QueueOptions): Promise<Finding[]> {
  const names = await queueNames(address);
  const withClaims = await workersWithClaims(address);
  const all = [...new Set([...names, ...withClaims.keys()])].sort();
  const findings = (
    await Promise.all(all.map((name) => findingsOf(name, () => readQueue(name, address, withClaims.get(name) ?? []))))
  ).flat();
  return findings.length > 0 ? findings : [ok('orphans', `none in ${count(all.length, 'queue')}`)];
}

/** One queue that cannot be read must not hide what is wrong with the others. */
async function findingsOf(name: string, read: () => Promise<QueueFacts>): Promise<Finding[]> {
  try {
    return judgeQueue(name, await read());
  } catch (error) {
    if (!(error instanceof RedisRefusedError) || error.reply !== 'WRONGTYPE') throw error;
    return [
      problem(
        `queue ${name}`,
        'one of its keys has another type than hotqueue gives it, so this queue was not checked',
        `compare the type of each key (redis-cli --scan --pattern '{*:${name}}:*', then TYPE) with docs/protocol.md, and rename the one that differs`,
      ),
    ];
  }
}

/** Judges the facts about a queue. Pure. */
export function judgeQueue(name: string, facts: QueueFacts): Finding[] {
  const check = `queue ${name}`;
  const {
    type,
    activeWithoutLease,
    activeWithEndedLease,
    unregistered,
    unregisteredInLayout1,
    others,
    overdue,
    delayedSurplus,
    deadSurplus,
    overdueSchedules,
    undeclared,
    held,
  } = facts;
  const comesBackBy = (worker: string): string =>
    `start ${worker} on this queue: it puts them back into the queue within two minutes`;
  const comesBack = comesBackBy(others ? 'a worker of that version' : 'a worker');
  return [
    type !== 'list' &&
      type !== 'none' &&
      problem(
        check,
        `its key is a ${type}, expected a list`,
        'another program uses this key: rename the key (redis-cli RENAME), or give the queue another name or prefix',
      ),
    others &&
      problem(
        check,
        `${count(others.workers, 'worker')} of another version registered, with claims in layout ${others.layout}: workers of this version use layout ${claimsLayout} and cannot start`,
        'stop the workers of the other version, and let them finish; if some were killed, run one worker of that version until no message is active, then stop it',
      ),
    activeWithoutLease > 0 &&
      warning(check, `${count(activeWithoutLease, 'message')} claimed by workers without a lease`, comesBack),
    activeWithEndedLease > 0 &&
      warning(
        check,
        `${count(activeWithEndedLease, 'message')} claimed by workers with an ended lease, and no worker recovers them`,
        comesBack,
      ),
    unregistered.length > 0 &&
      problem(
        check,
        `${count(unregistered.length, 'worker')} with claims, but not in the registry: ${unregistered.join(', ')}`,
        `add each of them to the registry (redis-cli HSET '{…:${name}}:registry' ${unregistered[0]} unknown), then ${comesBack}`,
      ),
    unregisteredInLayout1.length > 0 &&
      problem(
        check,
        `${count(unregisteredInLayout1.length, 'worker')} of an earlier version with claims, but not in the registry: ${unregisteredInLayout1.join(', ')}`,
        `stop the workers of this version, which cannot read these claims; add each of them to the registry (redis-cli SADD '{…:${name}}:roll' ${unregisteredInLayout1[0]}), then ${comesBackBy('a worker of that version')}`,
      ),
    overdue > 0 &&
      warning(
        check,
        `${count(overdue, 'delayed message')} due, and no worker promotes them`,
        'start a worker on this queue: it promotes them within a second',
      ),
    overdueSchedules > 0 &&
      warning(
        check,
        `${count(overdueSchedules, 'schedule')} due, and no process fires them`,
        `start a worker on this queue, or "hotqueue scheduler ${name}"`,
      ),
    held.ready > 0 &&
      warning(
        check,
        `${count(held.ready, 'job')} held although all jobs that they waited for have ended, and no process starts them`,
        `start a worker on this queue, or "hotqueue scheduler ${name}": it starts them within some seconds`,
      ),
    held.withoutParent > 0 &&
      warning(
        check,
        `${count(held.withoutParent, 'job')} held for jobs that have no record any more, and no process ends the wait`,
        `start a worker on this queue, or "hotqueue scheduler ${name}": it cancels them within some seconds, or starts those with onFailure: 'run'`,
      ),
    held.unstarted > 0 &&
      warning(
        check,
        `${count(held.unstarted, 'job')} of flows that were never put as a whole, and no process cancels them`,
        `start a worker on this queue, or "hotqueue scheduler ${name}": it cancels them within some seconds`,
      ),
    held.unlisted.length > 0 &&
      problem(
        check,
        `${count(held.unlisted.length, 'job')} held, and Redis does not know for what: ${held.unlisted.slice(0, 3).join(', ')}${held.unlisted.length > 3 ? ', …' : ''}`,
        `find out which program changed these keys; then start each job with "hotqueue delayed promote ${name} ${held.unlisted[0]}", or end it with "hotqueue job cancel ${name} ${held.unlisted[0]}"`,
      ),
    ...undeclared.map((schedule) =>
      warning(
        check,
        `schedule ${schedule.name} is not in the code of ${schedule.worker} any more, which declared it`,
        `it goes on; "hotqueue schedule rm ${name} ${schedule.name}" ends it`,
      ),
    ),
    delayedSurplus > 0 &&
      warning(
        check,
        `${count(delayedSurplus, 'delayed message')} without a due time`,
        'start a worker on this queue: its sweeper repairs this within two minutes',
      ),
    delayedSurplus < 0 &&
      warning(
        check,
        `${count(-delayedSurplus, 'due time')} without a delayed message`,
        'they are removed when they are due; if messages are missing, find out which program wrote to these keys',
      ),
    deadSurplus > 0 &&
      warning(
        check,
        `${count(deadSurplus, 'dead letter')} without a burial time`,
        'start a worker on this queue: its sweeper repairs this within two minutes',
      ),
    deadSurplus < 0 &&
      warning(
        check,
        `${count(-deadSurplus, 'burial time')} without a dead letter`,
        '"hotqueue dead drop" removes them; if dead letters are missing, find out which program wrote to these keys',
      ),
  ].filter((finding) => typeof finding === 'object');
}
