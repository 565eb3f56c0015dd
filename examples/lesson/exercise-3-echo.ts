/**
 * Exercise 3, first terminal: a function that prints an item, made into a consumer. Ends with Ctrl-C.
 *
 *     node --import @oxc-node/core/register examples/lesson/exercise-3-echo.ts
 */
import { HotQueue } from 'hotqueue';

const q = new HotQueue('echo');

const echo = q.worker((item) => {
  console.log(item);
});

await echo();
