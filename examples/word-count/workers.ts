/** The two kinds of tasks, their queues and their worker. */
import { IsInt, IsString, Min } from 'class-validator';
import { HotQueue, worker } from 'hotqueue';
import { z } from 'zod';
import { add, countWords, type Piece, read, type Words } from './counting.js';

/** A task: count the words of a piece. */
export class MapTask implements Piece {
  @IsString() file!: string;
  @IsInt() @Min(0) from!: number;
  @IsInt() @Min(0) to!: number;
}

/** Words and how often they occur. */
const words = z.array(z.tuple([z.string(), z.number()]));
type Counts = z.output<typeof words>;

// The active messages of a killed worker go back after its lease: 30 s by default, 3 s here, so that you can watch it.
const lease = '3s';
const track = { keep: '1h' } as const;
export const toMap = new HotQueue('word-count-map', { payload: MapTask, result: words, lease, track });
/** A task: add up the words of all pieces. Its payload is the results of the pieces. */
export const toReduce = new HotQueue('word-count-reduce', { payload: z.array(words), result: words, lease, track });

export class Counter {
  @worker(toMap, { concurrency: 4 })
  async map(task: MapTask): Promise<Counts> {
    const found = countWords(await read(task));
    console.log(`${task.file} ${task.from}–${task.to}: ${found.size} different words`);
    return [...found]; // if this worker is killed before Redis has the result, another one counts the piece again
  }

  @worker(toReduce)
  reduce(parts: Counts[]): Counts {
    const sum: Words = new Map();
    for (const part of parts) add(sum, part);
    return [...sum].sort(([, times], [, others]) => others - times);
  }
}
