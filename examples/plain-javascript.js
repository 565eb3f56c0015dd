// Rules and workers in plain JavaScript, without decorators and TypeScript. Ctrl-C ends it.
// In a clone:   node --import @oxc-node/core/register examples/plain-javascript.js
// In a clone after `npm run build`, or where hotqueue is installed:   node examples/plain-javascript.js
import { IsIn, IsInt, Min } from 'class-validator';
import { HotQueue, rules, run } from 'hotqueue';

class Reading {
  static {
    rules(this, { sensor: IsIn(['roof', 'cellar']), celsius: [IsInt(), Min(-273)] });
  }
}

const readings = new HotQueue('readings', { payload: Reading });

const record = readings.worker(async (reading) => {
  console.log(`${reading.sensor}: ${reading.celsius} °C, a ${reading.constructor.name}`);
});

await readings.put({ sensor: 'roof', celsius: 31 }, { sensor: 'cellar', celsius: 12 });
await readings.put({ sensor: 'attic', celsius: 1.5 }).catch((error) => console.log('refused:', error.message));

await run(record);
