import { IsInt, IsString } from 'class-validator';
import { describe, expect, it, vi } from 'vitest';
import { InvalidOptionError, InvalidWorkerError, NoWorkersError } from '../../src/core/errors.js';
import { Delivery } from '../../src/consumer/delivery.js';
import { handlersOf } from '../../src/worker/handlers.js';
import { worker } from '../../src/worker/decorator.js';
import { compiled, type Compiler } from '../support/compiled.js';
import { aDeclaredQueue } from '../support/declared.js';

class Image {
  @IsString() path!: string;
}
class Email {
  @IsString() to!: string;
}

const images = aDeclaredQueue('images', Image);
const image = Object.assign(new Image(), { path: 'a.jpg' });

/** Compiles and declares a class. @returns the error that this throws */
function thrownBy(source: string, by: Compiler, scope: Record<string, unknown> = {}): Error {
  try {
    compiled(source, by, { images, worker, Image, Email, untyped: aDeclaredQueue('untyped'), ...scope });
  } catch (error) {
    return error as Error;
  }
  throw new Error(`expected an error from ${source}`);
}

const legacyAndStandard: Compiler[] = ['tsc', 'tsc, standard decorators'];

describe.each(legacyAndStandard)('a decorated method (%s)', (by) => {
  const queue = aDeclaredQueue('images', Image);
  const scope = { queue, worker, seen: (what: unknown) => seen.push(what) };
  const seen: unknown[] = [];
  const { Studio } = compiled(
    `export class Studio {
      #secret = 'varnish';
      @worker(queue) async resize(image, job) { seen([this.#secret, image.path, job?.attempt]); return 'resized'; }
      @queue.worker async crop(image) { seen('crop'); }
      @queue.worker({ concurrency: 4 }) blur(image) { return 'blurred'; }
      @queue.worker tick() { return 'ticked'; }
    }`,
    by,
    scope,
  ) as unknown as { Studio: new () => Record<'resize' | 'crop' | 'blur' | 'tick', (...args: unknown[]) => unknown> };

  it('only runs if it is called with a payload', async () => {
    await expect(new Studio().resize(image, Delivery.of(image, { attempt: 2 }))).resolves.toBe('resized');
    expect(new Studio().blur(undefined)).toBe('blurred');
    expect(seen).toEqual([['varnish', 'a.jpg', 2]]);
  });

  it('keeps its name and its length', () => {
    const { resize, tick } = Studio.prototype as { resize: () => void; tick: () => void };
    expect([resize.name, resize.length, tick.name, tick.length]).toEqual(['resize', 2, 'tick', 0]);
  });

  it('called without arguments, handles messages of its own queue until it is stopped', async () => {
    await (new Studio().resize as () => Promise<void>)();
    expect(queue.asked.pop()!.map(({ name, context }) => [name, context.name])).toEqual([['Studio.resize', 'images']]);
    expect(queue.asked).toEqual([]);
  });

  it('called without arguments, handles messages with its object as `this`', async () => {
    await (new Studio().resize as () => Promise<void>)();
    await expect(queue.asked.pop()![0]!.handle(image, Delivery.of(image))).resolves.toBe('resized');
    expect(seen.pop()).toEqual(['varnish', 'a.jpg', 1]);
  });

  it('without parameters only runs, also if it is called without arguments', () => {
    expect(new Studio().tick()).toBe('ticked');
    expect(queue.asked).toEqual([]);
  });

  it('called without arguments and without its object, throws an error that says what to write', () => {
    const { resize } = new Studio();
    expect(() => resize()).toThrow(NoWorkersError);
    expect(() => resize()).toThrow(
      'resize() was called without its object: call studio.resize(), or run(studio), with an instance',
    );
  });

  it('only records metadata: the fakes here throw on any connection', () => {
    expect(handlersOf(new Studio()).map(({ name, options }) => [name, options])).toEqual([
      ['Studio.resize', { concurrency: 1 }],
      ['Studio.crop', { concurrency: 1 }],
      ['Studio.blur', { concurrency: 4 }],
      ['Studio.tick', { concurrency: 1 }],
    ]);
  });
});

describe('a method with other decorators', () => {
  const label =
    (word: string): MethodDecorator =>
    (_target, _key, descriptor) =>
      Reflect.defineMetadata(word, true, descriptor.value as object);
  const loud = ((_target: object, _key: string, descriptor: PropertyDescriptor) => {
    const method = descriptor.value as (image: Image) => string;
    return { ...descriptor, value: (image: Image) => method(image).toUpperCase() };
  }) as MethodDecorator;
  class Studio {
    @label('above') @images.worker @label('below') resize(image: Image) {
      return image.path;
    }
    @loud @images.worker crop(image: Image) {
      return image.path;
    }
    @images.worker @loud blur(image: Image) {
      return image.path;
    }
  }

  it('keeps Reflect metadata, from decorators above and below', () => {
    const { value: resize } = Object.getOwnPropertyDescriptor(Studio.prototype, 'resize') as { value: object };
    expect(Reflect.getMetadataKeys(resize).sort()).toEqual(['above', 'below']);
  });

  it.each(['crop', 'blur'] as const)(
    'is found, and runs as the other decorator has changed it, above or below (%s)',
    (key) => {
      const handler = handlersOf(new Studio()).find(({ name }) => name === `Studio.${key}`)!;
      expect(handler.handle(image, Delivery.of(image))).toBe('A.JPG');
    },
  );

  it('keeps properties that another decorator set on it', () => {
    const tag = ((_t: object, _k: string, { value }: PropertyDescriptor) =>
      void ((value as { tag?: string }).tag = 'x')) as MethodDecorator;
    class Tagged {
      @images.worker @tag resize(_image: Image) {}
    }
    expect(Object.getOwnPropertyDescriptor(Tagged.prototype, 'resize')!.value).toHaveProperty('tag', 'x');
  });

  it('is found with standard decorators if the decorator above replaced it', () => {
    const loudly = (method: (image: Image) => string) => (image: Image) => method(image).toUpperCase();
    const { Press } = compiled(
      `export class Press { @loudly @images.worker print(image) { return image.path } }`,
      'tsc, standard decorators',
      { images, loudly },
    );
    const [handler] = handlersOf(new Press!());
    expect(handler!.name).toBe('Press.print');
    expect(handler!.handle(image, Delivery.of(image))).toBe('A.JPG');
  });
});

describe('a wrapped function', () => {
  const queue = aDeclaredQueue('images', Image);
  const echo = queue.worker(function echo(given, job) {
    return [given, job?.attempt];
  });

  it('only runs if it is called with a payload, also with undefined', () => {
    expect(echo(image, Delivery.of(image))).toEqual([image, 1]);
    expect((echo as (...args: unknown[]) => unknown)(undefined)).toEqual([undefined, undefined]);
    expect([echo.name, echo.length]).toEqual(['echo', 2]);
  });

  it('called without arguments, handles messages until it is stopped', async () => {
    await echo();
    expect(queue.asked.pop()!.map(({ name }) => name)).toEqual(['echo']);
  });

  it('does so also if its handler has no parameters, as its type says', async () => {
    await queue.worker(() => 'tick')();
    expect(queue.asked.pop()!.map(({ name }) => name)).toEqual(['worker of "images"']);
  });

  it('keeps the object it is called on', async () => {
    class Studio {
      path = 'b.jpg';
      resize = queue.worker(function (this: Studio) {
        return this.path;
      } as () => string);
    }
    await new Studio().resize();
    expect(queue.asked.pop()![0]!.handle(image, Delivery.of(image))).toBe('b.jpg');
  });

  it('takes any JSON value on an untyped queue', () => {
    const [handler] = handlersOf(aDeclaredQueue('untyped').worker((item) => item));
    expect(handler!.payload.source).toBeUndefined();
  });

  it('takes the same options as a method', () => {
    const retryIf = () => true;
    const options = { concurrency: 2, attempts: 5, backoff: ['1s', '90s'], retryIf, timeout: '5m' } as const;
    expect(handlersOf(queue.worker(() => 1, options))[0]!.options).toEqual({
      concurrency: 2,
      attempts: 5,
      backoff: { type: 'listed', delaysMs: [1_000, 90_000] },
      retryIf,
      timeoutMs: 300_000,
    });
    expect(() => queue.worker(function resize() {}, { concurency: 2 } as object)).toThrow(
      '@worker on resize: unknown option "concurency": did you mean "concurrency"?',
    );
  });

  it.each([
    ['a class', class Studio {}, '@worker on Studio: @worker goes on the methods of a class, not on the class itself'],
    [
      'a generator',
      function* each() {},
      '@worker on each: it is a generator, so its body would never run: remove the *',
    ],
  ])('cannot be made from %s', (_, fn, sentence) => {
    expect(() => queue.worker(fn as unknown as () => void)).toThrow(sentence);
  });

  it('can be made with a detached queue.worker, as @queue.worker needs', () => {
    const { worker: detached } = queue;
    expect(handlersOf(detached((given) => given))[0]!.context.name).toBe('images');
  });
});

describe.each(legacyAndStandard)('options (%s)', (by) => {
  const method = by === 'tsc' ? 'Studio.resize' : 'resize';
  it.each([
    ['{ concurency: 4 }', 'concurency', 'unknown option "concurency": did you mean "concurrency"?'],
    ['{ concurrency: 0 }', 'concurrency', 'invalid concurrency 0: expected a whole number from 1 to 10000'],
    ['{ concurrency: 10_001 }', 'concurrency', 'invalid concurrency 10001: expected'],
    ['{ concurrency: 1.5 }', 'concurrency', 'invalid concurrency 1.5: expected'],
    ['{ attempts: 0 }', 'attempts', 'invalid attempts 0: expected a whole number from 1'],
    ["{ backoff: 'soon' }", 'backoff', 'invalid backoff "soon": expected a duration'],
    ['{ backoff: [] }', 'backoff', 'invalid backoff []: expected at least one duration'],
    ["{ backoff: ['1s', 'soon'] }", 'backoff[1]', 'invalid backoff[1] "soon": expected a duration'],
    [
      "{ backoff: { delay: '1s' } }",
      'backoff.type',
      "invalid backoff.type undefined: expected 'fixed' or 'exponential'",
    ],
    [
      "{ backoff: { type: 'linear', delay: '1s' } }",
      'backoff.type',
      `invalid backoff.type "linear": expected 'fixed' or 'exponential'`,
    ],
    ["{ backoff: { type: 'fixed' } }", 'backoff.delay', 'invalid backoff.delay undefined: expected a duration'],
    ["{ backoff: { type: 'fixed', delay: -1 } }", 'backoff.delay', 'invalid backoff.delay -1: expected a duration'],
    [
      "{ backoff: { type: 'fixed', delay: 1, max: 2 } }",
      'backoff.max',
      'invalid backoff.max 2 ms: a fixed wait does not grow',
    ],
    [
      "{ backoff: { type: 'exponential', delay: '10s', max: '1s' } }",
      'backoff.max',
      'invalid backoff.max 1000 ms: expected at least the delay, 10000 ms',
    ],
    [
      "{ backoff: { type: 'exponential', delay: 1, jitter: 0.5 } }",
      'backoff.jitter',
      'invalid backoff.jitter 0.5: expected true or false',
    ],
    ["{ backoff: { type: 'fixed', dealy: 1 } }", 'dealy', 'backoff: unknown option "dealy": did you mean "delay"?'],
    ['{ backoff: null }', 'backoff', 'invalid backoff null: expected a duration'],
    ["{ retryIf: 'never' }", 'retryIf', 'invalid retryIf "never": expected a function'],
    ['{ timeout: 0 }', 'timeout', 'invalid timeout 0: expected at least 1 ms'],
    ["{ timeout: 'soon' }", 'timeout', 'invalid timeout "soon": expected a duration'],
    ['{ ttl: 1 }', 'ttl', 'unknown option "ttl"'],
    ['{ batch: 0 }', 'batch', 'invalid batch 0: expected a whole number from 1 to 1000'],
    ['{ batch: 1_001 }', 'batch', 'invalid batch 1001: expected a whole number from 1 to 1000'],
    ["{ batch: 2, linger: 'soon' }", 'linger', 'invalid linger "soon": expected a duration'],
    ["{ linger: '50ms' }", 'linger', 'option linger has no effect without batch: set batch'],
    ['[]', 'options', 'invalid options (an array): expected an object, such as { concurrency: … }'],
  ])('%s is refused when the class is declared', (options, option, sentence) => {
    for (const decorator of [`@worker(images, ${options})`, `@images.worker(${options})`]) {
      const error = thrownBy(`class Studio { ${decorator} resize(image) {} }`, by);
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect(error).toMatchObject({ option });
      expect(error.message).toContain(`@worker on ${method}: ${sentence}`);
    }
  });

  it('that are not an object are refused', () => {
    expect(thrownBy('class Studio { @images.worker(4) resize(image) {} }', by)).toMatchObject({
      code: 'INVALID_OPTION',
    });
  });
});

describe.each(legacyAndStandard)('@worker on a wrong target (%s)', (by) => {
  const cases: [string, string, string][] = [
    [
      'a static method',
      'class Studio { @worker(images) static resize(image) {} }',
      'it is static, and run() only calls methods of instances',
    ],
    [
      'a property',
      'class Studio { @worker(images) resize = () => {} }',
      'it is a property: put @worker on a method, or write the property handle = queue.worker(',
    ],
    ['a getter', 'class Studio { @worker(images) get resize() { return 1 } }', 'it is an accessor'],
    ['a setter', 'class Studio { @worker(images) set resize(image) {} }', 'it is an accessor'],
    ['a class', '@worker(images) class Studio {}', '@worker goes on the methods of a class'],
    ['a class, bare', '@images.worker class Studio {}', '@worker goes on the methods of a class'],
    ['a generator', 'class Studio { @worker(images) async *resize(image) {} }', 'it is a generator'],
    [
      'a static method, bare',
      'class Studio { @images.worker static resize(image) {} }',
      'it is static, and run() only calls methods of instances',
    ],
  ];
  it.each(cases)('is refused on %s', (_, source, sentence) => {
    const error = thrownBy(source, by);
    expect(error).toBeInstanceOf(InvalidWorkerError);
    expect(error.message).toContain(sentence);
    expect(error.message).toMatch(by === 'tsc' ? /^@worker on Studio/ : /^@worker on (Studio|resize)/);
  });
});

describe('@worker on a target that only one kind of decorator has', () => {
  it.each([
    [
      'a #private method',
      'class Studio { @images.worker #resize(image) {} }',
      '@worker on #resize: run() cannot call a #private method: make it public',
    ],
    ['a #private static method', 'class Studio { @images.worker static #resize(image) {} }', 'a #private method'],
    ['an accessor field', 'class Studio { @images.worker accessor resize = 1 }', 'it is an accessor'],
  ])('is refused on %s (standard)', (_, source, sentence) => {
    expect(thrownBy(source, 'tsc, standard decorators').message).toContain(sentence);
  });

  it.each([
    [
      'a parameter',
      'class Studio { resize(@images.worker image) {} }',
      '@worker on Studio.resize: it is on a parameter: move it to the method',
    ],
    [
      'a constructor parameter',
      'class Studio { constructor(@images.worker() image) {} }',
      '@worker on Studio: @worker goes on the methods',
    ],
  ])('is refused on %s (legacy)', (_, source, sentence) => {
    expect(thrownBy(source, 'tsc').message).toContain(sentence);
  });
});

describe('@worker with a value that is not a queue', () => {
  it.each([
    ['a name', '"images"', 'invalid queue "images": expected a HotQueue, not its name. Write new HotQueue("images"'],
    [
      'undefined, from an import cycle',
      'undefined',
      'invalid queue undefined: expected a HotQueue. If it comes from another file, the two files probably import each other',
    ],
    ['null', 'null', 'invalid queue: expected a HotQueue, got null'],
    ['an object', '{ name: "images" }', 'invalid queue: expected a HotQueue, got an object'],
    ['a function', '() => images', 'invalid queue: expected a HotQueue, got a function'],
  ])('is refused: %s', (_, queue, sentence) => {
    const error = thrownBy(`class Studio { @worker(${queue}) resize(image) {} }`, 'tsc');
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error.message).toContain(sentence);
  });

  it.each(legacyAndStandard)('is refused without a queue: @worker (%s)', (by) => {
    expect(thrownBy('class Studio { @worker resize(image) {} }', by).message).toMatch(
      /^@worker on (Studio\.)?resize: the queue is missing: write @worker\(queue\) or @queue\.worker$/,
    );
  });
});

describe('the payload of a method on an untyped queue', () => {
  const untyped = aDeclaredQueue('untyped');
  class Desk {
    @untyped.worker image(_image: Image) {}
    @untyped.worker maybe(_image?: Image) {}
    @untyped.worker text(_text: string, _job: Delivery<string>) {}
    @untyped.worker number(_number: number) {}
    @untyped.worker flag(_flag: boolean) {}
  }

  it('is the type of its first parameter', () => {
    const sources = Object.fromEntries(handlersOf(new Desk()).map(({ name, payload }) => [name, payload.source]));
    expect(sources).toEqual({
      'Desk.image': Image,
      'Desk.maybe': Image,
      'Desk.text': String,
      'Desk.number': Number,
      'Desk.flag': Boolean,
    });
  });

  const both: Compiler[] = ['tsc', 'oxc'];
  const onlyAnObject =
    'the compiler emitted only Object as the type of the first parameter. It does so for an interface, a type alias, a union such as Image | null';
  it.each<[string, Compiler[], string, string]>([
    [
      'no metadata',
      ['tsc without metadata'],
      'image: Image',
      'the compiler emitted no parameter types (design:paramtypes). tsx, esbuild, Babel and plain Node never emit them',
    ],
    [
      'a class by `import type`',
      ['tsc, whole program'],
      'image: Postcard',
      'the compiler emitted only Function as the type of the first parameter. tsc does so for a class from `import type`',
    ],
    [
      'a class by `import type`',
      ['oxc'],
      'image: Postcard',
      'under swc and oxc also for a class from `import type`: import the class itself',
    ],
    ['an interface', both, 'image: Shape', onlyAnObject],
    ['a type alias', both, 'image: Alias', onlyAnObject],
    ['a union with null', both, 'image: Image | null', onlyAnObject],
    ['any', both, 'image: any', 'To accept any JSON, write a field: handle = queue.worker((item) => …)'],
    ['no type', both, 'image', onlyAnObject],
    ['an array', both, 'images: Image[]', 'its first parameter is an array'],
    ['a Date', both, 'at: Date', 'its first parameter is Date, which is built in and has no rules'],
    ['a promise', both, 'image: Promise<Image>', 'its first parameter is Promise, which is built in'],
    ['a Map', both, 'images: Map<string, Image>', 'its first parameter is Map, which is built in'],
    ['void', ['tsc'], 'image: void', 'its first parameter has no type at run time'],
    [
      'a class without rules',
      both,
      'bag: Bag',
      'Bag has no rules, so its payload cannot be checked: decorate its properties',
    ],
    [
      'the delivery',
      both,
      'job: Delivery<Image>',
      'its first parameter is the Delivery: the payload comes first, the delivery second',
    ],
    ['no parameter', both, '', 'it has no parameter, so its payload is unknown'],
  ])('is refused: %s (%s)', (_, compilers, parameter, sentence) => {
    const source = `import type { Postcard } from './postcard.js';
      interface Shape {} type Alias = Image; class Bag { path }
      class Studio { @worker(untyped) resize(${parameter}) {} }`;
    for (const by of compilers) {
      const error = thrownBy(source, by, { Delivery });
      expect(error).toBeInstanceOf(InvalidWorkerError);
      expect(error.message).toContain('@worker on Studio.resize: ');
      expect(error.message).toContain(sentence);
      expect(error.message).toContain(
        'Name the payload class on the queue: new HotQueue("untyped", { payload: YourClass })',
      );
    }
  });

  it('is refused: an enum, as swc and oxc emit it', () => {
    const declare = () => declaredByHand([{ Small: 'small' }]);
    expect(declare).toThrow('its first parameter is not a class; swc and oxc emit an object for an enum');
  });

  it('is refused: a class that is not defined yet, in an import cycle', () => {
    expect(() => declaredByHand([undefined])).toThrow(
      'its class was not defined yet because two files import each other',
    );
  });

  it('is refused: reflect-metadata is not loaded', () => {
    const original = Reflect.getOwnMetadata;
    try {
      Object.assign(Reflect, { getOwnMetadata: undefined });
      expect(() => declaredByHand([Image])).toThrow(
        "reflect-metadata is not loaded, so the type of the first parameter cannot be read: import 'reflect-metadata'",
      );
    } finally {
      Object.assign(Reflect, { getOwnMetadata: original });
    }
  });

  it('is refused: a class that has rules and cannot be made without arguments', () => {
    class Picky {
      @IsInt() size: number;
      constructor(from: { size: number }) {
        this.size = from.size;
      }
    }
    expect(() => declaredByHand([Picky])).toThrow(
      /^@worker on Studio\.resize: .*new Picky\(\) without arguments throws/,
    );
  });

  it('is refused with standard decorators, which emit no types', () => {
    const error = thrownBy('class Studio { @untyped.worker resize(image) {} }', 'tsc, standard decorators');
    expect(error).toBeInstanceOf(InvalidWorkerError);
    expect(error.message).toContain(
      'This queue has no payload class. Write new HotQueue("untyped", { payload: YourClass })',
    );
  });

  it('is not inherited by an override: its own types count', () => {
    const source = 'export class Small extends Studio { @worker(untyped) resize(image: Image) {} }';
    class Studio {
      @untyped.worker resize(_image: Image) {}
    }
    expect(thrownBy(source, 'tsc without metadata', { Studio }).message).toContain(
      'the compiler emitted no parameter types',
    );
  });

  function declaredByHand(types: unknown[]): void {
    const Studio = class Studio {
      resize(_image: unknown) {}
    };
    Reflect.defineMetadata('design:paramtypes', types, Studio.prototype, 'resize');
    const decorate = untyped.worker({ concurrency: 1 }) as (target: object, key: string, descriptor: unknown) => void;
    decorate(Studio.prototype, 'resize', Object.getOwnPropertyDescriptor(Studio.prototype, 'resize'));
  }
});

describe('the payload of a method on a typed queue', () => {
  it('is that of the queue, with or without emitted types, also if these name a class without rules', () => {
    for (const by of ['tsc', 'tsc without metadata', 'tsc, standard decorators', 'oxc'] as const) {
      const { Studio } = compiled(
        'class Part { path } export class Studio { @worker(images) resize(image: any) {} @worker(images) crop(image: Part) {} }',
        by,
        { images, worker },
      );
      expect(handlersOf(new Studio!()).map(({ payload }) => payload.source)).toEqual([Image, Image]);
    }
  });

  it('is refused if the method expects another class with rules', () => {
    const error = thrownBy('class Studio { @worker(images) resize(email: Email) {} }', 'tsc');
    expect(error).toBeInstanceOf(InvalidWorkerError);
    expect(error.message).toContain(
      '@worker on Studio.resize: it expects Email, but the payload of queue "images" is Image',
    );
  });

  it('comes in arrays with `batch`, and only then; emitted types are compared with that', () => {
    for (const by of ['tsc', 'tsc without metadata', 'tsc, standard decorators', 'oxc'] as const) {
      const { Studio } = compiled(
        "export class Studio { @worker(images, { batch: 100, linger: '50ms' }) resize(images: Image[]) {} }",
        by,
        { images, worker, Image },
      );
      expect(handlersOf(new Studio!())[0]).toMatchObject({
        payload: { source: Image },
        options: { concurrency: 1, batch: 100, lingerMs: 50 },
      });
    }
    for (const by of ['tsc', 'oxc'] as const) {
      expect(thrownBy('export class Studio { @worker(images) resize(images: Image[]) {} }', by).message).toContain(
        'it expects an array, but it gets one Image at a time: add the option batch',
      );
      expect(
        thrownBy('export class Studio { @worker(images, { batch: 2 }) resize(image: Image) {} }', by).message,
      ).toContain('it expects one Image, but with batch it gets arrays: write (items: Image[])');
      for (const parameter of ['images: Image[]', 'image: Image']) {
        const { message } = thrownBy(
          `export class Studio { @worker(untyped, { batch: 2 }) resize(${parameter}) {} }`,
          by,
        );
        expect(message).toContain(
          'it takes arrays, and the compiler does not emit the type of their elements. Name the payload class on the queue',
        );
      }
    }
  });

  it('may be a base class of the queue’s class, but not a subclass', () => {
    class Large extends Image {
      @IsInt() width!: number;
    }
    const large = aDeclaredQueue('large', Large);
    const declare = vi.fn(() =>
      compiled('class Studio { @worker(large) resize(image: Image) {} }', 'tsc', { large, worker, Image }),
    );
    declare();
    expect(declare).toHaveReturned();
    expect(thrownBy('class Studio { @worker(images) resize(image: Large) {} }', 'tsc', { Large }).message).toContain(
      'it expects Large, but',
    );
  });
});
