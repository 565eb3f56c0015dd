import { Delivery, type Job } from 'hotqueue';
import { exactly, Image, images, untyped } from './payloads.js';

const image = new Image();
const many = [image, image];

export async function producing(): Promise<void> {
  // One message gives a job, several an array, a spread array one or the other.
  const one = await images.put({ path: 'a.jpg', width: 800 });
  exactly<Job<Image>>()(one);
  const several = await images.put(image, { path: 'a.jpg', width: 1, tags: ['x'] });
  exactly<Job<Image>[]>()(several);
  const spread = await images.put(...many);
  exactly<Job<Image> | Job<Image>[]>()(spread);
  const all = await images.putAll(many);
  exactly<Job<Image>[]>()(all);
  const later = await images.with({ attempts: 2, backoff: 500 }).put(image);
  exactly<Job<Image>>()(later);
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
  // @ts-expect-error no duration
  images.with({ backoff: 'soon' });
}

export async function consuming(signal: AbortSignal): Promise<void> {
  for await (const given of images.consume({ limit: 10, timeout: '5s', signal, onLeave: 'ack' })) exactly<Image>()(given);
  for await (const delivery of images.deliveries()) {
    exactly<Delivery<Image>>()(delivery);
    await delivery.retry({ delay: '10s' });
  }
  const one = await images.get({ block: true, timeout: 500 });
  exactly<Image | undefined>()(one);
  // @ts-expect-error there may be none
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

export const delivery: Delivery<Image> = Delivery.of(image, { attempt: 2 });
// @ts-expect-error only the library makes deliveries
new Delivery();
