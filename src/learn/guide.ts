import { paint } from '../cli/output.js';
import { lesson, steps } from './lesson.js';
import type { Here, QueueState, Step, CheckResult } from './step.js';

/** What the guide needs from outside. An interface, so that tests can run the lesson without a terminal. */
export interface LessonContext {
  readonly here: Here;
  read(step: Step): Promise<QueueState>;
  /** Forgets the lines that were typed so far, so that they do not count for the next step. */
  forget(): void;
}

const indent = (text: string): string => text.replace(/^/gm, '  ');
const places = { here: 'in this terminal', there: 'in the second terminal' } as const;

/** Runs the lesson: prints a step, checks whether it is done, then goes to the next step. */
export class Guide {
  #at = 0;
  #before: QueueState | undefined;
  #checking: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly context: LessonContext,
    private readonly print: (text: string) => void,
  ) {}

  /** The current step; `undefined` at the end of the lesson. */
  get step(): Step | undefined {
    return steps[this.#at]?.step;
  }

  /** Starts at a step. @param at index of the step in `steps` */
  async begin(at = 0): Promise<void> {
    this.#at = at;
    await this.#enter();
  }

  /** Starts an exercise, counted from 1. @returns false if there is no such exercise */
  async beginPart(number: number): Promise<boolean> {
    const at = steps.findIndex(({ partNumber }) => partNumber === number);
    if (at >= 0) await this.begin(at);
    return at >= 0;
  }

  /** Checks the current step. If it is done, prints what was seen and goes to the next step. One check runs at a time. */
  check(): Promise<CheckResult | undefined> {
    const checked = this.#checking.then(() => this.#check());
    this.#checking = checked.catch(() => undefined);
    return checked;
  }

  /** Checks the current step, and prints what is missing if it is not done. */
  async next(): Promise<void> {
    const result = await this.check();
    if (result && !result.done)
      this.print(
        `${paint('yellow', 'not yet:')} ${result.saw}\n${paint('dim', '.hint shows help, .skip goes to the next step')}`,
      );
  }

  async skip(): Promise<void> {
    if (this.step) await this.begin(this.#at + 1);
  }

  hint(): void {
    if (this.step) this.print(this.step.hint);
  }

  /** Prints the exercises and the current step. */
  overview(): void {
    const current = steps[this.#at]?.partNumber;
    const list = lesson.map(
      ({ title, steps: own }, index) =>
        `${index + 1 === current ? '>' : ' '} ${index + 1}. ${title} (${own.length} steps)`,
    );
    this.print(`${list.join('\n')}\n${paint('dim', '.lesson 3 starts exercise 3')}\n`);
    this.#show();
  }

  async #check(): Promise<CheckResult | undefined> {
    const { step } = this;
    if (!step || !this.#before) return undefined;
    const result = step.check(await this.context.read(step), this.#before, this.context.here);
    if (!result.done) return result;
    this.print(`${paint('green', '✓')} ${result.saw}\n`);
    this.#at += 1;
    await this.#enter();
    return result;
  }

  async #enter(): Promise<void> {
    this.context.forget();
    const { step } = this;
    this.#before = step && (await this.context.read(step));
    this.#show();
  }

  #show(): void {
    const current = steps[this.#at];
    if (!current || !this.#before)
      return this.print(
        `${paint('bold', 'That was the lesson.')} node_modules/hotqueue/docs/guarantees.md lists the guarantees. "npx hotqueue --help" lists all commands.`,
      );
    const { step, part, partNumber, number } = current;
    const heading = number === 1 ? `${paint('bold', `Exercise ${partNumber}: ${part.title}`)}\n${part.about}\n\n` : '';
    const what = step.type(this.#before, this.context.here).map((line) => paint('cyan', line));
    this.print(
      `${heading}${paint('bold', `${partNumber}.${number}`)} ${step.text}\n${paint('dim', `${places[step.where]}:`)}\n${indent(what.join('\n'))}`,
    );
  }
}
