/** The job, its answer and its queue, for the API and its workers. */
import { IsInt, Max, Min } from 'class-validator';
import { HotQueue } from 'hotqueue';

/** A job: count the primes from `from` to `to`. */
export class CountPrimes {
  @IsInt() @Min(2) from!: number;
  @IsInt() @Min(2) @Max(1_000_000_000) to!: number;
}

/** The answer to a job. */
export class Primes {
  @IsInt() @Min(0) primes!: number;
}

// Answers are kept for an hour, and failed jobs for a week.
export const jobs = new HotQueue('primes', { payload: CountPrimes, result: Primes, track: { keep: '1h' } });
