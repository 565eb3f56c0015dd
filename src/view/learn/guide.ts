import { paint } from '../cli/output.js';
import { lesson, steps } from './lesson.js';
import type { Here, Sight, Step, Verdict } from './step.js';

/** What a guide needs of the world, so that it can be led through without a terminal. */
export interface Surroundings {
  readonly here: Here;
  look(step: Step): Promise<Sight>;
  /** What was typed before counts no more. */
  forget(): void;
}

const indent = (text: string): string => text.replace(/^/gm, '  ');
const places = { here: 'here', there: 'in the second terminal' } as const;

/** Leads through the lesson: says what to do, looks whether it was done, goes on. */
export class Guide {
  #at = 0;
  #begun: Sight | undefined;
  #looking: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly world: Surroundings,
    private readonly print: (text: string) => void,
  ) {}

  /** The step that is to be done; none at the end. */
  get step(): Step | undefined {
    return steps[this.#at]?.step;
  }

  /** Begins at a step, or where an exercise begins. */
  async begin(at = 0): Promise<void> {
    this.#at = at;
    await this.#enter();
  }

  /** Begins an exercise, counted from 1. @returns whether there is such a one */
  async beginPart(number: number): Promise<boolean> {
    const at = steps.findIndex(({ partNumber }) => partNumber === number);
    if (at >= 0) await this.begin(at);
    return at >= 0;
  }

  /** Looks; when the step is done, says what was seen and goes on. One look at a time. */
  look(): Promise<Verdict | undefined> {
    const looked = this.#looking.then(() => this.#look());
    this.#looking = looked.catch(() => undefined);
    return looked;
  }

  /** Looks, and says so when it is not done yet. */
  async next(): Promise<void> {
    const verdict = await this.look();
    if (verdict && !verdict.done) this.print(`${paint('yellow', 'not yet:')} ${verdict.saw}\n${paint('dim', '.hint helps, .skip goes on without it')}`);
  }

  async skip(): Promise<void> {
    if (this.step) await this.begin(this.#at + 1);
  }

  hint(): void {
    if (this.step) this.print(this.step.hint);
  }

  /** The exercises, and the step that is to be done. */
  overview(): void {
    const current = steps[this.#at]?.partNumber;
    const list = lesson.map(({ title, steps: own }, index) => `${index + 1 === current ? '>' : ' '} ${index + 1}. ${title} (${own.length} steps)`);
    this.print(`${list.join('\n')}\n${paint('dim', '.lesson 3 begins the third')}\n`);
    this.#tell();
  }

  async #look(): Promise<Verdict | undefined> {
    const { step } = this;
    if (!step || !this.#begun) return undefined;
    const verdict = step.check(await this.world.look(step), this.#begun, this.world.here);
    if (!verdict.done) return verdict;
    this.print(`${paint('green', '✓')} ${verdict.saw}\n`);
    this.#at += 1;
    await this.#enter();
    return verdict;
  }

  async #enter(): Promise<void> {
    this.world.forget();
    const { step } = this;
    this.#begun = step && (await this.world.look(step));
    this.#tell();
  }

  #tell(): void {
    const current = steps[this.#at];
    if (!current || !this.#begun) return this.print(`${paint('bold', 'That was the lesson.')} docs/guarantees.md says what is promised; "npx hotqueue --help" what else there is.`);
    const { step, part, partNumber, number } = current;
    const heading = number === 1 ? `${paint('bold', `Exercise ${partNumber}: ${part.title}`)}\n${part.about}\n\n` : '';
    const what = step.type(this.#begun, this.world.here).map((line) => paint('cyan', line));
    this.print(`${heading}${paint('bold', `${partNumber}.${number}`)} ${step.text}\n${paint('dim', `${places[step.where]}:`)}\n${indent(what.join('\n'))}`);
  }
}
