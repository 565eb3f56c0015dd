import { Bury, RetryIn, type DeadLetter, Delivery, type DelayedMessage, type Job, type PeekedMessage } from 'hotqueue';
import { exactly, Image, images, untyped } from './payloads.js';

const image = new Image();
const many = [image, image];

export async function producing(): Promise<void> {
  // put() of one message returns a job, of several an array, of a spread array either.
  const one = await images.put({ path: 'a.jpg', width: 800 });
  exactly<Job<Image>>()(one);
  const several = await images.put(image, { path: 'a.jpg', width: 1, tags: ['x'] });
  exactly<Job<Image>[]>()(several);
  const spread = await images.put(...many);
  exactly<Job<Image> | Job<Image>[]>()(spread);
  const all = await images.putAll(many);
  exactly<Job<Image>[]>()(all);
  const [peeked] = await images.peek();
  exactly<PeekedMessage<Image> | undefined>()(peeked);
  exactly<number | undefined>()(peeked?.putAt);
  const later = await images.with({ attempts: 2, backoff: 500 }).put(image);
  exactly<Job<Image>>()(later);
  await images.with({ delay: '10m', priority: 'high' }).put(image);
  await images.with({ at: new Date() }).put(image);
  await images.with({ at: Date.now() + 1_000, priority: 'low' }).putAll(many);
  const own = await images.with({ id: 'resize-a.jpg', uniqueFor: '1h' }).put(image);
  exactly<Job<Image>>()(own);
  exactly<boolean | undefined>()(own.isDuplicate);
  const [next] = await images.delayed.list({ limit: 1, offset: 2 });
  exactly<DelayedMessage | undefined>()(next);
  await images.delayed.move(own.id, { delay: '5m' });
  const any = await untyped.put({ path: 'a.jpg' });
  exactly<Job>()(any);

  // @ts-expect-error width is missing
  await images.put({ path: 'a.jpg' });
  // @ts-expect-error width is a number
  await images.put({ path: 'a.jpg', width: '800' });
  // @ts-expect-error a key that Image does not have
  await images.put({ path: 'a.jpg', width: 1, heigth: 2 });
  // @ts-expect-error the second message is wrong
  await images.put(image, { path: 1, width: 1 });
  // @ts-expect-error options never mix with messages
  await images.put(image, { attempts: 2 });
  // @ts-expect-error an array is not a message of this queue: putAll, or a spread
  await images.put(many);
  // @ts-expect-error one message is not iterable
  await images.putAll(image);
  // @ts-expect-error a mistyped option
  images.with({ attemps: 2 });
  // @ts-expect-error not a duration
  images.with({ backoff: 'soon' });
  await images.with({ timeout: '90s', ttl: '10m' }).put(image);
  // @ts-expect-error a function cannot be stored with a message
  images.with({ backoff: () => 5 });
  // @ts-expect-error not a duration
  images.with({ ttl: 'soon' });
  // @ts-expect-error not a duration
  images.with({ delay: 'soon' });
  // @ts-expect-error no such priority
  images.with({ priority: 'urgent' });
  // @ts-expect-error an id is text
  images.with({ id: 42 });
  // @ts-expect-error a time is a Date or Unix ms
  images.with({ at: '2030-01-01' });
  // @ts-expect-error the property is read-only
  own.isDuplicate = true;
}

export async function consuming(signal: AbortSignal): Promise<void> {
  for await (const given of images.consume({ limit: 10, idleTimeout: '5s', signal, onLeave: 'ack' }))
    exactly<Image>()(given);
  for await (const delivery of images.deliveries()) {
    exactly<Delivery<Image>>()(delivery);
    await delivery.retry({ delay: '10s' });
  }
  for await (const given of images.consume({ batch: 100, linger: '50ms', limit: 1_000, signal }))
    exactly<Image[]>()(given);
  for await (const given of images.deliveries({ batch: 100 })) exactly<Delivery<Image>[]>()(given);
  for await (const given of untyped.consume({ batch: 100 })) exactly<unknown[]>()(given);
  // @ts-expect-error linger needs batch
  images.consume({ linger: '50ms' });
  // @ts-expect-error batch is a number
  images.deliveries({ batch: '100' });
  // @ts-expect-error a mistyped option beside batch
  images.consume({ batch: 100, limt: 5 });
  const one = await images.get({ block: true, timeout: 500 });
  exactly<Image | undefined>()(one);
  // @ts-expect-error it may be undefined
  one.area();
  for await (const given of untyped.consume()) {
    // @ts-expect-error an untyped payload is unknown
    void given.path;
  }
  // @ts-expect-error no such option
  images.consume({ block: true });
  await using consumer = images.consume();
  const { value } = await consumer.next();
  exactly<Image | void>()(value);
}

export async function burying(): Promise<void> {
  exactly<DeadLetter[]>()(await images.dead.list({ limit: 5, offset: 5, order: 'oldest' }));
  exactly<DeadLetter | undefined>()(await images.dead.get('id'));
  exactly<number>()(await images.dead.revive('id'));
  exactly<number>()(
    await images.dead.drop({ where: ({ reason, failures }) => reason === 'expired' && failures.length === 0 }),
  );
  // @ts-expect-error an async filter is not awaited
  await images.dead.drop({ where: async () => false });
  // @ts-expect-error the argument is missing
  await images.dead.revive();
  // @ts-expect-error a mistyped option
  await images.dead.list({ limti: 5 });
  throw new Bury('account closed', { cause: new RetryIn('30s') });
  // @ts-expect-error not a duration
  throw new RetryIn('soon');
}

export const delivery: Delivery<Image> = Delivery.of(image, { attempt: 2 });
// @ts-expect-error only the library creates deliveries
new Delivery();
