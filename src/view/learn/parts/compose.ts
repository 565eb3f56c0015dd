import { jobsOf, messages, others, quoted } from '../seeing.js';
import { done, lines, notYet, part, type Here, type Part } from '../step.js';

const queue = 'queue';

/** The second exercise: the same with three services. */
export const compose: Part = part(
  'Three services',
  'The same once more, with a Redis and two programs in containers of their own, as a web service and its worker would be.',
  {
    id: 'compose-up',
    where: 'here',
    queue,
    text: 'A compose file starts the three together: redis-db, and node1 and node2, which begin once Redis is healthy.\nWhere there is no Docker, a Redis of its own and two terminals stand in for them.',
    type: lines('.compose', '.compose up'),
    hint: '.compose shows the file; .compose up starts what is in it',
    check: (_now, _begun, { compose: up }) => (up ? done(`redis-db answers; ${up.kind === 'containers' ? 'node1 and node2 are containers' : 'no Docker here, so this terminal is node1 and the second one node2'}`) : notYet('nothing is up')),
  },
  {
    id: 'which-host',
    where: 'here',
    queue,
    text: 'Inside the container node1: by what host name does a program reach Redis?',
    type: lines('.answer <name>'),
    hint: 'Compose makes a network in which every service is found by its own name. What is the Redis service called in the file?',
    check: (_now, _begun, { answers }) => answered(answers, /^(?:redis:\/\/)?redis-db(?::6379)?(?:\/\d*)?$/, 'redis-db: a service is found by its name; localhost would be the container itself. The file says so once, in REDIS_URL, which new HotQueue("queue") reads'),
  },
  {
    id: 'which-packages',
    where: 'here',
    queue,
    text: 'node:24 comes with Node and npm only. Which package do node1 and node2 need?',
    type: lines('.answer <package>'),
    hint: 'The one that this lesson is about; npm brings along what it needs, class-validator for one.',
    check: (_now, _begun, { answers }) => answered(answers, /\bhotqueue\b/, 'hotqueue: "npm install hotqueue" in both; npm adds its peers class-validator, class-transformer and reflect-metadata'),
  },
  {
    id: 'consume-in-node2',
    where: 'there',
    queue,
    isComposed: true,
    text: 'Leave the prompt in the second terminal with Ctrl-D, go into node2, and consume there.',
    type: (_now, here) => [...shellOf(here), 'for await (const item of q.consume()) console.log(item)'],
    hint: 'The code is the same as before: only the environment says which Redis.',
    check: (now, _begun, here) => {
      if (!here.compose) return notYet('the three services are not up: .compose up');
      const [other] = others(now, here);
      return other ? done(`process ${other.pid} on ${other.host} takes from "queue" in redis-db`) : notYet('nobody takes from "queue" in redis-db yet');
    },
  },
  {
    id: 'put-from-node1',
    where: 'here',
    queue,
    isComposed: true,
    text: 'This prompt stands in for node1: as long as the services are up, node1 is the queue "queue" in redis-db.',
    type: lines("node1.put('hello', 'from node1')"),
    hint: 'Not q, which is in the other Redis: node1.put("…")',
    check: (now, _begun, here) => {
      const put = jobsOf(queue, here);
      const { waiting, claimed } = now.counts;
      if (put.length === 0) return notYet('nothing was put yet');
      return waiting + claimed === 0 && others(now, here).length > 0 ? done(`${quoted(put.map(({ payload }) => payload))} went through redis-db to node2`) : notYet(`${messages(waiting + claimed)} in redis-db not taken`);
    },
  },
  {
    id: 'compose-down',
    where: 'here',
    queue,
    text: 'Clean up: Ctrl-C and Ctrl-D in node2, then stop the services.',
    type: lines('.compose down'),
    hint: '.compose down stops and removes what .compose up made',
    check: (_now, _begun, { compose: up }) => (up ? notYet('the services are still up') : done('redis-db, node1 and node2 are gone')),
  },
);

function answered(answers: readonly string[], right: RegExp, why: string): { done: boolean; saw: string } {
  const last = answers.at(-1);
  if (last === undefined) return notYet('no .answer yet');
  return answers.some((answer) => right.test(answer)) ? done(why) : notYet(`not ${JSON.stringify(last)}`);
}

/** How to get to where node2 is. */
function shellOf({ compose: up }: Here): string[] {
  if (up?.kind === 'containers') return ['docker compose -p hotqueue-lesson exec node2 npx --yes hotqueue repl'];
  return [`REDIS_URL=${up?.url ?? '…'} npx hotqueue repl`];
}
