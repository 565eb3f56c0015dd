/**
 * A function becomes a worker. A call with a payload runs the function. A call without arguments consumes messages until Ctrl-C.
 *
 *     node --import @oxc-node/core/register examples/echo.ts
 */
import { HotQueue } from 'hotqueue';

const sounds = new HotQueue('sounds');
const echo = sounds.worker((sound) => console.log('…', sound));

echo('called directly');

await sounds.put('one', 'two', 'three');
await echo();
