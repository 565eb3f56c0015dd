/** Where delays and retries read the time of this process; leases and due times are the server's. */
export interface Clock {
  /** Unix ms. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };
