/** Counts how often each job was handled. A job is identified by its number `n` in the payload, from 0. */
export class Books {
  #times;
  /** How many different jobs were handled. */
  distinct = 0;
  /** How many times a job was handled again. */
  again = 0;

  /** @param {number} count number of jobs; their numbers are 0 to `count` - 1 */
  constructor(count) {
    this.#times = new Uint8Array(count);
  }

  /** Counts one handling of a job. @returns {number} how many times this job was handled before */
  enter(n) {
    const times = this.#times[n];
    if (times === undefined) throw new Error(`unknown job ${n}: it was never put`);
    if (times < 255) this.#times[n] = times + 1;
    if (times === 0) this.distinct += 1;
    else this.again += 1;
    return times;
  }

  /** Adds the counts of another process. @param {Uint8Array} times its {@link times} */
  add(times) {
    for (const [n, more] of times.entries()) for (let i = 0; i < more; i += 1) this.enter(n);
  }

  get times() {
    return this.#times;
  }

  /**
   * The number of lost and duplicate handlings. Call it when the queue is empty.
   *
   * @param {number} each how often each job is expected to be handled
   * @returns {{ lost: number, duplicates: number }}
   */
  judge(each = 1) {
    let lost = 0;
    let duplicates = 0;
    for (const times of this.#times) {
      if (times < each) lost += 1;
      else duplicates += times - each;
    }
    return { lost, duplicates };
  }
}
