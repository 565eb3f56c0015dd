/**
 * Exercise 1, first terminal: puts four strings, prints the length of the queue, then puts every line that you type.
 * Ctrl-D ends it. Start it before or after exercise-1-consume.ts:
 *
 *     node --import @oxc-node/core/register examples/lesson/exercise-1-put.ts
 */
import { createInterface } from 'node:readline';
import { HotQueue } from 'hotqueue';

const q = new HotQueue('queue');

await q.put('one', 'two', 'three', 'four');
console.log('length', await q.size());

console.log('type something for the other terminal:');
for await (const line of createInterface({ input: process.stdin })) {
  await q.put(line);
}
console.log('length', await q.size());
