/**
 * A script that puts messages and works through them with `for await`.
 *
 *     node --import @oxc-node/core/register examples/for-await.ts
 */
import { HotQueue } from 'hotqueue';

const cities = new HotQueue('cities');

await cities.put('Lisbon', 'Oslo', 'Quito');
await cities.put({ name: 'Perth', visits: 2 }, null); // anything that JSON can carry; null is a message like any other

// Asking for the next city acknowledges the last. Ends when nothing has come for a second.
for await (const city of cities.consume({ timeout: '1s' })) {
  console.log('visited', city);
}

console.log('left', await cities.size());
