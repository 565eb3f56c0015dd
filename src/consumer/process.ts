/**
 * What this process has over all of its queues. Messages: those that run, or wait for a slot. Messages that are settled
 * and wait for the reply of Redis do not count.
 */
export const activeInProcess = {
  messages: 0,
  /** Workers that take, over all queues. */
  workers: 0,
  /** Those of the messages whose worker has died before. */
  suspects: 0,
};
