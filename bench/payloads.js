const fillers = new Map();

/** A string of `length`, made once: what is measured is the queue, not the making of strings. */
function filler(length) {
  if (!fillers.has(length)) fillers.set(length, 'x'.repeat(length));
  return fillers.get(length);
}

/** A plain payload whose JSON has `bytes` bytes, give or take the digits of `n`. */
export function plainPayload(n, bytes = 100) {
  return { n, to: `user${n}@example.org`, text: filler(Math.max(0, bytes - 51)) };
}

const kinds = ['invoice', 'reminder', 'receipt'];

/** What the five-field class of classes.js accepts. Peers get the same object and check nothing. */
export function orderPayload(n) {
  return { n, to: `user${n}@example.org`, kind: kinds[n % 3], amount: 12.5, address: { street: 'Long Street 1', city: 'Springfield' } };
}

/** @param {{ validated?: boolean, bytes?: number }} params of a workload */
export function payloadMaker({ validated = false, bytes = 100 }) {
  return validated ? orderPayload : (n) => plainPayload(n, bytes);
}
