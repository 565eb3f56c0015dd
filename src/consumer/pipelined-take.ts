import type { TakeReply } from '../redis/transitions.js';
import type { IoredisClient } from '../redis/redis-client.js';
import type { Claim } from './claim.js';
import { activeInProcess } from './process.js';
import type { Session } from './session.js';

/** What a pipelined take brought. */
export interface PipelinedReply extends TakeReply {
  readonly claims: Claim[];
}

/**
 * Whether the next take may be sent behind a wait: only by a worker with an unexpired lease, in a process with nothing to do and no
 * other worker. What it brings while its process is busy would wait, though workers of other processes are free. A handler of
 * another worker may begin at any moment, and block the event loop.
 */
export function mayPipelineTake(session: Session): boolean {
  const { messages, workers } = activeInProcess;
  return session.worker !== undefined && session.isProven && messages === 0 && workers === 1;
}

/**
 * The next take, sent together with the wait before it on the same connection. Redis runs it when the wait ends, so a message
 * reaches an idle worker in two steps instead of four.
 *
 * It has the number of the next ordinary take. Redis answers the one that arrives first, and tells the other the same.
 *
 * @param most messages to take
 * @param pending resolves when an ordinary take that is on its way is answered
 * @returns `undefined` when an ordinary take was answered first, or the lease is lost: the next take finds out
 */
export async function pipelinedTake(
  session: Session,
  client: IoredisClient,
  most: number,
  pending: () => Promise<unknown> | undefined,
): Promise<PipelinedReply | undefined> {
  const worker = session.worker!;
  const number = session.nextTakeNumber;
  const reply = await session.context.broker.takeOn(client, worker, number, most).catch(() => 'lost' as const);
  // Without one in flight, not even a microtask may pass: a take that began in it would bring the same messages again.
  const taking = pending();
  if (taking) await taking;
  if (reply === 'lost' || worker !== session.worker || session.nextTakeNumber > number) return undefined;
  return { ...reply, claims: await session.hold(reply) };
}
