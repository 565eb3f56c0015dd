/** What producer, worker and monitor have in common: the task, and the queue it travels on. */
import { IsInt, IsString, Max, Min } from 'class-validator';
import { HotQueue } from 'hotqueue';

/** Make a copy of the image at `path` that fits into `width` × `height` pixels. */
export class ResizeImage {
  @IsString() path!: string;
  @IsInt() @Min(1) @Max(10_000) width!: number;
  @IsInt() @Min(1) @Max(10_000) height!: number;
}

export const images = new HotQueue('images', { payload: ResizeImage });
