import { HotQueue, HotQueueError, type QueueOptions } from 'hotqueue';
import { paint } from '../cli/output.js';
import { exitSoon } from '../cli/exit.js';
import { setDefaultAddress } from '../repl/open.js';
import type { DotCommand } from '../repl/dot-commands.js';
import { Prompt } from '../repl/prompt.js';
import { Guide } from './guide.js';
import { composeFile, up, type Services } from './services.js';
import { LessonState } from './lesson-state.js';

/** How often the lesson checks the current step, which may be done in the other terminal. */
const checkEveryMs = 500;

/** Runs the lesson at a prompt. Resolves when the user leaves it. @param part the first exercise, from 1 @throws RedisUnreachableError */
export async function openLesson(part: number, address: QueueOptions): Promise<void> {
  setDefaultAddress(address);
  const lesson = new Lesson(address);
  const prompt = await Prompt.open({
    queue: 'queue',
    address,
    welcome,
    more: lesson.dotCommands,
    onLine: (line) => lesson.record(line),
  });
  await lesson.start(prompt, part);
  await prompt.left;
  await lesson.end();
  exitSoon();
}

const welcome = `${paint('bold', 'hotqueue: the lesson.', process.stderr)} It checks what you do in this terminal and in the second terminal.
.hint shows help, .next checks again, .lesson lists the exercises, .skip goes to the next step,
Ctrl-D leaves the lesson
`;

/** Connects the guide, the prompt and the services. */
class Lesson {
  readonly #state: LessonState;
  #guide: Guide | undefined;
  #prompt: Prompt | undefined;
  #services: Services | undefined;
  /** The queue in the Redis of the services: the variable `node1` at the prompt. */
  #node1: HotQueue | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(address: QueueOptions) {
    this.#state = new LessonState(address);
  }

  readonly dotCommands: Readonly<Record<string, DotCommand>> = {
    lesson: this.#command(
      'lesson [n]',
      'lists the exercises and the current step; with n, starts exercise n',
      async ([number], print) => {
        if (number === undefined) return this.#guide?.overview();
        if (!(await this.#guide?.beginPart(Number(number))))
          print(`there is no exercise ${number}: .lesson lists them`);
      },
    ),
    next: this.#command('next', 'checks whether the step is done', () => this.#guide?.next()),
    hint: this.#command('hint', 'shows help for this step', () => this.#guide?.hint()),
    skip: this.#command('skip', 'goes to the next step', () => this.#guide?.skip()),
    answer: this.#command('answer <text>', 'answers a question', async (words) => {
      this.#state.answers.push(words.join(' '));
      await this.#guide?.next();
    }),
    compose: this.#command(
      'compose [up|down]',
      'shows the compose file; up starts its services, down stops them',
      ([word], print) => this.#compose(word, print),
    ),
  };

  record(line: { value?: unknown; error?: unknown }): void {
    this.#state.record(line);
    void this.#check();
  }

  async start(prompt: Prompt, part: number): Promise<void> {
    this.#prompt = prompt;
    this.#guide = new Guide(this.#state, (text) => prompt.print(text));
    await this.#guide.beginPart(part);
    this.#timer = setInterval(() => void this.#check(), checkEveryMs).unref();
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    this.#guide = undefined;
    await this.#down();
    await this.#state.close();
  }

  async #check(): Promise<void> {
    try {
      await this.#guide?.check();
    } catch (error) {
      // Redis does not answer for a moment: the next check runs soon. Any other error is a bug and must be visible.
      if (!(error instanceof HotQueueError)) throw error;
    }
  }

  async #compose(word: string | undefined, print: (text: string) => void): Promise<void> {
    if (word === undefined) return print(composeFile());
    if (word !== 'up' && word !== 'down')
      return print(`unknown word ${JSON.stringify(word)}: type .compose up or .compose down`);
    if (word === 'up') {
      print(paint('dim', 'starting …'));
      this.#services ??= await up(process.env);
      this.#node1 ??= new HotQueue('queue', { url: this.#services.url });
      this.#prompt?.define({ node1: this.#node1 });
      this.#state.compose = this.#services;
    } else await this.#down();
    await this.#guide?.next();
  }

  async #down(): Promise<void> {
    const services = this.#services;
    this.#services = undefined;
    this.#state.compose = undefined;
    await this.#node1?.close();
    this.#node1 = undefined;
    await this.#state.close(services?.url ?? 'none');
    await services?.down();
  }

  #command(
    usage: string,
    help: string,
    run: (words: readonly string[], print: (text: string) => void) => unknown,
  ): DotCommand {
    return { usage, help, takesQueue: false, run: async (words, { print }) => void (await run(words, print)) };
  }
}
