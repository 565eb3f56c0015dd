/**
 * A function becomes a worker. Called with a payload it just runs; called with nothing it consumes until Ctrl-C.
 *
 *     node --import @oxc-node/core/register examples/echo.ts
 */
import { HotQueue } from 'hotqueue';

const sounds = new HotQueue('sounds');
const echo = sounds.worker((sound) => console.log('…', sound));

echo('called directly');

await sounds.put('one', 'two', 'three');
await echo();
