/**
 * The worker: counts primes. You can start several processes. On Ctrl-C, active jobs have five seconds to finish. Jobs that
 * take longer go back to the queue for another worker, and the attempt is not counted.
 *
 *     node --import @oxc-node/core/register examples/jobs-api/worker.ts
 */
import { setImmediate } from 'node:timers/promises';
import { Bury, type Delivery, run, worker } from 'hotqueue';
import { type CountPrimes, jobs, type Primes } from './jobs.js';

function isPrime(number: number): boolean {
  if (number % 2 === 0) return number === 2;
  for (let divisor = 3; divisor * divisor <= number; divisor += 2) if (number % divisor === 0) return false;
  return true;
}

class Mathematician {
  @worker(jobs, { concurrency: 2, attempts: 3 })
  async count({ from, to }: CountPrimes, job: Delivery<CountPrimes>): Promise<Primes> {
    if (from > to) throw new Bury(`from ${from} is greater than to ${to}`); // a rule for one field cannot check this, and a retry cannot fix it
    let primes = 0;
    for (let number = from; number <= to; number++) {
      if (isPrime(number)) primes += 1;
      if (number % 1_000 > 0) continue;
      if (number % 100_000 === 0) await job.progress((number - from) / (to - from));
      await setImmediate(); // long work must yield to the event loop, for the other job and for the heartbeat of this worker
      job.signal.throwIfAborted(); // and must stop when its signal aborts, as when the job is cancelled
    }
    console.log(`${primes} primes from ${from} to ${to}`);
    return { primes };
  }
}

console.log(`worker ${process.pid} is waiting for jobs`);
await run(new Mathematician(), { shutdownTimeout: '5s' });
