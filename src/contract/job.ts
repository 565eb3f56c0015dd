/** What `put` hands back: proof that Redis has the message. */
export interface Job<T = unknown> {
  readonly id: string;
  /** Name of the queue. */
  readonly queue: string;
  readonly payload: T;
  /** Unix ms. */
  readonly putAt: number;
  /** Of a message that was put under an id of its own: true when Redis knew the id already, and nothing was stored. */
  readonly duplicate?: boolean;
}
