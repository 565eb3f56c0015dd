import { HotQueue, run, worker, type Delivery } from 'hotqueue';
import { Email, exactly, Image, images, untyped } from '../legacy/payloads.js';

declare const every: HotQueue<any, any>;

export class Studio {
  @worker(images) async resize(_image: Image, _job: Delivery<Image>): Promise<void> {}
  @worker(images, { concurrency: 4, attempts: 5, backoff: '90s' }) crop(_image: Image) {}
  @images.worker blur(_image: Image) {}
  @images.worker({ concurrency: 4 }) sharpen({ path, width }: Image) {
    return `${path} ${width}`;
  }
  @worker(images, {
    backoff: (attempt) => attempt * 1_000,
    retryIf: (error) => !(error instanceof RangeError),
    timeout: '5m',
  })
  careful(_image: Image) {}
  @images.worker({ backoff: ['1s', '5s'] }) listed(_image: Image) {}
  @images.worker tick() {}
  @images.worker partly(_image: { path: string }) {}
  @images.worker protected hidden(_image: Image) {}
  @images.worker lent(this: Studio, _image: Image) {}
  @worker(images, { batch: 100, linger: '50ms' }) async store(
    _images: Image[],
    _jobs: Delivery<Image>[],
  ): Promise<void> {}
  @images.worker({ batch: 100 }) storeBound(_images: readonly Image[]) {}
  @images.worker({ batch: 100 }) storeLent(this: Studio, _images: Image[]) {}
  @worker(every, { batch: 100 }) storeAny(_emails: Email[]) {}
  @every.worker({ batch: 100 }) storeAnyBound(_emails: Email[]) {}
  @worker(every) anyEmail(_email: Email) {}
  @every.worker anyEmailBare(_email: Email) {}

  // @ts-expect-error another payload class
  @worker(images) wrong(_email: Email) {}
  // @ts-expect-error another payload class
  @images.worker wrongBare(_email: Email) {}
  // @ts-expect-error the delivery of another payload
  @images.worker wrongDelivery(_image: Image, _job: Delivery<Email>) {}
  // @ts-expect-error there is no third argument
  @images.worker third(_image: Image, _job: Delivery<Image>, _more: string) {}
  // @ts-expect-error standard decorators have no parameter types
  @worker(untyped) inferred(_image: Image) {}
  // @ts-expect-error standard decorators have no parameter types
  @untyped.worker inferredBare(_image: Image) {}
  // @ts-expect-error standard decorators have no parameter types
  @untyped.worker({ concurrency: 2 }) inferredWithOptions(_image: Image) {}
  // @ts-expect-error a property
  @images.worker property: string = '';
  // @ts-expect-error a property that holds a function
  @worker(images) arrow = (_image: Image) => undefined;
  // @ts-expect-error an accessor
  @images.worker get accessor(): string {
    return '';
  }
  // @ts-expect-error an accessor field
  @images.worker accessor field = '';
  // @ts-expect-error a static method
  @worker(images) static shared(_image: Image) {}
  // @ts-expect-error a static method
  @images.worker static sharedBare(_image: Image) {}
  // @ts-expect-error a private method
  @worker(images) #secret(_image: Image) {}
  // @ts-expect-error a private method
  @images.worker #secretBare(_image: Image) {}
  // @ts-expect-error a mistyped option
  @worker(images, { concurency: 4 }) mistyped(_image: Image) {}
  // @ts-expect-error with batch it gets arrays
  @worker(images, { batch: 100 }) single(_image: Image) {}
  // @ts-expect-error with batch it gets arrays
  @images.worker({ batch: 100 }) singleBound(_image: Image) {}
  // @ts-expect-error arrays of another payload class
  @worker(images, { batch: 100 }) wrongMany(_emails: Email[]) {}
  // @ts-expect-error one delivery for many payloads
  @images.worker({ batch: 100 }) wrongJob(_images: Image[], _job: Delivery<Image>) {}
  // @ts-expect-error without batch it gets one at a time
  @worker(images) many(_images: Image[]) {}
  // @ts-expect-error linger needs batch
  @worker(images, { linger: '50ms' }) lingering(_image: Image) {}
  // @ts-expect-error no compiler emits the type of array items
  @worker(untyped, { batch: 100 }) inferredMany(_images: Image[]) {}
  // @ts-expect-error no compiler emits the type of array items
  @untyped.worker({ batch: 100 }) inferredManyBound(_images: Image[]) {}
  // @ts-expect-error a static method
  @worker(images, { batch: 100 }) static sharedMany(_images: Image[]) {}
  // @ts-expect-error a private method
  @images.worker({ batch: 100 }) #secretMany(_images: Image[]) {}
  // @ts-expect-error a name is not a queue
  @worker('images') named(_image: Image) {}
  // @ts-expect-error the queue is missing
  @worker bare(_image: Image) {}

  secrets() {
    return [this.#secret, this.#secretBare, this.#secretMany];
  }
}

// @ts-expect-error a class
@worker(images)
class Decorated {}
void Decorated;

class Desk {
  work = images.worker((image) => {
    exactly<Image>()(image);
    return image.path;
  });
  store = images.worker(
    (given, jobs) => {
      exactly<Image[]>()(given);
      exactly<Delivery<Image>[]>()(jobs);
    },
    { batch: 100 },
  );
  anything = untyped.worker((item) => exactly<unknown>()(item));
}
void run([new Studio(), new Desk()]);

void images.with({ delay: '10m', priority: 'high' }).put(new Image());
void images
  .with({ id: 'a' })
  .put(new Image())
  .then(({ isDuplicate }) => exactly<boolean | undefined>()(isDuplicate));
// @ts-expect-error no such priority
void images.with({ priority: 'urgent' });
