/**
 * The consumer: counts primes, as many processes of it as you like. On Ctrl-C it finishes what it has begun, for five seconds;
 * what takes longer goes back to the queue, for another worker, as if it had never been begun.
 *
 *     node --import @oxc-node/core/register examples/jobs-api/worker.ts
 */
import { setImmediate } from 'node:timers/promises';
import { Bury, type Delivery, run, worker } from 'hotqueue';
import { type CountPrimes, jobs, keep } from './jobs.js';

function isPrime(number: number): boolean {
  if (number % 2 === 0) return number === 2;
  for (let divisor = 3; divisor * divisor <= number; divisor += 2) if (number % divisor === 0) return false;
  return true;
}

class Mathematician {
  @worker(jobs, { concurrency: 2, attempts: 3 })
  async count({ from, to }: CountPrimes, job: Delivery<CountPrimes>) {
    if (from > to) throw new Bury(`there is nothing from ${from} to ${to}`); // no rule for one field sees it; no retry mends it
    let primes = 0;
    for (let number = from; number <= to; number++) {
      if (isPrime(number)) primes += 1;
      if (number % 1_000 > 0) continue;
      await setImmediate(); // long work has to let others in: the other job, and the word that this worker is alive
      job.signal.throwIfAborted(); // and has to be told when nobody waits for it any more
    }
    await keep(job.id, { primes });
    console.log(`${primes} primes from ${from} to ${to}`);
  }
}

console.log(`worker ${process.pid} is waiting for jobs`);
await run(new Mathematician(), { deadline: '5s' });
