import { Take } from '../../src/redis/take.js';

/** The active messages of a worker, read from its claims hash: the messages of each take that are neither acknowledged nor retried, buried or released. */
export function heldIn(claims: Readonly<Record<string, Buffer>>): string[] {
  return Object.entries(claims).flatMap(([field, bytes]) => {
    const number = /^t(\d+)$/.exec(field)?.[1];
    if (number === undefined) return [];
    const acked = claims[`a${number}`]?.toString().split(' ')[2];
    const effects = Object.keys(claims)
      .filter((one) => one.startsWith(`e${number}.`))
      .map((one) => one.slice(number.length + 2));
    const take = new Take('', Number(number), bytes, acked, effects.join(','));
    const indexes = Array.from({ length: take.size }, (_, at) => at + 1);
    return indexes.filter((index) => !take.isSettled(index)).map((index) => take.message(index).toString());
  });
}
