/**
 * A script that puts messages and consumes them with `for await`.
 *
 *     node --import @oxc-node/core/register examples/for-await.ts
 */
import { HotQueue } from 'hotqueue';

const cities = new HotQueue('cities');

await cities.put('Lisbon', 'Oslo', 'Quito');
await cities.put({ name: 'Perth', visits: 2 }, null); // any JSON value, including null

// Each step of the loop acknowledges the last city. The loop ends when no message has come for a second.
for await (const city of cities.consume({ idleTimeout: '1s' })) {
  console.log('visited', city);
}

console.log('left', await cities.size());
