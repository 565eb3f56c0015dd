import { newId } from '../message/ids.js';

// Made on first use: a process that was forked or restored from a snapshot must not share it.
let id: string | undefined;

/** Names this process among all that work on a Redis. */
export const processId = (): string => (id ??= newId());

/** How many messages this process works on or is about to, over all of its queues: not what is settled and waits for Redis' answer. */
export const inHand = { messages: 0 };
