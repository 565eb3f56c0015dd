import {
  HotQueue,
  run,
  start,
  worker,
  type BatchHandler,
  type BatchWorkerFunction,
  type Delivery,
  type Handler,
  type WorkerFunction,
} from 'hotqueue';
import { Email, exactly, Image, images, isTrue, untyped, type Same } from './payloads.js';

declare const every: HotQueue<any, any>; // eslint-disable-line @typescript-eslint/no-explicit-any

export class Studio {
  @worker(images) async resize(_image: Image, _job: Delivery<Image>): Promise<void> {}
  @worker(images, { concurrency: 4, attempts: 5, backoff: '90s' }) crop(_image: Image) {}
  @images.worker blur(_image: Image) {}
  @images.worker({ concurrency: 4 }) sharpen({ path, width }: Image) {
    return `${path} ${width}`;
  }
  @worker(images, {
    backoff: (attempt, error) => {
      exactly<number>()(attempt);
      exactly<unknown>()(error);
      return attempt * 1_000;
    },
    retryIf: (error, attempt) => attempt < 3 && !(error instanceof RangeError),
    timeout: '5m',
  })
  careful(_image: Image) {}
  @images.worker({ backoff: ['1s', 5_000, '1m'] }) listed(_image: Image) {}
  @images.worker({ backoff: { type: 'fixed', delay: '1s', jitter: true } }) fixed(_image: Image) {}
  @images.worker({ backoff: { type: 'exponential', delay: '1s', max: '1h' } }) doubling(_image: Image) {}
  @images.worker tick() {}
  @images.worker wide(_image: Image | Email) {}
  @images.worker partly(_image: { path: string }) {}
  @images.worker protected hidden(_image: Image) {}
  @images.worker counted(_image: Image, job: Delivery<Image>): number {
    return job.attempt;
  }
  @images.worker lent(this: Studio, _image: Image) {}
  @worker(images, { batch: 100, linger: '50ms' }) async store(
    _images: Image[],
    _jobs: Delivery<Image>[],
  ): Promise<void> {}
  @worker(images, { batch: 100, concurrency: 2, attempts: 5, timeout: '1m' }) storeAlone(_images: Image[]) {}
  @images.worker({ batch: 100 }) storeBound(_images: readonly Image[], jobs: readonly Delivery<Image>[]): number {
    jobs[0]?.fail(new Error('no'));
    return jobs.length;
  }
  @images.worker({ batch: 100 }) storePartly(this: Studio, _images: { path: string }[]) {}
  @images.worker({ batch: 100 }) storeTick() {}
  @worker(every, { batch: 100 }) storeAny(_emails: Email[]) {}
  @every.worker({ batch: 100 }) storeAnyBound(_emails: Email[]) {}
  @worker(every) anyEmail(_email: Email) {}
  @every.worker anyEmailBare(_email: Email) {}

  @worker(untyped) inferred(_image: Image) {}
  @untyped.worker inferredBare(_image: Image, _job: Delivery<Image>) {}
  @untyped.worker text(_text: string) {}
  @untyped.worker({ concurrency: 2 }) number(_n: number) {}

  // @ts-expect-error another payload class
  @worker(images) wrong(_email: Email) {}
  // @ts-expect-error another payload class
  @images.worker wrongBare(_email: Email) {}
  // @ts-expect-error another payload class
  @images.worker({ concurrency: 4 }) wrongWithOptions(_email: Email) {}
  // @ts-expect-error the delivery of another payload
  @images.worker wrongDelivery(_image: Image, _job: Delivery<Email>) {}
  // @ts-expect-error the delivery of another payload, on a queue that reads it from the method
  @untyped.worker wrongDeliveryInferred(_image: Image, _job: Delivery<Email>) {}
  // @ts-expect-error there is no third argument
  @images.worker third(_image: Image, _job: Delivery<Image>, _more: string) {}
  // @ts-expect-error a property
  @images.worker property: string = '';
  // @ts-expect-error a property that holds a function
  @worker(images) arrow = (_image: Image) => undefined;
  // @ts-expect-error an accessor
  @images.worker get accessor(): string {
    return '';
  }
  // @ts-expect-error a mistyped option
  @worker(images, { concurency: 4 }) mistyped(_image: Image) {}
  // @ts-expect-error a mistyped option
  @images.worker({ attempt: 4 }) mistypedBound(_image: Image) {}
  // @ts-expect-error not a duration
  @images.worker({ backoff: 'soon' }) soon(_image: Image) {}
  // @ts-expect-error a list with an item that is not a duration
  @images.worker({ backoff: ['1s', 'soon'] }) soonListed(_image: Image) {}
  // @ts-expect-error a fixed delay has no maximum
  @images.worker({ backoff: { type: 'fixed', delay: '1s', max: '1h' } }) grown(_image: Image) {}
  // @ts-expect-error the type is missing
  @images.worker({ backoff: { delay: '1s' } }) untold(_image: Image) {}
  // @ts-expect-error a function that returns no duration
  @images.worker({ backoff: () => 'soon' }) soonAsked(_image: Image) {}
  // @ts-expect-error an async function is not awaited
  @images.worker({ backoff: async () => 5 }) awaited(_image: Image) {}
  // @ts-expect-error an async function is not awaited
  @images.worker({ retryIf: async () => false }) awaitedFilter(_image: Image) {}
  // @ts-expect-error a function that returns no boolean
  @images.worker({ retryIf: () => undefined }) unanswered(_image: Image) {}
  // @ts-expect-error not a duration
  @images.worker({ timeout: 'soon' }) timed(_image: Image) {}
  // @ts-expect-error an option of a message, not of a worker
  @images.worker({ ttl: '1h' }) lasting(_image: Image) {}
  // @ts-expect-error with batch it gets arrays
  @worker(images, { batch: 100 }) single(_image: Image) {}
  // @ts-expect-error with batch it gets arrays
  @images.worker({ batch: 100 }) singleBound(_image: Image) {}
  // @ts-expect-error arrays of another payload class
  @worker(images, { batch: 100 }) wrongMany(_emails: Email[]) {}
  // @ts-expect-error arrays of another payload class
  @images.worker({ batch: 100 }) wrongManyBound(_emails: Email[]) {}
  // @ts-expect-error one delivery for many payloads
  @images.worker({ batch: 100 }) wrongJob(_images: Image[], _job: Delivery<Image>) {}
  // @ts-expect-error the deliveries of another payload
  @images.worker({ batch: 100 }) wrongJobs(_images: Image[], _jobs: Delivery<Email>[]) {}
  // @ts-expect-error without batch it gets one at a time
  @worker(images) many(_images: Image[]) {}
  // @ts-expect-error without batch it gets one at a time
  @images.worker({ concurrency: 4 }) manyBound(_images: Image[]) {}
  // @ts-expect-error linger needs batch
  @worker(images, { linger: '50ms' }) lingering(_image: Image) {}
  // @ts-expect-error not a duration
  @worker(images, { batch: 100, linger: 'soon' }) lingeringSoon(_images: Image[]) {}
  // @ts-expect-error batch is a number
  @worker(images, { batch: true }) truly(_images: Image[]) {}
  // @ts-expect-error a mistyped option beside batch
  @worker(images, { batch: 100, lingr: '50ms' }) mistypedMany(_images: Image[]) {}
  // @ts-expect-error no compiler emits the type of array items
  @worker(untyped, { batch: 100 }) inferredMany(_images: Image[]) {}
  // @ts-expect-error no compiler emits the type of array items
  @untyped.worker({ batch: 100 }) inferredManyBound(_images: Image[]) {}
  // @ts-expect-error a name is not a queue
  @worker('images') named(_image: Image) {}
  // @ts-expect-error the queue is missing
  @worker bare(_image: Image) {}
  // @ts-expect-error a parameter
  parameter(@images.worker _image: Image) {}
}

// @ts-expect-error a class
@worker(images)
class Decorated {}
void Decorated;

// Worker fields and wrapped functions need no type annotations.
class Desk {
  #stamp = 'stamped';
  work = images.worker((image, job) => {
    exactly<Image>()(image);
    exactly<Delivery<Image>>()(job);
    return `${image.path} ${this.#stamp}`;
  });
}
isTrue<Same<Desk['work'], WorkerFunction<Image, string>>>();

// Batch workers.
const store = images.worker(
  (given, jobs) => {
    exactly<Image[]>()(given);
    exactly<Delivery<Image>[]>()(jobs);
    jobs[0]?.fail('no');
    exactly<{ readonly error: unknown } | undefined>()(jobs[0]?.failure);
    return given.length;
  },
  { batch: 100, linger: 50 },
);
isTrue<Same<typeof store, BatchWorkerFunction<Image, number>>>();
const batchHandler: BatchHandler<Image> = (given) => given.length;
images.worker(batchHandler, { batch: 2 });
untyped.worker((items) => exactly<unknown[]>()(items), { batch: 2 });
// @ts-expect-error it expects one message
images.worker((image: Image) => image.path, { batch: 2 });
// @ts-expect-error it expects an array
images.worker((given: Image[]) => given.length);
// @ts-expect-error linger needs batch
images.worker((image: Image) => image.path, { linger: '1s' });
void run(store);

const echo = images.worker(async (image) => image.path, { concurrency: 4 });
export async function calling(image: Image, job: Delivery<Image>): Promise<void> {
  isTrue<Same<ReturnType<Desk['work']>, string>>();
  const path = await echo(image);
  exactly<string>()(path);
  await echo(image, job);
  const stopped = await echo();
  exactly<void>()(stopped);
  // @ts-expect-error not an Image
  await echo({ to: 'a@b.c' });
  // @ts-expect-error the type of a decorated method requires its payload: TypeScript does not know that a call without one starts the worker
  await new Studio().resize();
}
const handler: Handler<Image> = (image) => image.area();
images.worker(handler);
images.worker(() => undefined);
untyped.worker((item) => exactly<unknown>()(item));
// @ts-expect-error another payload
images.worker((email: Email) => email.to);
// @ts-expect-error a mistyped option
images.worker(handler, { concurency: 4 });

void run(new Studio());
void run([new Studio(), echo], { shutdownTimeout: '30s' });
void run(echo);
// @ts-expect-error a name is not a worker
void run('images');
// @ts-expect-error a mistyped option
void run(echo, { dedline: 1 });
export async function running(): Promise<void> {
  await using runner = start([new Studio(), echo]);
  await runner.stop({ shutdownTimeout: 500 });
  await runner.finished;
}
