import { v7 } from 'uuid';

/** A new id (UUID version 7, RFC 9562): unique without asking Redis, and sorted by the time at which it was made. */
export const newId = (): string => v7();

const version7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7/;

/** Unix ms at which an id of {@link newId} was made; `undefined` for ids from elsewhere. */
export function madeAt(id: string): number | undefined {
  const parts = version7.exec(id);
  return parts ? parseInt(`${parts[1]}${parts[2]}`, 16) : undefined;
}
