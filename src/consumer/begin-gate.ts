const [open, passing, closed] = [0, 1, 2];
/** Cells of the shared array: state, take and index of the message that began last, number of the next take. */
const [state, number, index, next] = [0, 1, 2, 3];

/**
 * Decides for each message of a worker who has it: its handler, or the lease thread, which gives it back.
 *
 *     open --> passing --> open        a message begins
 *       |
 *       +--> closed --> open           the thread gives back what has not begun; the worker learns of it
 *
 * Messages begin in the order of their takes, so the last one that began says which others have begun. A message may begin out of
 * order; then the thread keeps some messages that it could give back.
 */
export class BeginGate {
  readonly #cells = new Int32Array(new SharedArrayBuffer(16));

  get buffer(): SharedArrayBuffer {
    return this.#cells.buffer;
  }

  get isClosed(): boolean {
    return Atomics.load(this.#cells, state) === closed;
  }

  /** A message begins. @returns whether it may */
  pass(take: number, place: number): boolean {
    const cells = this.#cells;
    if (Atomics.compareExchange(cells, state, open, passing) !== open) return false;
    if (!this.hasPassed(take, place)) {
      cells[number] = take;
      cells[index] = place;
    }
    Atomics.store(cells, state, open);
    return true;
  }

  /** Whether this message has begun, or one behind it. */
  hasPassed(take: number, place: number): boolean {
    const cells = this.#cells;
    return take < cells[number]! || (take === cells[number]! && place <= cells[index]!);
  }

  /** The next take will have this number: the thread gives it back too, as its reply may be on its way. */
  expect(take: number): void {
    Atomics.store(this.#cells, next, take);
  }

  /** Opens it again: nothing that was given back will begin. */
  open(take: number): void {
    this.expect(take);
    Atomics.store(this.#cells, state, open);
  }
}
