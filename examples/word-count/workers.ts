/** The two kinds of task, their queues, and who does them. */
import { IsArray, IsInt, IsString, IsUUID, Min } from 'class-validator';
import { type Delivery, HotQueue, worker } from 'hotqueue';
import { countWords, type Piece, read } from './counting.js';
import { finish, keep, progress } from './shelf.js';

/** Count the words of a piece. */
export class MapTask implements Piece {
  @IsUUID() count!: string;
  @IsString() file!: string;
  @IsInt() @Min(0) from!: number;
  @IsInt() @Min(0) to!: number;
}

/** Take the words of a piece into the sum. */
export class ReduceTask {
  @IsUUID() count!: string;
  /** Which job counted them. */
  @IsUUID() job!: string;
  @IsArray() words!: [string, number][];
}

// What a killed worker held comes back after the lease: 30 s if nothing is said, 3 here, so that one can watch it.
const lease = '3s';
export const toMap = new HotQueue('word-count-map', { payload: MapTask, lease });
export const toReduce = new HotQueue('word-count-reduce', { payload: ReduceTask, lease });

export class Counter {
  @worker(toMap, { concurrency: 4 })
  async map(task: MapTask, job: Delivery<MapTask>) {
    const words = countWords(await read(task));
    await toReduce.put({ count: task.count, job: job.id, words: [...words] });
    console.log(`${task.file} ${task.from}–${task.to}: ${words.size} different words`);
    // Killed between the put and here, this worker leaves a task behind that was done: it is done again, by another, and its
    // words are put twice. Both times job.id is the same.
  }

  @worker(toReduce)
  async reduce({ count, job, words }: ReduceTask) {
    await keep(count, job, new Map(words)); // under the job's id: the second time it changes nothing
    const { done, of } = await progress(count);
    if (done === of) await finish(count); // by the last one; by two at once, if they are last together, with the same sum
  }
}
