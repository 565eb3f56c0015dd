/**
 * Exercise 3, first terminal: a function that prints an item becomes a worker. Ctrl-C ends it.
 *
 *     node --import @oxc-node/core/register examples/lesson/exercise-3-echo.ts
 */
import { HotQueue } from 'hotqueue';

const q = new HotQueue('echo');

const echo = q.worker((item) => {
  console.log(item);
});

await echo();
