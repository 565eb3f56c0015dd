/**
 * Exercise 3, second terminal: sends its arguments to the echo in the first terminal.
 *
 *     node --import @oxc-node/core/register examples/lesson/exercise-3-send.ts hello again
 */
import { HotQueue } from 'hotqueue';

const q = new HotQueue('echo');
const words = process.argv.slice(2);

await q.putAll(words.length > 0 ? words : ['hello', 'how are you?']);
