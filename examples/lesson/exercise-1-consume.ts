/**
 * Exercise 1, second terminal: prints the messages of the queue, and new ones as they arrive, until Ctrl-C.
 *
 *     node --import @oxc-node/core/register examples/lesson/exercise-1-consume.ts
 */
import { HotQueue } from 'hotqueue';

const q = new HotQueue('queue');

for await (const item of q.consume()) {
  console.log(item);
}
