/** Who was handled how often. Every job carries a number `n` from 0; nothing else is believed. */
export class Books {
  #times;
  /** How many different jobs were handled. */
  distinct = 0;
  /** How many times a job was handled that had been handled before. */
  again = 0;

  /** @param {number} count jobs are numbered 0 to `count` - 1 */
  constructor(count) {
    this.#times = new Uint8Array(count);
  }

  /** @returns {number} how many times this job was handled before */
  enter(n) {
    const times = this.#times[n];
    if (times === undefined) throw new Error(`job ${n} was never put`);
    if (times < 255) this.#times[n] = times + 1;
    if (times === 0) this.distinct += 1;
    else this.again += 1;
    return times;
  }

  /** @param {Uint8Array} times those of another process */
  add(times) {
    for (const [n, more] of times.entries()) for (let i = 0; i < more; i += 1) this.enter(n);
  }

  get times() {
    return this.#times;
  }

  /** @returns {{ lost: number, duplicates: number }} once nothing is left in the queue; `each`: how often each was to be handled */
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
