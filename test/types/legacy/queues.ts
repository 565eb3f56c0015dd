import { HotQueue, worker, type StandardSchemaV1 } from 'hotqueue';
import * as z from 'zod';
import { Email, exactly, Image, images, WithArguments } from './payloads.js';

exactly<HotQueue<Image>>()(images);

// A queue of T needs a class or schema that checks T at run time.
new HotQueue('images', { payload: Image, port: 6380, prefix: 'shop', backoff: '10s', attempts: 3 });
new HotQueue('images', { payload: Image, timeout: '5m', ttl: '1d', deadLetters: { max: 1_000, maxAge: '30d' } });
new HotQueue<Image>('images', { payload: Image });
// @ts-expect-error a type alone checks nothing
new HotQueue<Image>('images');
// @ts-expect-error a type alone checks nothing, also with other options
new HotQueue<Image>('images', { port: 6380 });
// @ts-expect-error the library creates payloads, without arguments
new HotQueue('images', { payload: WithArguments });
// @ts-expect-error an instance is not a class
new HotQueue('images', { payload: new Image() });
// @ts-expect-error a mistyped option
new HotQueue('images', { payload: Image, prot: 6380 });
// @ts-expect-error not a duration
new HotQueue('images', { payload: Image, backoff: 'soon' });
new HotQueue('images', {
  payload: Image,
  delay: '10m',
  priority: 'low',
  uniqueFor: '2h',
  maxLength: 1_000,
  whenFull: 'wait',
});
// @ts-expect-error `at` is an option of a message, not of a queue
new HotQueue('images', { payload: Image, at: new Date() });
// @ts-expect-error `id` is an option of a message, not of a queue
new HotQueue('images', { payload: Image, id: 'a' });
// @ts-expect-error no such policy
new HotQueue('images', { payload: Image, maxLength: 1, whenFull: 'drop' });
// @ts-expect-error the name is missing
new HotQueue();

// Untyped: any JSON value, but not undefined.
const anything = new HotQueue('anything', { prefix: 'shop' });
exactly<HotQueue>()(anything);
void anything.put(null);
void anything.put({ to: 'a@b.c' }, 'text', 4, [false]);
// @ts-expect-error undefined is not a message
void anything.put(undefined);

// A schema may have different types for input and output.
const orders = new HotQueue('orders', {
  payload: z.object({ sku: z.string(), count: z.coerce.number<string>(), gift: z.boolean().default(false) }),
});
interface Order {
  sku: string;
  count: number;
  gift: boolean;
}
void orders.put({ sku: 'a', count: '4' });
void orders.put({ sku: 'a', count: '4', gift: true });
// @ts-expect-error the input of count is a string
void orders.put({ sku: 'a', count: 4 });
void (async () => {
  for await (const order of orders.consume()) exactly<Order>()(order);
  const one = await orders.put({ sku: 'a', count: '4' });
  exactly<Order>()(one.payload);
});
orders.worker((order) => exactly<Order>()(order));
declare const ownSchema: StandardSchemaV1<string, Date>;
void new HotQueue('dates', { payload: ownSchema }).put('2026-11-20');

// Every queue is assignable to HotQueue<any>.
const every: HotQueue<any, any>[] = [images, orders, anything, new HotQueue('emails', { payload: Email })]; // eslint-disable-line @typescript-eslint/no-explicit-any
void every[0]!.put({ anything: true });
const some: HotQueue<Image> = every[0]!; // eslint-disable-line @typescript-eslint/no-unsafe-assignment
void some;
worker(every[0]!);
// @ts-expect-error queues of different payloads are not assignable
const wrong: HotQueue<Email> = images;
void wrong;

// A schedule puts what may be put.
void orders.schedules.set('a', { every: '1m', payload: { sku: 'a', count: '4' } });
// @ts-expect-error the payload does not fit
void orders.schedules.set('a', { every: '1m', payload: { sku: 7 } });
// @ts-expect-error no such option
void orders.schedules.set('a', { evry: '1m', payload: { sku: 'a', count: '4' } });

// A logger gets fields and a sentence, as pino does.
new HotQueue('images', { payload: Image, logger: console });
new HotQueue('images', { payload: Image, logger: false });
interface PinoLevel {
  <T>(fields: T, sentence?: string, ...values: unknown[]): void;
  (sentence: string, ...values: unknown[]): void;
}
declare const pino: Record<'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal', PinoLevel>;
new HotQueue('images', { payload: Image, logger: pino });
declare const onlySentences: Record<'debug' | 'info' | 'warn' | 'error', (sentence: string) => void>;
// @ts-expect-error the first argument has the fields
new HotQueue('images', { payload: Image, logger: onlySentences });

// Events have the fields of their transition.
images.events.on('recover', ({ worker }) => exactly<string>()(worker));
images.events.on('pause', ({ forMs }) => exactly<number | undefined>()(forMs));
// @ts-expect-error no such event
images.events.on('acknowledge', () => {});
// @ts-expect-error an event has no payload
images.events.on('ack', ({ payload }) => void payload);
