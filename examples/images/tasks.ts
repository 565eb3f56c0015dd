/** The task and the queue of producer, worker and monitor. */
import { IsInt, IsString, Max, Min } from 'class-validator';
import { HotQueue } from 'hotqueue';

/** A task: make a copy of the image at `path` that fits into `width` × `height` pixels. */
export class ResizeImage {
  @IsString() path!: string;
  @IsInt() @Min(1) @Max(10_000) width!: number;
  @IsInt() @Min(1) @Max(10_000) height!: number;
}

export const images = new HotQueue('images', { payload: ResizeImage });
