import { AsyncLocalStorage } from 'node:async_hooks';
import type { Delivery } from './delivery.js';

const running = new AsyncLocalStorage<readonly Delivery[]>();

/**
 * Calls a handler so that an error that it throws later, outside its promise, can be attributed to its messages.
 *
 * Node 20 makes every promise slower as soon as this is used. So callers use it only while this process has a message whose worker
 * died before: see `activeInProcess.suspects`.
 */
export const attributed = <R>(deliveries: readonly Delivery[], handle: () => R): R => running.run(deliveries, handle);

/** The messages of the handler whose code runs now; `undefined` if they are unknown. */
export const attributedNow = (): readonly Delivery[] | undefined => running.getStore();

/** Attributes no more, until the next call of {@link attributed}. */
export const endAttribution = (): void => running.disable();
