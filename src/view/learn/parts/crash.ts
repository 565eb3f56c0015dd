import { gave, messages, others, quoted } from '../seeing.js';
import { done, lines, notYet, part, type Part } from '../step.js';

const queue = 'slow';

/** What the simplest queues get wrong. */
export const crash: Part = part(
  'A worker dies',
  'A queue is reliable when a message outlives the worker that has it in hand. Let one die.',
  {
    id: 'put-task',
    where: 'here',
    queue,
    text: 'Put something that takes long.',
    type: lines("const slow = new HotQueue('slow')", "slow.put('a long task')"),
    hint: 'The second line puts it; it must be in the queue "slow"',
    check: (now, begun) => (now.counts.waiting > begun.counts.waiting || now.counts.claimed > 0 ? done(`${quoted(now.next)} waits in "slow"`) : notYet('nothing new in "slow" yet')),
  },
  {
    id: 'begin-task',
    where: 'there',
    queue,
    text: 'Begin to work on it, and do not finish. The lease says how long a worker may be silent; 30 seconds unless told otherwise.',
    type: lines("const slow = new HotQueue('slow', { lease: '3s' })", "for await (const task of slow.consume()) { console.log('working on', task); await sleep('1h') }"),
    hint: 'In the second terminal. It prints "working on", and sits there.',
    check: (now, _begun, here) => {
      const [other] = others(now, here);
      return other && now.counts.claimed > 0 ? done(`process ${other.pid} has ${messages(now.counts.claimed)} in hand, ${now.counts.waiting} wait: Redis keeps what is in hand`) : notYet('nobody has it in hand yet');
    },
  },
  {
    id: 'kill-worker',
    where: 'here',
    queue,
    text: 'Kill that process, as a power cut would: it gets no chance to give anything back.',
    type: (now, here) => [`process.kill(${others(now, here)[0]?.pid ?? '<pid of the second terminal>'}, 'SIGKILL')`],
    hint: 'process.kill(pid, "SIGKILL"); .lesson shows the line with its pid again',
    check: (_now, begun, here) => {
      const [victim] = others(begun, here);
      if (!victim) return notYet('the second terminal had nothing in hand when this step began: .lesson 5 begins again');
      return here.isAlive(victim.pid) ? notYet(`process ${victim.pid} lives`) : done(`process ${victim.pid} is dead, and the message is still in Redis`);
    },
  },
  {
    id: 'comes-back',
    where: 'here',
    queue,
    text: 'Wait for it. When the lease of the dead has ended, whoever is idle gives its messages back.',
    type: lines('slow.get({ block: true })'),
    hint: 'It takes up to four seconds, the lease and one more. A consumer that is idle does it: slow.get({ block: true })',
    check: (now, _begun, here) => {
      const { waiting, claimed, dead } = now.counts;
      const hasIt = here.lines.some(({ value }) => typeof value === 'string') || gave('a long task', here);
      return waiting + claimed === 0 && hasIt ? done(`it came back, and is done now: put 1 = done 1 + dead ${dead} + left ${waiting + claimed}`) : notYet(`${waiting} wait, ${claimed} in the hands of the dead`);
    },
  },
);
