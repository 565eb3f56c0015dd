import { jobsOf, messages, others, quoted } from '../reading.js';
import { done, lines, notYet, part, type Here, type Part } from '../step.js';

const queue = 'queue';

/** Exercise 2: the same with three services. */
export const compose: Part = part(
  'Three services',
  'The same again with three services: Redis and two programs, each in its own\ncontainer. In production, the two programs could be a web service and its\nworker.',
  {
    id: 'compose-up',
    where: 'here',
    queue,
    text: 'A compose file starts the three services: redis-db, node1 and node2. node1\nand node2 start when Redis is healthy. Without Docker, the lesson starts a\nseparate Redis, and two terminals replace node1 and node2.',
    type: lines('.compose', '.compose up'),
    hint: '.compose shows the file. .compose up starts its services.',
    check: (_now, _begun, { compose: up }) =>
      up
        ? done(
            `redis-db answers; ${up.kind === 'containers' ? 'node1 and node2 are containers' : 'Docker was not found, so this terminal is node1 and the second one is node2'}`,
          )
        : notYet('the three services are not running yet'),
  },
  {
    id: 'which-host',
    where: 'here',
    queue,
    text: 'A program runs inside the container node1. Which host name does it use to\nreach Redis?',
    type: lines('.answer <name>'),
    hint: 'Compose creates a network. In this network, the host name of a service is its\nname in the file. What is the name of the Redis service?',
    check: (_now, _begun, { answers }) =>
      answered(
        answers,
        /^(?:redis:\/\/)?redis-db(?::6379)?(?:\/\d*)?$/,
        'redis-db: the host name of a service is its name. localhost would be the container itself. The file sets it in REDIS_URL, and new HotQueue("queue") reads REDIS_URL',
      ),
  },
  {
    id: 'which-packages',
    where: 'here',
    queue,
    text: 'The image node:24 contains only Node and npm. Which package do node1 and\nnode2 need?',
    type: lines('.answer <package>'),
    hint: 'The package of this lesson. npm also installs what it needs, for example\nclass-validator.',
    check: (_now, _begun, { answers }) =>
      answered(
        answers,
        /\bhotqueue\b/,
        'hotqueue: run "npm install hotqueue" in both. npm also installs its peer dependencies class-validator, class-transformer and reflect-metadata',
      ),
  },
  {
    id: 'consume-in-node2',
    where: 'there',
    queue,
    isComposed: true,
    text: 'Leave the prompt in the second terminal with Ctrl-D. Open a prompt in node2,\nand consume there.',
    type: (_now, here) => [...shellOf(here), 'for await (const item of q.consume()) console.log(item)'],
    hint: 'The code is the same as before. Only the environment variable REDIS_URL is\ndifferent.',
    check: (now, _begun, here) => {
      if (!here.compose) return notYet('the three services are not running: type .compose up');
      const [other] = others(now, here);
      return other
        ? done(`process ${other.pid} on ${other.host} consumes from "queue" in redis-db`)
        : notYet('no consumer of "queue" in redis-db yet');
    },
  },
  {
    id: 'put-from-node1',
    where: 'here',
    queue,
    isComposed: true,
    text: 'This terminal has the role of node1. While the services are running, the\nvariable node1 is the queue "queue" in redis-db.',
    type: lines("node1.put('hello', 'from node1')"),
    hint: 'Do not use q: it is in the other Redis. Type node1.put("…")',
    check: (now, _begun, here) => {
      const put = jobsOf(queue, here);
      const { waiting, active } = now.counts;
      if (put.length === 0) return notYet('no message was put yet');
      return waiting + active === 0 && others(now, here).length > 0
        ? done(`${quoted(put.map(({ payload }) => payload))} went through redis-db to node2`)
        : notYet(`${messages(waiting + active)} in redis-db not consumed yet`);
    },
  },
  {
    id: 'compose-down',
    where: 'here',
    queue,
    text: 'Clean up: press Ctrl-C and Ctrl-D in node2. Then stop the services.',
    type: lines('.compose down'),
    hint: '.compose down stops and removes the services that .compose up started',
    check: (_now, _begun, { compose: up }) =>
      up ? notYet('the services are still running') : done('redis-db, node1 and node2 have stopped'),
  },
);

function answered(answers: readonly string[], right: RegExp, why: string): { done: boolean; saw: string } {
  const last = answers.at(-1);
  if (last === undefined) return notYet('no answer yet: type .answer and your answer');
  return answers.some((answer) => right.test(answer)) ? done(why) : notYet(`the answer is not ${JSON.stringify(last)}`);
}

/** The command that opens a prompt in node2. */
function shellOf({ compose: up }: Here): string[] {
  if (up?.kind === 'containers') return ['docker compose -p hotqueue-lesson exec node2 npx --yes hotqueue repl'];
  return [`REDIS_URL=${up?.url ?? '…'} npx hotqueue repl`];
}
