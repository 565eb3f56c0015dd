const fillers = new Map();

/** A string of `length`. It is made only once, so that the benchmark does not measure how strings are made. */
function filler(length) {
  if (!fillers.has(length)) fillers.set(length, 'x'.repeat(length));
  return fillers.get(length);
}

/** A plain payload with `bytes` bytes of JSON; the digits of `n` may add or remove a few. */
export function plainPayload(n, bytes = 100) {
  return { n, to: `user${n}@example.org`, text: filler(Math.max(0, bytes - 51)) };
}

const kinds = ['invoice', 'reminder', 'receipt'];

/** A payload that is valid for the five-field class in classes.js. Peers get the same object and do not validate it. */
export function orderPayload(n) {
  return {
    n,
    to: `user${n}@example.org`,
    kind: kinds[n % 3],
    amount: 12.5,
    address: { street: 'Long Street 1', city: 'Springfield' },
  };
}

/** The function that makes the payload of job `n`. @param {{ validated?: boolean, bytes?: number }} params of a workload */
export function payloadMaker({ validated = false, bytes = 100 }) {
  return validated ? orderPayload : (n) => plainPayload(n, bytes);
}
