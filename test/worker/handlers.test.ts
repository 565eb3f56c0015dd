import { IsString } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { ConflictingQueuesError, NoWorkersError } from '../../src/core/errors.js';
import { Delivery } from '../../src/consumer/delivery.js';
import { assertOnePayloadPerQueue, handlersOf } from '../../src/worker/handlers.js';
import type { WorkerSource } from '../../src/worker/types.js';
import { compiled, type Compiler } from '../support/compiled.js';
import { aDeclaredQueue } from '../support/declared.js';

class Image {
  @IsString() path!: string;
}
class Email {
  @IsString() to!: string;
}

const images = aDeclaredQueue('images', Image);
const emails = aDeclaredQueue('emails', Email);
const image = Object.assign(new Image(), { path: 'a.jpg' });

const named = (workers: WorkerSource) => handlersOf(workers).map(({ name }) => name);
/** The result of each handler for one image, by handler name. */
const results = (workers: WorkerSource) =>
  Object.fromEntries(handlersOf(workers).map(({ name, handle }) => [name, handle(image, Delivery.of(image))]));

class Studio {
  readonly #size: string;
  constructor(size = 'small') {
    this.#size = size;
  }
  @images.worker({ concurrency: 4, attempts: 5, backoff: 250 }) resize({ path }: Image): string {
    return `${path} resized ${this.#size}`;
  }
  @images.worker crop({ path }: Image): string {
    return `${path} cropped ${this.#size}`;
  }
  @emails.worker notify(_email: Email): string {
    return 'notified';
  }
  plain(): string {
    return 'no worker';
  }
}

describe('the handlers of an object', () => {
  it('are its decorated methods, several per class and per queue, with their declared options', () => {
    expect(
      handlersOf(new Studio()).map(({ name, context, payload, options }) => [
        name,
        context.name,
        payload.source,
        options,
      ]),
    ).toEqual([
      [
        'Studio.resize',
        'images',
        Image,
        { concurrency: 4, attempts: 5, backoff: { type: 'exponential', delayMs: 250, maxMs: 3_600_000, jitter: true } },
      ],
      ['Studio.crop', 'images', Image, { concurrency: 1 }],
      ['Studio.notify', 'emails', Email, { concurrency: 1 }],
    ]);
  });

  it('run on their object, with its private state', () => {
    const [small, large] = [new Studio('small'), new Studio('large')];
    expect(handlersOf([small, large]).map(({ handle }) => handle(image, Delivery.of(image)))).toEqual([
      'a.jpg resized small', 'a.jpg cropped small', 'notified',
      'a.jpg resized large', 'a.jpg cropped large', 'notified',
    ]); // prettier-ignore
  });

  it('get the payload, then the delivery', () => {
    const desk = { work: images.worker((given, job) => [given.path, job.attempt]) };
    expect(handlersOf(desk)[0]!.handle(image, Delivery.of(image, { attempt: 3 }))).toEqual(['a.jpg', 3]);
  });

  it('include its worker fields', () => {
    class Desk {
      #stamp = 'stamped';
      stamp = images.worker(({ path }) => `${path} ${this.#stamp}`, { concurrency: 2 });
    }
    expect(results(new Desk())).toEqual({ 'Desk.stamp': 'a.jpg stamped' });
    expect(handlersOf(new Desk())[0]!.options).toEqual({ concurrency: 2 });
  });

  it('are found without running getters', () => {
    const desk = {
      work: images.worker(() => 'worked'),
      get trap(): never {
        throw new Error('a getter ran');
      },
    };
    expect(results(desk)).toEqual({ work: 'worked' });
  });

  it('are found in an object without a prototype', () => {
    expect(results(Object.assign(Object.create(null), { work: images.worker(() => 'worked') }) as object)).toEqual({
      work: 'worked',
    });
  });

  it('are found by symbol', () => {
    const key = Symbol('resize');
    class Desk {
      @images.worker [key](_image: Image) {
        return 'by symbol';
      }
    }
    expect(results(new Desk())).toEqual({ 'Desk.Symbol(resize)': 'by symbol' });
  });

  it('are found when the method was copied to another class', () => {
    class Mixed {}
    Object.defineProperty(Mixed.prototype, 'shrink', Object.getOwnPropertyDescriptor(Studio.prototype, 'notify')!);
    expect(results(new Mixed())).toEqual({ 'Mixed.shrink': 'notified' });
  });
});

describe('a method that is a worker of two queues', () => {
  const urgent = aDeclaredQueue('urgent', Image);
  const loud = (...place: unknown[]) => {
    const [first, , descriptor] = place as [(image: Image) => string, unknown, PropertyDescriptor | undefined];
    const method = descriptor ? (descriptor.value as typeof first) : first;
    const louder = (given: Image) => method(given).toUpperCase();
    return descriptor ? { ...descriptor, value: louder } : louder;
  };
  const works = (decorators: string, by: Compiler) => {
    const { Desk } = compiled(`export class Desk { ${decorators} work(image) { return 'worked'; } }`, by, {
      images,
      urgent,
      loud,
    });
    return handlersOf(new Desk!()).map(({ context, options, handle }) => [
      context.name,
      options.concurrency,
      handle(image, Delivery.of(image)),
    ]);
  };

  it.each<Compiler>(['tsc', 'tsc, standard decorators'])('has a handler for each (%s)', (by) => {
    expect(works('@urgent.worker({ concurrency: 8 }) @images.worker', by)).toEqual([
      ['images', 1, 'worked'],
      ['urgent', 8, 'worked'],
    ]);
  });

  it('has both also with another decorator in between, with legacy decorators', () => {
    expect(works('@urgent.worker @loud @images.worker', 'tsc')).toEqual([
      ['images', 1, 'WORKED'],
      ['urgent', 1, 'WORKED'],
    ]);
  });
});

describe.each<Compiler>(['tsc', 'tsc, standard decorators'])('inherited workers (%s)', (by) => {
  const classes = compiled(
    `class Studio {
      #name = 'studio';
      @images.worker({ concurrency: 4 }) resize(image) { return image.path + ' resized by ' + this.#name; }
      @images.worker crop(image) { return 'cropped'; }
    }
    export class Small extends Studio {};
    export class Redecorated extends Studio { @images.worker({ concurrency: 2 }) resize(image) { return 'again: ' + super.resize(image); } };
    export class Overridden extends Studio { resize(image) { return 'plainly: ' + super.resize(image); } };
    export class Moved extends Studio { @emails.worker resize(email) { return 'moved'; } };
    export class Grown extends Studio { blur = images.worker(() => 'blurred') };`,
    by,
    { images, emails },
  );
  const own = (name: string) => new classes[name]!();
  const options = (name: string) => handlersOf(own(name)).find((handler) => handler.name === `${name}.resize`)!.options;

  it('are found in a subclass, under its name', () => {
    expect(results(own('Small'))).toEqual({ 'Small.resize': 'a.jpg resized by studio', 'Small.crop': 'cropped' });
  });

  it('are replaced by an override that is decorated again and may call super', () => {
    expect(results(own('Redecorated'))).toEqual({
      'Redecorated.resize': 'again: a.jpg resized by studio',
      'Redecorated.crop': 'cropped',
    });
    expect(options('Redecorated')).toEqual({ concurrency: 2 });
  });

  it('run an override without a decorator with the metadata of the parent', () => {
    expect(results(own('Overridden'))).toEqual({
      'Overridden.resize': 'plainly: a.jpg resized by studio',
      'Overridden.crop': 'cropped',
    });
    expect(options('Overridden')).toEqual({ concurrency: 4 });
  });

  it('move to the queue of the override', () => {
    const queues = Object.fromEntries(handlersOf(own('Moved')).map(({ name, context }) => [name, context.name]));
    expect(queues).toEqual({ 'Moved.resize': 'emails', 'Moved.crop': 'images' });
  });

  it('are added to the workers of the subclass', () => {
    expect(named(own('Grown')).sort()).toEqual(['Grown.blur', 'Grown.crop', 'Grown.resize']);
  });

  it('do not change the parent', () => {
    expect(Object.keys(results(own('Small')))).toHaveLength(2);
  });
});

describe('the handlers of a function', () => {
  it('are one handler, named after the function or else the queue', () => {
    expect(named(images.worker(function resize() {}))).toEqual(['resize']);
    expect(named(images.worker(() => 1))).toEqual(['worker of "images"']);
    expect(named(images.worker(Object.values({ classify() {} })[0]))).toEqual(['classify']);
  });

  it('can be combined with those of objects in an array', () => {
    expect(named([new Studio(), emails.worker(function send() {})])).toEqual([
      'Studio.resize',
      'Studio.crop',
      'Studio.notify',
      'send',
    ]);
  });
});

describe('values without workers', () => {
  const plain = () => 1;
  it.each<[string, unknown, string]>([
    ['a class', Studio, 'workers is the class Studio: pass an instance, run(new Studio())'],
    ['a class without workers', class Empty {}, 'workers is the class Empty: pass an instance, run(new Empty())'],
    [
      'an object without',
      new (class Empty {})(),
      'no workers found in workers (an instance of Empty): expected methods with @worker(queue) or @queue.worker',
    ],
    ['a plain object', { work: plain }, 'no workers found in workers (an object)'],
    ['an object without a prototype', Object.create(null), 'no workers found in workers (an object)'],
    ['a plain function', plain, 'workers is a plain function (plain): wrap it first, const work = queue.worker(fn)'],
    [
      'a method without its object',
      Object.getOwnPropertyDescriptor(Studio.prototype, 'resize')!.value,
      'workers is the method resize without its object: pass the object, run(studio)',
    ],
    ['a queue', images, 'it is a queue. Pass a worker of it'],
    ['an empty array', [], 'the array of workers is empty'],
    ['an array in an array', [new Studio(), [new Studio()]], 'workers[1] is an array inside an array: spread it'],
    ['one wrong of several', [new Studio(), Studio], 'workers[1] is the class Studio'],
    ['a promise', Promise.resolve(new Studio()), 'workers is a promise: await it first'],
    ['undefined', undefined, 'workers is undefined: expected an object with workers'],
    ['null', null, 'workers is null'],
    ['a string', 'images', 'workers is "images"'],
    ['a number', 4, 'workers is 4'],
  ])('are refused: %s', (_, workers, sentence) => {
    expect(() => handlersOf(workers as WorkerSource)).toThrow(NoWorkersError);
    expect(() => handlersOf(workers as WorkerSource)).toThrow(sentence);
  });

  it('include a class that was compiled to a function, recognized by its prototype', () => {
    function Old() {}
    Object.defineProperty(Old.prototype, 'resize', Object.getOwnPropertyDescriptor(Studio.prototype, 'resize')!);
    expect(() => handlersOf(Old)).toThrow('workers is the class Old');
  });
});

describe('one payload per queue', () => {
  const another = aDeclaredQueue('images', Email);

  it('is accepted: workers with the same class, also through two queue objects', () => {
    const twin = aDeclaredQueue('images', Image);
    assertOnePayloadPerQueue(handlersOf([new Studio(), twin.worker(() => 1)]));
  });

  it('is required: two classes on one key of one Redis are refused', () => {
    const handlers = handlersOf([new Studio(), another.worker(function send() {})]);
    expect(() => assertOnePayloadPerQueue(handlers)).toThrow(ConflictingQueuesError);
    expect(() => assertOnePayloadPerQueue(handlers)).toThrow(
      'two workers take from "hotqueue:images" with different payloads, Image (Studio.crop) and Email (send)',
    );
  });

  it('is required: a class and no class are refused', () => {
    const untyped = aDeclaredQueue('images');
    expect(() => assertOnePayloadPerQueue(handlersOf([images.worker(() => 1), untyped.worker(() => 1)]))).toThrow(
      ConflictingQueuesError,
    );
  });

  it('is required: two methods of an untyped queue that expect different classes are refused', () => {
    const untyped = aDeclaredQueue('untyped');
    class Desk {
      @untyped.worker image(_image: Image) {}
      @untyped.worker email(_email: Email) {}
    }
    expect(() => assertOnePayloadPerQueue(handlersOf(new Desk()))).toThrow(
      'with different payloads, Image (Desk.image) and Email (Desk.email)',
    );
  });

  it('is required per Redis: the same name on another Redis is another queue', () => {
    const elsewhere = aDeclaredQueue('images', Email, {});
    assertOnePayloadPerQueue(handlersOf([new Studio(), elsewhere.worker(() => 1)]));
  });
});
