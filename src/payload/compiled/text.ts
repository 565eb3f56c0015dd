import type { Outside } from './outside.js';
import type { Nested, Plan } from './plan.js';

/** Source text under construction, and the values that it refers to. */
export class Text {
  readonly lines: string[] = [];
  readonly plans: Plan[] = [];
  readonly #constants = new Map<unknown, string>();

  constructor(readonly outside: Outside) {
    for (const [name, value] of Object.entries({
      onDoubt: outside.onDoubt,
      options: outside.seenOptions,
      isArray: Array.isArray,
      hasOwn: Object.hasOwn,
      getPrototypeOf: Object.getPrototypeOf,
      objectPrototype: Object.prototype,
    })) {
      this.#constants.set(value, name);
    }
  }

  add(...lines: string[]): void {
    this.lines.push(...lines);
  }

  /** The number of a class, used in the names of its functions. */
  indexOf(plan: Plan): number {
    const index = this.plans.indexOf(plan);
    return index === -1 ? this.plans.push(plan) - 1 : index;
  }

  /** The name of a value that cannot be written as source text. */
  constant(value: unknown): string {
    const name = this.#constants.get(value) ?? `k${this.#constants.size}`;
    this.#constants.set(value, name);
    return name;
  }

  constants(): { names: string[]; values: unknown[] } {
    return { names: [...this.#constants.values()], values: [...this.#constants.keys()] };
  }

  /** A call of the function for objects of a nested class, or for arrays of them. */
  nested(step: 'fits' | 'make' | 'holds', { plan, shape }: Nested, value: string): string {
    const n = this.indexOf(plan);
    if (shape === 'either') return `(isArray(${value}) ? ${step}All${n}(${value}) : ${step}${n}(${value}))`;
    return `${step}${{ one: '', many: 'All', rows: 'Rows' }[shape]}${n}(${value})`;
  }
}
