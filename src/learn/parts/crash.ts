import { gave, messages, others, quoted } from '../reading.js';
import { done, lines, notYet, part, type Part } from '../step.js';

const queue = 'slow';

/** Exercise 5: a message survives the death of its worker. The simplest queues lose it. */
export const crash: Part = part(
  'A worker dies',
  'A queue is reliable if a message survives the death of the worker that works on\nit. Here you kill a worker.',
  {
    id: 'put-task',
    where: 'here',
    queue,
    text: 'Put a message for a task that takes long.',
    type: lines("const slow = new HotQueue('slow')", "slow.put('a long task')"),
    hint: 'The second line puts it. The name of the queue must be "slow".',
    check: (now, before) =>
      now.counts.waiting > before.counts.waiting || now.counts.active > 0
        ? done(`${quoted(now.next)} is waiting in "slow"`)
        : notYet('no new message in "slow" yet'),
  },
  {
    id: 'begin-task',
    where: 'there',
    queue,
    text: 'Start to work on the message, and do not finish. A worker renews its lease\nwhile it is alive. When the lease ends, other workers may take its messages. The\ndefault lease is 30 seconds. Here it is 3 seconds.',
    type: lines(
      "const slow = new HotQueue('slow', { lease: '3s' })",
      "for await (const task of slow.consume()) { console.log('working on', task); await sleep('1h') }",
    ),
    hint: 'Type it in the second terminal. It prints "working on" and then waits.',
    check: (now, _begun, here) => {
      const [other] = others(now, here);
      return other && now.counts.active > 0
        ? done(
            `process ${other.pid} works on ${messages(now.counts.active)}, ${now.counts.waiting} waiting. Redis keeps active messages too`,
          )
        : notYet('no process works on it yet');
    },
  },
  {
    id: 'kill-worker',
    where: 'here',
    queue,
    text: 'Kill that process with SIGKILL. As in a power cut, it cannot give the\nmessage back.',
    type: (now, here) => [`process.kill(${others(now, here)[0]?.pid ?? '<pid of the second terminal>'}, 'SIGKILL')`],
    hint: 'process.kill(pid, "SIGKILL"). Type .lesson to see the line with the pid again.',
    check: (_now, before, here) => {
      const [victim] = others(before, here);
      if (!victim)
        return notYet(
          'the second terminal had no active message when this step started: type .lesson 5 to start this exercise again',
        );
      return here.isAlive(victim.pid)
        ? notYet(`process ${victim.pid} is still running`)
        : done(`process ${victim.pid} is dead, and the message is still in Redis`);
    },
  },
  {
    id: 'comes-back',
    where: 'here',
    queue,
    text: 'Wait for the message. When the lease of the dead worker ends, an idle\nconsumer puts its messages back into the queue.',
    type: lines('slow.get({ block: true })'),
    hint: 'It takes up to four seconds: the lease plus one second. This line is the idle\nconsumer: slow.get({ block: true })',
    check: (now, _begun, here) => {
      const { waiting, active, dead } = now.counts;
      const hasIt = here.lines.some(({ value }) => typeof value === 'string') || gave('a long task', here);
      return waiting + active === 0 && hasIt
        ? done(`the message came back, and is done now: put 1 = done 1 + dead ${dead} + left ${waiting + active}`)
        : notYet(`${waiting} waiting, ${active} still active at the dead worker`);
    },
  },
);
