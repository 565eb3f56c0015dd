import { homedir } from 'node:os';
import { join } from 'node:path';
import { Recoverable, start, type REPLEval, type REPLServer } from 'node:repl';
import type { AsyncCompleter } from 'node:readline';
import { runInThisContext } from 'node:vm';
import { HotQueue, type QueueOptions } from 'hotqueue';
import { queueNames } from '../queues.js';
import { say } from '../cli/output.js';
import { Above } from './above.js';
import { compileLine } from './compile.js';
import { completer } from './completion.js';
import { dots, runDot, type Dot } from './dots.js';
import { Gate } from './gate.js';
import { define, preloaded } from './preload.js';
import { IncompleteError } from './script.js';
import { Session } from './session.js';
import { Shown } from './shown.js';
import { Takers } from './stopping.js';
import { typescriptStripper, type Strip } from './typescript.js';

export interface PromptOptions {
  /** The name of the queue `q`. */
  readonly queue: string;
  readonly address: QueueOptions;
  /** Printed above the first prompt. */
  readonly welcome: string;
  /** More dot commands. */
  readonly more?: Readonly<Record<string, Dot>>;
  /** Told what each line gave, or threw. */
  readonly onLine?: (ended: Ended) => void;
}

/** What came of a line. */
export interface Ended {
  readonly value?: unknown;
  readonly error?: unknown;
}

/** Where `hotqueue` remembers what was typed; `HOTQUEUE_REPL_HISTORY` names another file, or none when empty. */
const historyFile = (): string => process.env['HOTQUEUE_REPL_HISTORY'] ?? join(homedir(), '.hotqueue_repl_history');

/** Node asks in this form for the value whose methods Tab shows. */
const forCompletion = /^try \{ [^]* \} catch \{\}$/;

/** How long a handler may take to finish when the prompt is left. */
const lastGraceMs = 5_000;

/** Node's prompt with our names, TypeScript, and a Ctrl-C that stops what takes messages. */
export class Prompt {
  readonly queue: HotQueue;
  /** When it was left, and everything that it had started has ended. */
  readonly left: Promise<void>;
  readonly #session: Session;
  readonly #above: Above;
  readonly #server: REPLServer;
  readonly #gate = new Gate(process.stdin);
  readonly #takers = new Takers();
  readonly #shown = new Shown();
  readonly #dots: Readonly<Record<string, Dot>>;
  /** From a line's beginning until the next prompt is there; nor is the first line taken before all is ready. */
  #isBusy = true;

  private constructor(
    private readonly options: PromptOptions,
    private readonly strip: Strip | undefined,
  ) {
    this.#dots = { ...dots, ...options.more };
    this.#session = new Session(this.#takers, { say: (text) => this.print(text), interruptible: (work) => this.#interruptible(work) });
    this.#gate.isHeld = () => this.#isBusy;
    this.#gate.onInterrupt = () => this.#interrupt();
    this.queue = new HotQueue(options.queue, options.address);
    this.#server = start({
      prompt: this.#gate.isTTY ? 'hotqueue> ' : '',
      input: this.#gate,
      output: process.stdout,
      terminal: this.#gate.isTTY,
      useGlobal: true,
      ignoreUndefined: true,
      preview: false,
      eval: this.#evaluate,
      writer: this.#shown.write,
    });
    this.#above = new Above(this.#server, process.stdout, () => this.#isBusy);
    this.left = this.#untilLeft();
  }

  /** @throws RedisUnreachableError, before anything is shown */
  static async open(options: PromptOptions): Promise<Prompt> {
    const strip = await typescriptStripper();
    const probe = new HotQueue(options.queue, options.address);
    await probe.size(); // says which Redis it found, or that there is none
    say(options.welcome);
    if (!strip) say('TypeScript is not understood here, only JavaScript: "npm install oxc-transform" brings it');
    const prompt = new Prompt(options, strip);
    await probe.close();
    await prompt.#dress();
    prompt.#ready();
    return prompt;
  }

  /** Prints a line, above what is being typed. */
  print(text: string): void {
    this.#above.write(`${text}\n`);
  }

  /** Makes a name known to every line. */
  define(names: Readonly<Record<string, unknown>>): void {
    define(names);
  }

  #ready(): void {
    this.#isBusy = false;
    this.#gate.release();
  }

  async #dress(): Promise<void> {
    define({ ...preloaded(this.queue), console: this.#above.console() });
    for (const [name, dot] of Object.entries(this.#dots)) {
      this.#server.defineCommand(name, { help: dot.help, action: (text) => void this.#runDot(dot, text) });
    }
    this.#server.defineCommand('help', { help: 'this', action: () => this.#help() });
    // Typed as read-only, and read anew at each Tab.
    const completing = this.#server as { completer: AsyncCompleter };
    const takesQueue = Object.entries(this.#dots).flatMap(([name, dot]) => (dot.takesQueue ? [name] : []));
    completing.completer = completer({ takesQueue, names: () => queueNames(this.options.address), node: completing.completer.bind(this.#server) });
    const history = historyFile();
    if (this.#gate.isTTY && history !== '') await new Promise((resolve) => this.#server.setupHistory(history, resolve));
  }

  readonly #evaluate: REPLEval = (source, _context, _file, done) => {
    if (forCompletion.test(source)) {
      done(null, runInThisContext(source));
      return;
    }
    let code: string;
    try {
      code = compileLine(source, this.strip);
    } catch (error) {
      // Node asks for the next line, with three dots.
      done(error instanceof IncompleteError ? new Recoverable(error) : (error as Error), undefined);
      return;
    }
    void this.#busy(() => this.#session.evaluate(code)).then((ended) => {
      done((ended.error ?? null) as Error | null, ended.value);
      this.#ready();
      this.options.onLine?.(ended);
    });
  };

  /** What came of it; never rejects. */
  async #busy(work: () => Promise<unknown>): Promise<Ended> {
    this.#isBusy = true;
    try {
      const value = await work();
      await this.#shown.prepare(value);
      return { value };
    } catch (error) {
      return { error: error ?? new Error(`${String(error)} was thrown`) };
    }
  }

  async #runDot(dot: Dot, text: string): Promise<void> {
    const { address, queue } = this.options;
    const own: unknown = (globalThis as { q?: unknown }).q;
    const name = own instanceof HotQueue ? own.name : queue;
    const { error } = await this.#busy(() =>
      this.#session.during((evaluation) => runDot(dot, text, { address, queue: name, print: (line) => this.print(line), evaluation })),
    );
    if (error !== undefined) this.print(this.#shown.write(error));
    this.#server.displayPrompt();
    this.#ready();
  }

  #help(): void {
    const all: [string, string][] = Object.values(this.#dots).map(({ usage, help }) => [usage, help]);
    all.push(['exit', 'leave; Ctrl-D does so too']);
    const widest = Math.max(...all.map(([usage]) => usage.length));
    this.#server.output.write(
      `${all.map(([usage, help]) => `.${usage.padEnd(widest)}   ${help}`).join('\n')}\n\n` +
        'At hand: q, HotQueue, worker, run, start, Delivery, rules, Bury, RetryIn, sleep, and the\n' +
        'decorators of class-validator. What a line gives is awaited; in a script, write "await".\n' +
        'Ctrl-C stops what consumes; what it had in hand goes back to its queue.\n',
    );
    this.#server.displayPrompt();
  }

  /** @returns whether Ctrl-C was for what runs, and not for the line that is being typed */
  #interrupt(): boolean {
    if (!this.#isBusy && this.#server.line !== '') return false;
    const isOurs = this.#session.interrupt();
    if (isOurs) process.stdout.write('^C\n');
    return isOurs;
  }

  /** An endless loop reads no keys: outside of raw mode, Ctrl-C is a signal. */
  #interruptible<R>(work: () => R): R {
    this.#gate.setRawMode(false);
    try {
      return work();
    } finally {
      this.#gate.setRawMode(true);
    }
  }

  async #untilLeft(): Promise<void> {
    const onInterrupt = (): void => void this.#session.interrupt();
    const onEnd = (): void => this.#server.close();
    process.on('SIGINT', onInterrupt);
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, onEnd);
    await new Promise<void>((resolve) => this.#server.once('exit', resolve));
    this.#gate.close();
    await this.#takers.stop(lastGraceMs);
    await this.queue.close();
    this.#takers.unwatch();
    process.off('SIGINT', onInterrupt);
  }
}
