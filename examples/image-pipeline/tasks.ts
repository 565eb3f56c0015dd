/** The steps of the pipeline: their queues, what they take and what they return. */
import { IsInt, IsUrl, Max, Min } from 'class-validator';
import { HotQueue } from 'hotqueue';
import { z } from 'zod';

/** Fetch a photograph. */
export class Download {
  @IsUrl({ require_tld: false }) url!: string;
}

/** Make a copy that is `width` pixels wide. The photograph is the result of the step before. */
export class Resize {
  @IsInt() @Min(1) @Max(10_000) width!: number;
}

const photo = z.object({ name: z.string(), file: z.string() });
const copy = z.object({ name: z.string(), file: z.string(), width: z.number(), height: z.number() });

export type Copy = z.output<typeof copy>;

// Messages of a killed worker go back after its lease.
const lease = '3s';
export const downloads = new HotQueue('pipeline-downloads', { payload: Download, result: photo, lease });
export const copies = new HotQueue('pipeline-copies', { payload: Resize, result: copy, lease });
/** The page gets the copies of all photographs: an array for each. */
export const pages = new HotQueue('pipeline-pages', { payload: z.array(z.array(copy)), result: z.string(), lease });
