import { newId } from '../wire/id.js';

// Created on first use: processes that were forked or restored from a snapshot must not share it.
let id: string | undefined;

/** Id of this process among all processes that work on a Redis. */
export const processId = (): string => (id ??= newId());
