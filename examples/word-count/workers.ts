/** The two kinds of tasks, their queues and their worker. */
import { IsArray, IsInt, IsString, IsUUID, Min } from 'class-validator';
import { type Delivery, HotQueue, worker } from 'hotqueue';
import { countWords, type Piece, read } from './counting.js';
import { finish, keep, progress } from './shelf.js';

/** A task: count the words of a piece. */
export class MapTask implements Piece {
  @IsUUID() count!: string;
  @IsString() file!: string;
  @IsInt() @Min(0) from!: number;
  @IsInt() @Min(0) to!: number;
}

/** A task: add the words of a piece to the sum. */
export class ReduceTask {
  @IsUUID() count!: string;
  /** Id of the job that counted them. */
  @IsUUID() job!: string;
  @IsArray() words!: [string, number][];
}

// The active messages of a killed worker go back after its lease: 30 s by default, 3 s here, so that you can watch it.
const lease = '3s';
export const toMap = new HotQueue('word-count-map', { payload: MapTask, lease });
export const toReduce = new HotQueue('word-count-reduce', { payload: ReduceTask, lease });

export class Counter {
  @worker(toMap, { concurrency: 4 })
  async map(task: MapTask, job: Delivery<MapTask>) {
    const words = countWords(await read(task));
    await toReduce.put({ count: task.count, job: job.id, words: [...words] });
    console.log(`${task.file} ${task.from}–${task.to}: ${words.size} different words`);
    // If this worker is killed between the put and here, another worker does the same task again, and puts its words a second
    // time. Both puts have the same job.id.
  }

  @worker(toReduce)
  async reduce({ count, job, words }: ReduceTask) {
    await keep(count, job, new Map(words)); // stored under the job's id: a second time changes nothing
    const { done, of } = await progress(count);
    if (done === of) await finish(count); // the last task does this; two last tasks at the same time both do it, with the same sum
  }
}
