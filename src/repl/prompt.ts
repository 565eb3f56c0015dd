import { homedir } from 'node:os';
import { join } from 'node:path';
import { Recoverable, start, type REPLEval, type REPLServer } from 'node:repl';
import type { AsyncCompleter } from 'node:readline';
import { runInThisContext } from 'node:vm';
import { HotQueue, type QueueOptions } from 'hotqueue';
import { queueNames } from '../inspect/queues.js';
import { endWaitsWith } from '../jobs/caller-signal.js';
import { say } from '../cli/output.js';
import { PrintAbove } from './print-above.js';
import { compileLine } from './compile.js';
import { completer } from './completion.js';
import { dotCommands, runDotCommand, type DotCommand } from './dot-commands.js';
import { Gate } from './gate.js';
import { Evaluation } from './evaluation.js';
import { define, preloaded } from './preload.js';
import { IncompleteError } from './script.js';
import { ReplSession } from './session.js';
import { Writer } from './writer.js';
import { RunningConsumers } from './stopping.js';
import { typescriptStripper, type Strip } from './typescript.js';

export interface PromptOptions {
  /** The name of the queue `q`. */
  readonly queue: string;
  readonly address: QueueOptions;
  /** Printed above the first prompt. */
  readonly welcome: string;
  /** More dot commands. */
  readonly more?: Readonly<Record<string, DotCommand>>;
  /** Called after each line, with its value or its error. */
  readonly onLine?: (ended: Ended) => void;
}

/** The value or the error of a line. */
export interface Ended {
  readonly value?: unknown;
  readonly error?: unknown;
}

/** The history file. `HOTQUEUE_REPL_HISTORY` sets another file; if it is empty, there is no history. */
const historyFile = (): string => process.env['HOTQUEUE_REPL_HISTORY'] ?? join(homedir(), '.hotqueue_repl_history');

/** Node evaluates code of this form when Tab completes the methods of a value. */
const forCompletion = /^try \{ [^]* \} catch \{\}$/;

/** How long a handler may take to finish when the user leaves the prompt. */
const lastGraceMs = 5_000;

/** Node's REPL with the names of this library, TypeScript, and a Ctrl-C that stops consumers and workers. */
export class Prompt {
  readonly queue: HotQueue;
  /** Resolves when the user has left, and all consumers and workers of the prompt have stopped. */
  readonly left: Promise<void>;
  readonly #session: ReplSession;
  readonly #printAbove: PrintAbove;
  readonly #server: REPLServer;
  readonly #gate = new Gate(process.stdin);
  readonly #consumers = new RunningConsumers();
  readonly #writer = new Writer();
  readonly #dotCommands: Readonly<Record<string, DotCommand>>;
  /** True while a line runs, until the next prompt is shown. Also true at the start, until everything is set up. */
  #isBusy = true;

  private constructor(
    private readonly options: PromptOptions,
    private readonly strip: Strip | undefined,
  ) {
    this.#dotCommands = { ...dotCommands, ...options.more };
    this.#session = new ReplSession(this.#consumers, {
      say: (text) => this.print(text),
      interruptible: (work) => this.#interruptible(work),
    });
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
      writer: this.#writer.write,
    });
    this.#printAbove = new PrintAbove(this.#server, process.stdout, () => this.#isBusy);
    this.left = this.#untilLeft();
  }

  /** Opens a prompt. @throws RedisUnreachableError before anything is printed */
  static async open(options: PromptOptions): Promise<Prompt> {
    const strip = await typescriptStripper();
    const probe = new HotQueue(options.queue, options.address);
    await probe.size(); // prints which Redis it uses, or throws if there is none
    say(options.welcome);
    if (!strip) say('this prompt understands only JavaScript: run "npm install oxc-transform" to type TypeScript');
    const prompt = new Prompt(options, strip);
    await probe.close();
    await prompt.#setUp();
    prompt.#ready();
    return prompt;
  }

  /** Prints a line above the line that is being typed. */
  print(text: string): void {
    this.#printAbove.write(`${text}\n`);
  }

  /** Defines global names for all lines. */
  define(names: Readonly<Record<string, unknown>>): void {
    define(names);
  }

  #ready(): void {
    this.#isBusy = false;
    this.#gate.release();
  }

  async #setUp(): Promise<void> {
    define({ ...preloaded(this.queue), console: this.#printAbove.console() });
    for (const [name, dot] of Object.entries(this.#dotCommands)) {
      this.#server.defineCommand(name, { help: dot.help, action: (text) => void this.#runDotCommand(dot, text) });
    }
    this.#server.defineCommand('help', { help: 'shows this list', action: () => this.#help() });
    // The types say that it is read-only, but Node reads it at each Tab, so it can be replaced.
    const completing = this.#server as { completer: AsyncCompleter };
    const takesQueue = Object.entries(this.#dotCommands).flatMap(([name, dot]) => (dot.takesQueue ? [name] : []));
    completing.completer = completer({
      takesQueue,
      names: () => queueNames(this.options.address),
      node: completing.completer.bind(this.#server),
    });
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
      // For a Recoverable error, Node shows "..." and asks for the next line.
      done(error instanceof IncompleteError ? new Recoverable(error) : (error as Error), undefined);
      return;
    }
    void this.#busy(() => this.#session.evaluate(code)).then((ended) => {
      done((ended.error ?? null) as Error | null, ended.value);
      this.#ready();
      this.options.onLine?.(ended);
    });
  };

  /** Runs something while input is held back. Never rejects. */
  async #busy(work: () => Promise<unknown>): Promise<Ended> {
    this.#isBusy = true;
    try {
      const value = await work();
      await this.#writer.prepare(value);
      return { value };
    } catch (error) {
      return { error: error ?? new Error(`${String(error)} was thrown`) };
    }
  }

  async #runDotCommand(dot: DotCommand, text: string): Promise<void> {
    const { address, queue } = this.options;
    const own: unknown = (globalThis as { q?: unknown }).q;
    const name = own instanceof HotQueue ? own.name : queue;
    const { error } = await this.#busy(() =>
      this.#session.during((evaluation) =>
        runDotCommand(dot, text, { address, queue: name, print: (line) => this.print(line), evaluation }),
      ),
    );
    if (error !== undefined) this.print(this.#writer.write(error));
    this.#server.displayPrompt();
    this.#ready();
  }

  #help(): void {
    const all: [string, string][] = Object.values(this.#dotCommands).map(({ usage, help }) => [usage, help]);
    all.push(['exit', 'leaves the prompt, as Ctrl-D does']);
    const widest = Math.max(...all.map(([usage]) => usage.length));
    this.#server.output.write(
      `${all.map(([usage, help]) => `.${usage.padEnd(widest)}   ${help}`).join('\n')}\n\n` +
        'Available names: q, HotQueue, worker, run, start, Delivery, rules, Bury, RetryIn, sleep, and the\n' +
        'decorators of class-validator. The prompt awaits the value of each line. In a script, write "await".\n' +
        'Ctrl-C stops consumers and workers; their active messages go back to the queue.\n' +
        'A message put with q.with({ track: true }) is a job: ask it with job.status(), job.result() or\n' +
        'job.cancel(); q.job(id) finds it again. Ctrl-C ends the wait for a result.\n' +
        'Leaving "for await (const item of q.consume())" early gives the current message back.\n' +
        'Three ways to leave after a message without giving it back:\n' +
        '  q.consume({ limit: 1 })         the loop ends by itself after one message\n' +
        "  q.consume({ onLeave: 'ack' })   leaving acknowledges the current message\n" +
        '  q.deliveries()                  call await delivery.ack() yourself, then break\n',
    );
    this.#server.displayPrompt();
  }

  /** @returns true if Ctrl-C stopped something; false if it is for the line that is being typed */
  #interrupt(): boolean {
    if (!this.#isBusy && this.#server.line !== '') return false;
    const isOurs = this.#session.interrupt();
    if (isOurs) process.stdout.write('^C\n');
    return isOurs;
  }

  /** Turns raw mode off: then Ctrl-C is a signal, which reaches an endless loop that never reads a key. */
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
    const keepWaits = endWaitsWith(() => Evaluation.current?.signal);
    const endRedirect = this.#printAbove.redirect(process.stderr);
    process.on('SIGINT', onInterrupt);
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, onEnd);
    await new Promise<void>((resolve) => this.#server.once('exit', resolve));
    endRedirect();
    keepWaits();
    this.#gate.close();
    await this.#consumers.stop(lastGraceMs);
    await this.queue.close();
    this.#consumers.unwatch();
    process.off('SIGINT', onInterrupt);
  }
}
