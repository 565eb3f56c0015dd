import { HotQueue, worker, type Delivery, type Job } from 'hotqueue';
import { exactly, Image } from './payloads.js';

class Size {
  bytes!: number;
  text(): string {
    return `${this.bytes} bytes`;
  }
}
const sized = new HotQueue('sized', { payload: Image, result: Size });
const counted = new HotQueue('counted', { result: Number });
const untracked = new HotQueue('untracked', { payload: Image });

export async function jobs(): Promise<void> {
  const job = await sized.put({ path: 'a.jpg', width: 1 });
  exactly<Job<Image, Size>>()(job);
  exactly<Size>()(await job.result({ timeout: '1s' }));
  exactly<Size>()(await sized.job('id').result());
  exactly<Size | undefined>()((await sized.job('id').fetch())?.result);
  exactly<Image | undefined>()((await job.fetch())?.payload);
  exactly<unknown>()(await (await untracked.put({ path: 'a.jpg', width: 1 })).result());
  for (const one of await sized.putAll([])) exactly<Job<Image, Size>>()(one);
  const { jobs: page } = await sized.jobs.list({ status: 'done' });
  exactly<Size | undefined>()(page[0]!.result);
}

// Data of the class is enough, at once or as a promise.
export const functions = [
  sized.worker(() => ({ bytes: 1 })),
  sized.worker(async (image) => ({ bytes: await Promise.resolve(image.width) })),
  sized.worker((images) => images.map(({ width }) => ({ bytes: width })), { batch: 2 }),
  untracked.worker(() => 'anything'),
  untracked.worker(() => undefined),
  // @ts-expect-error bytes is a number
  sized.worker(() => ({ bytes: '1' })),
  // @ts-expect-error a result is missing
  sized.worker(() => undefined),
  // @ts-expect-error one result for each message
  sized.worker((_images: Image[]) => ({ bytes: 1 }), { batch: 2 }),
];

export class Studio {
  @worker(sized)
  async right(image: Image, job: Delivery<Image>): Promise<Size> {
    await job.progress(0.5);
    return Object.assign(new Size(), { bytes: image.width });
  }

  @sized.worker({ concurrency: 2 })
  plain(image: Image) {
    return { bytes: image.width };
  }

  @sized.worker
  bare(image: Image) {
    return { bytes: image.width };
  }

  @worker(sized, { batch: 2 })
  batch(images: Image[]) {
    return images.map(({ width }) => ({ bytes: width }));
  }

  // @ts-expect-error bytes is a number
  @worker(sized)
  wrong(image: Image) {
    return { bytes: image.path };
  }

  // @ts-expect-error a result is missing
  @sized.worker
  nothing(_image: Image): void {}

  @worker(untracked)
  free(_image: Image): string {
    return 'anything';
  }
}
export const numbers = counted.worker(() => 3);
