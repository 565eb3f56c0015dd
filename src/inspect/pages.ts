import type { QueueOptions } from '../core/options/queue.js';
import { OverviewReader, type CutMessage } from '../redis/overview-reader.js';
import { open, optionsOf } from '../wire/envelope.js';
import { madeAt } from '../wire/id.js';
import { letterOf, type DeadLetter } from './dead-letter.js';
import { asking } from './queues.js';

/** A part of a list of messages, which reads only the first bytes of each. */
export interface PageRequest {
  /** How many messages to skip. */
  readonly offset: number;
  /** How many messages to read. */
  readonly limit: number;
  /** Most bytes to read of the payload of a message. */
  readonly bytes: number;
}

/** What a page has of each message. */
interface Listed {
  /** Empty for a bare message, which has no id. */
  readonly id: string;
  /** The payload as it was stored; only its first bytes if {@link size} is larger. */
  readonly text: string;
  /** Bytes of the payload. */
  readonly size: number;
}

/** A waiting message in a page. */
export interface WaitingMessage extends Listed {
  /** Unix ms; `undefined` if it is not known. */
  readonly putAt: number | undefined;
  /** Number of attempts that failed. */
  readonly attempts: number;
}

/** A delayed message in a page. */
export interface DelayedPageMessage extends Listed {
  /** Server time, Unix ms. */
  readonly dueAt: number;
  readonly attempts: number;
}

/** A dead letter in a page. */
export type DeadPageLetter = Omit<DeadLetter, 'bytes'> & Pick<Listed, 'size'>;

/** A header and failures, which come before the payload, have at most so many bytes. */
const mostBefore = 4_608;

/** Waiting messages, in the order in which workers take them. */
export function waitingPage(name: string, page: PageRequest, address: QueueOptions = {}): Promise<WaitingMessage[]> {
  return asking(name, address, async ({ connection, keys }) => {
    const found = await new OverviewReader(connection, keys).waiting(withHeader(page));
    return found.map((message) => {
      const { header, payload } = payloadOf(message, page.bytes);
      const putAt = header && (optionsOf(header).putAt ?? madeAt(header.id));
      return { id: header?.id ?? '', putAt, attempts: header?.attempts ?? 0, ...payload };
    });
  });
}

/** Delayed messages, the one that is due first at first. */
export function delayedPage(
  name: string,
  page: PageRequest,
  address: QueueOptions = {},
): Promise<DelayedPageMessage[]> {
  return asking(name, address, async ({ connection, keys }) => {
    const found = await new OverviewReader(connection, keys).delayed(withHeader(page));
    return found.map(({ key, score, size, start }) => {
      const { header, payload } = payloadOf({ size: size - 1, start: start.slice(1) }, page.bytes); // a letter for the lane
      return { id: key, dueAt: Number(score), attempts: header?.attempts ?? 0, ...payload };
    });
  });
}

/** Dead letters, the newest first. */
export function deadPage(name: string, page: PageRequest, address: QueueOptions = {}): Promise<DeadPageLetter[]> {
  return asking(name, address, async ({ connection, keys }) => {
    const found = await new OverviewReader(connection, keys).dead(withHeader(page));
    return found.map(({ key, score, size, start }) => {
      const end = start.indexOf('\n');
      const message = start.slice(end + 1);
      const { bytes: _, ...letter } = letterOf(name, {
        ...{ key, at: score, record: start.slice(0, Math.max(0, end)) },
        message: Buffer.from(message),
      });
      return { ...letter, ...payloadOf({ size, start: message }, page.bytes).payload };
    });
  });
}

const withHeader = (page: PageRequest): PageRequest => ({ ...page, bytes: page.bytes + mostBefore });

function payloadOf(
  { size, start }: CutMessage,
  most: number,
): { header: ReturnType<typeof open>['header']; payload: Pick<Listed, 'text' | 'size'> } {
  const { header, headerLength, text } = open(start);
  return { header, payload: { text: text.slice(0, most), size: size - headerLength } };
}
