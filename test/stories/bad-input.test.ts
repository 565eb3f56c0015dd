import { runInNewContext } from 'node:vm';
import { IsInt, IsString } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { HotQueue, run, start, worker } from 'hotqueue';
import { aName, aQueue, redis } from '../support/queue.js';

class Mail {
  @IsString() to!: string;
}
class Letter {
  @IsString() to!: string;
}

describe('a queue', () => {
  it.each([
    ['hots', 'host'],
    ['prot', 'port'],
    ['passwrod', 'password'],
    ['payloads', 'payload'],
    ['serialiser', 'serializer'],
    ['Wire', 'wire'],
  ])('with an unknown option "%s" suggests "%s"', (given, nearest) => {
    const options = { [given]: 'x' } as object;
    expect(() => new HotQueue('q', options)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', option: given }) as Error,
    );
    expect(() => new HotQueue('q', options)).toThrow(`did you mean "${nearest}"?`);
  });

  it.each([
    ['port', 70_000, 'a whole number from 1 to 65535'],
    ['db', -1, 'a whole number from 0'],
    ['host', 7, 'a string'],
    ['wire', 'bare', "'hotqueue' or 'plain'"],
    ['attempts', 0, 'a whole number from 1'],
    ['delay', 'tomorrow', 'expected a duration'],
    ['delay', -1, 'expected a duration'],
    ['delay', '40000d', 'at most 100 years'],
    ['priority', 'urgent', "'high' or 'normal' or 'low'"],
    ['priority', 1, "'high' or 'normal' or 'low'"],
    ['uniqueFor', 0, 'at least 1 ms'],
    ['at', new Date(), 'queue.with({ at: … })'],
    ['id', 'a', 'queue.with({ id: … })'],
    ['maxLength', 0, 'a whole number from 1'],
    ['maxLength', 1.5, 'a whole number from 1'],
    ['maxLength', '10', 'a whole number from 1'],
    ['whenFull', 'wait', 'Set maxLength too'],
    ['backoff', 'soon', 'a duration'],
    ['backoff', -1, 'expected a duration'],
    ['serializer', {}, '{ dumps, loads }'],
    ['logger', 'loud', 'console'],
    ['connection', {}, 'an ioredis Redis or Cluster'],
    ['prefix', 'a{b', 'letters, digits'],
    ['payload', 'Mail', 'payload'],
    ['payload', new Mail(), 'payload'],
  ])('refuses %s: %j', (option, value, sentence) => {
    const make = () => new HotQueue('q', { [option]: value });
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }) as Error);
    if (sentence !== 'a duration') expect(make).toThrow(sentence);
  });

  it.each(['at', 'id'])('does not list or suggest "%s", which only a single message may have', (option) => {
    const refused = (name: string): string => {
      try {
        new HotQueue('q', { [name]: 1 });
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    };
    const listed = refused('somethingElse').split('expected one of ')[1]!.split(', ');
    expect(listed).toEqual(expect.arrayContaining(['payload', 'attempts', 'delay']));
    expect(listed).not.toContain(option);
    expect(refused(`${option}s`)).not.toContain(`"${option}"?`);
  });

  it.each(['', 'a b', 'a{b}', 'ü', 'x'.repeat(129), 'line\nbreak', undefined, 7])('refuses the name %j', (name) => {
    expect(() => new HotQueue(name as string)).toThrow(expect.objectContaining({ code: 'INVALID_NAME' }) as Error);
  });

  it('refuses a class without rules, because it would accept any payload', () => {
    class Anything {}
    expect(() => new HotQueue('q', { payload: Anything })).toThrow(/Anything/);
  });

  it('refuses a client with a keyPrefix', () => {
    const client = redis();
    const prefixed = client.duplicate({ keyPrefix: 'x:', lazyConnect: true });
    expect(() => new HotQueue('q', { connection: prefixed })).toThrow('prefix');
  });

  it('with bare JSON refuses options that need a header', () => {
    expect(() => new HotQueue('q', { wire: 'plain', attempts: 3 })).toThrow('Set it on @worker');
    expect(() => aQueue({ wire: 'plain' }).with({ backoff: 1 })).toThrow('Set it on @worker');
  });

  it('that is closed refuses every call, and has stored every earlier put', async () => {
    const name = aName();
    const queue = aQueue({ name });
    const put = queue.put('before');
    await queue.close();
    await put;
    const closed = { code: 'QUEUE_CLOSED', queue: name };
    await expect(queue.put('after')).rejects.toMatchObject(closed);
    await expect(queue.size()).rejects.toMatchObject(closed);
    await expect(queue.get()).rejects.toMatchObject(closed);
    expect(() => queue.consume()).toThrow(expect.objectContaining(closed) as Error);
    await queue.close();
    expect(await aQueue({ name }).get()).toBe('before');
  });
});

describe('put', () => {
  it('refuses a call without messages', async () => {
    await expect((aQueue().put as () => Promise<unknown>)()).rejects.toMatchObject({ code: 'NOTHING_TO_PUT' });
  });

  it.each([
    ['undefined', undefined],
    ['a function', () => 1],
    ['NaN', NaN],
    ['Infinity', { a: Infinity }],
    ['a BigInt', { a: [1n] }],
    ['a Map', new Map()],
    ['a symbol', Symbol('x')],
    ['a Date', { when: new Date(0) }],
    ['undefined inside', { a: undefined }],
  ])('refuses %s, and sends nothing', async (_what, value) => {
    const queue = aQueue();
    await expect(queue.put('first', value as unknown as string)).rejects.toMatchObject({ code: 'NOT_SERIALIZABLE' });
    expect(await queue.size()).toBe(0);
  });

  it('refuses a payload that breaks its rules before it sends anything, without its value in the error', async () => {
    const queue = aQueue({ payload: Mail });
    const put = queue.put({ to: 'a' }, { to: 7 as never });
    await expect(put).rejects.toMatchObject({
      code: 'INVALID_PAYLOAD',
      violations: [{ path: 'to', rule: 'isString' }],
    });
    expect(await queue.size()).toBe(0);
  });

  it('refuses payloads that are larger or deeper than the limits', async () => {
    await expect(aQueue({ maxBytes: 10 }).put('ü'.repeat(5))).rejects.toMatchObject({
      violations: [{ rule: 'maxBytes' }],
    });
    await expect(aQueue({ maxDepth: 2 }).put([[[1]]])).rejects.toMatchObject({ violations: [{ rule: 'maxDepth' }] });
  });

  describe('with options as its last argument', () => {
    it.each([
      [
        'untyped.put(message, { delay })',
        [{ to: 'ada' }, { delay: '10s' }],
        'delay',
        "queue.with({ delay: '10s' }).put(message)",
      ],
      [
        'several messages',
        ['a', 'b', { priority: 'high', attempts: 2 }],
        'priority',
        "queue.with({ priority: 'high', attempts: 2 })",
      ],
      ['another realm', ['a', runInNewContext('({ ttl: 5 })')], 'ttl', 'queue.with({ ttl: 5 }).put(message)'],
      [
        'a message with an id',
        [{ id: 1 }, { id: 'a', delay: 5 }],
        'id',
        "queue.with({ id: 'a', delay: 5 }).put(message)",
      ],
      ['a wrong value', ['a', { delay: 'soon' }], 'delay', "queue.with({ delay: 'soon' }).put(message)"],
    ])('is refused before anything is sent: %s', async (_what, args, option, sentence) => {
      const queue = aQueue();
      const stored: unknown[] = [];
      queue.events.on('put', (event) => stored.push(event));
      await expect(queue.put(...(args as string[]))).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        option,
        message: expect.stringContaining(sentence) as string,
      });
      await expect(queue.with({ attempts: 2 }).put(...(args as string[]))).rejects.toThrow(sentence);
      expect([stored, await queue.size()]).toEqual([[], 0]);
    });

    it('stores what is a message: alone, with other keys, not the last, one of a kind, in a list, or of a class', async () => {
      const queue = aQueue();
      const option = { delay: '10s' };
      await queue.put(option);
      await queue.put('a', { ...option, to: 'ada' });
      await queue.put(option, 'b');
      await queue.put('c', {});
      await queue.put({ id: 1 }, { id: 2 });
      await queue.putAll(['d', option]);
      expect(await queue.size()).toBe(11);
      expect(await queue.delayed.size()).toBe(0);
      class Row {
        @IsInt() id!: number;
      }
      const rows = aQueue({ payload: Row });
      await rows.put({ id: 1 }, Object.assign(new Row(), { id: 2 }), { id: 3 });
      expect(await rows.size()).toBe(3);
    });
  });

  it.each([
    [{ delay: 1, at: new Date() }, 'at', 'remove one of the two'],
    [{ delay: 'soon' }, 'delay', 'expected a duration'],
    [{ at: 1_732_000_000 }, 'at', 'a time in 1970. Use Unix milliseconds, not seconds'],
    [{ at: 1_000 }, 'at', 'the option delay for a time from now'],
    [{ at: new Date('nonsense') }, 'at', 'invalid at (Invalid Date): expected a Date'],
    [{ at: NaN }, 'at', 'invalid at NaN: expected a Date'],
    [{ at: 9e15 }, 'at', 'within 100 years'],
    [{ at: '2030-01-01' }, 'at', 'invalid at "2030-01-01": expected a Date'],
    [{ priority: 'highest' }, 'priority', "'high' or 'normal' or 'low'"],
    [{ id: '' }, 'id', '1 to 64 letters'],
    [{ id: 'x'.repeat(65) }, 'id', '1 to 64 letters'],
    [{ id: 'a b' }, 'id', 'invalid id "a b": use'],
    [{ id: 'a~1' }, 'id', 'invalid id "a~1": use'],
    [{ id: 'ü' }, 'id', 'invalid id "ü": use'],
    [{ id: 42 }, 'id', 'invalid id 42: use'],
    [{ id: 'a', uniqueFor: 0 }, 'uniqueFor', 'at least 1 ms'],
    [{ uniqueFor: '1h' }, 'uniqueFor', 'Set id too'],
    [{ maxLength: 3 }, 'maxLength', 'unknown option "maxLength"'],
  ])('refuses the options %j', (options, option, sentence) => {
    const make = () => aQueue().with(options as object);
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }) as Error);
    expect(make).toThrow(sentence);
  });

  it('refuses an id on a plain queue, because its messages carry none', () => {
    expect(() => aQueue({ wire: 'plain' }).with({ id: 'a' })).toThrow("option id has no effect with wire: 'plain'");
  });

  it('refuses unknown options with the nearest name', () => {
    expect(() => aQueue().with({ attemps: 3 } as object)).toThrow('did you mean "attempts"?');
  });
});

describe('delayed', () => {
  it('refuses unknown options and wrong values', async () => {
    const { delayed } = aQueue();
    await expect(delayed.list({ limits: 3 } as object)).rejects.toThrow('did you mean "limit"?');
    await expect(delayed.list({ limit: 0 })).rejects.toThrow('a whole number from 1');
    await expect(delayed.list({ offset: -1 })).rejects.toThrow('a whole number from 0');
    await expect(delayed.move('a', {})).rejects.toThrow('missing time');
    await expect(delayed.move('a', undefined as never)).rejects.toThrow('missing time');
    await expect(delayed.move('a', { delay: 1, at: new Date() })).rejects.toThrow('remove one of the two');
    await expect(delayed.move('a', { at: 60 })).rejects.toThrow('not seconds');
    await expect(delayed.move('a', { priority: 'high' } as object)).rejects.toThrow('unknown option "priority"');
    for (const id of [undefined, 7, ''])
      await expect(delayed.cancel(id as string)).rejects.toThrow('expected the id of a message');
  });
});

describe('consume', () => {
  it('refuses unknown options and wrong values', () => {
    const queue = aQueue();
    expect(() => queue.consume({ limits: 3 } as object)).toThrow('did you mean "limit"?');
    expect(() => queue.consume({ limit: 0 })).toThrow('a whole number from 1');
    expect(() => queue.consume({ signal: {} as AbortSignal })).toThrow('an AbortSignal');
    expect(() => queue.consume({ idleTimeout: '5 minutes' as '5m' })).toThrow('expected a duration');
  });
});

describe('run and start', () => {
  it('refuse a class instead of an instance', async () => {
    const queue = aQueue({ payload: Mail });
    class Post {
      @worker(queue) send(_mail: Mail) {}
    }
    // @ts-expect-error the compiler refuses it too
    expect(() => start(Post)).toThrow(/new Post\(\)/);
    // @ts-expect-error the compiler refuses it too
    await expect(run(Post)).rejects.toMatchObject({ code: 'NO_WORKERS' });
  });

  it('refuse an object without workers, and an empty array', () => {
    expect(() => start({})).toThrow(expect.objectContaining({ code: 'NO_WORKERS' }) as Error);
    expect(() => start([])).toThrow(expect.objectContaining({ code: 'NO_WORKERS' }) as Error);
  });

  it('refuse two queues with one key and different classes, because each would bury messages of the other', () => {
    const name = aName();
    const mails = aQueue({ name, payload: Mail });
    const letters = aQueue({ name, payload: Letter });
    const both = [mails.worker(() => undefined), letters.worker(() => undefined)];
    expect(() => start(both)).toThrow(
      expect.objectContaining({
        code: 'CONFLICTING_QUEUES',
        payloads: [expect.stringContaining('Mail'), expect.stringContaining('Letter')] as never,
      }) as Error,
    );
  });
});
