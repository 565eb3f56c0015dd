import { NoWorkersError, WorkerFileError } from 'hotqueue';
import type { BoundHandler } from '../../worker/handlers.js';
import type { LibraryCopy, CliHost } from '../../worker/cli-host.js';
import type { RunOptions } from '../../worker/runner.js';
import type { WorkerSource } from '../../worker/types.js';
import { told, type Exports } from './load.js';

/** The handlers that were found, and the copy of the library that declared them. */
export interface DiscoveredWorkers {
  readonly copy: LibraryCopy;
  readonly handlers: readonly BoundHandler[];
  /** Instances that the recruiter created. They are disposed of at the end. */
  readonly made: readonly object[];
  /** Options that the files passed to `run`. */
  readonly options: RunOptions;
}

type Class = new () => object;

/** The CLI host: collects the workers that the files export or pass to `run`. */
export class WorkerDiscovery implements CliHost {
  readonly #copies: Set<LibraryCopy>;
  readonly #engaged: {
    readonly workers: readonly object[];
    readonly options: RunOptions;
    readonly copy: LibraryCopy;
  }[] = [];
  readonly #exported = new Set<unknown>();
  #onEngaged: (() => void) | undefined;
  #isOver = false;

  /** @param stopped resolves when the workers have stopped; `run` in the files waits for it */
  constructor(
    own: LibraryCopy,
    private readonly stopped: Promise<void>,
  ) {
    this.#copies = new Set([own]);
  }

  /** Resolves when the file that is loaded next calls `run`. */
  engagement(): Promise<void> {
    return new Promise((resolve) => (this.#onEngaged = resolve));
  }

  addCopy(copy: LibraryCopy): void {
    this.#copies.add(copy);
  }

  async runWorkers(workers: WorkerSource, options: RunOptions, copy: LibraryCopy): Promise<void> {
    if (this.#isOver)
      throw new NoWorkersError(
        'run() was called after "hotqueue worker" had loaded the file: call await run(…) at the top level of the file, or export the workers',
      );
    copy.handlersOf(workers); // throws here, at the call of run, if the workers are invalid
    this.#engaged.push({ workers: Array.isArray(workers) ? (workers as object[]) : [workers], options, copy });
    this.#onEngaged?.();
    await this.stopped;
  }

  add(exports: Exports): void {
    for (const value of valuesOf(exports)) this.#exported.add(value);
  }

  /**
   * All handlers that were found. An object that was found twice counts once.
   *
   * @param classes names of classes: only their instances are used
   * @throws NoWorkersError, WorkerFileError
   */
  recruit(files: string, classes: readonly string[] | undefined): DiscoveredWorkers {
    this.#isOver = true;
    const { copy, workers, made } = this.#objects(files, classes);
    return {
      copy,
      made,
      handlers: copy.handlersOf([...workers]),
      options: Object.assign({}, ...this.#engaged.map(({ options }) => options)) as RunOptions,
    };
  }

  #objects(files: string, chosen: readonly string[] | undefined) {
    const ready = new Map<object, LibraryCopy>(
      this.#engaged.flatMap(({ workers, copy }) => workers.map((worker) => [worker, copy] as const)),
    );
    const classes = new Map<Class, LibraryCopy>();
    for (const value of this.#exported) {
      const copy = [...this.#copies].find((one) => one.kindOf(value) !== undefined);
      if (copy?.kindOf(value) === 'worker') ready.set(value as object, copy);
      // Workers in properties are visible only on an instance. So such a class is constructed only if `--class` names it.
      else if (copy || (chosen !== undefined && typeof value === 'function' && chosen.includes(value.name)))
        classes.set(value as Class, copy ?? [...this.#copies].at(-1)!);
    }
    const toMake = [...classes.keys()].filter(
      (one) => !isSpokenFor(one, [...ready.keys()], [...classes.keys()], chosen),
    );
    const made = toMake
      .filter((one) => chosen?.includes(one.name) ?? true)
      .map((one) => ({ object: instanceOf(one, files), copy: classes.get(one)! }));
    for (const { object, copy } of made) ready.set(object, copy);
    if (chosen) assertChosen(chosen, [...ready.keys()], [...classes.keys()], files);
    const workers = [...ready.keys()].filter((worker) => chosen?.includes(classNameOf(worker)) ?? true);
    if (workers.length === 0) throw new NoWorkersError(`no workers in ${files}: ${whatCounts}`);
    const copies = new Set(workers.map((worker) => ready.get(worker)!));
    if (copies.size > 1)
      throw new WorkerFileError(
        files,
        'its workers come from two copies of hotqueue: "npm ls hotqueue" shows where they are, and "npm dedupe" may remove one',
      );
    return { copy: [...copies][0]!, workers, made: made.map(({ object }) => object) };
  }
}

const whatCounts =
  'export a class with @worker methods, an instance of one, or the result of queue.worker(fn), or call await run(…) at the top level; name a class ' +
  'with workers in properties by --class';

/** True if the class needs no new instance: there is an instance of it already, or a class that extends it. */
function isSpokenFor(
  one: Class,
  ready: readonly object[],
  classes: readonly Class[],
  chosen: readonly string[] | undefined,
): boolean {
  if (ready.some((object) => object instanceof one)) return true;
  return !chosen?.includes(one.name) && classes.some((other) => Object.prototype.isPrototypeOf.call(one, other));
}

function instanceOf(one: Class, files: string): object {
  if (one.length > 0) {
    const words = one.length === 1 ? 'an argument' : `${one.length} arguments`;
    throw new WorkerFileError(
      files,
      `cannot construct ${one.name}: its constructor needs ${words}. Export an instance: export const studio = new ${one.name}(…)`,
    );
  }
  try {
    return new one();
  } catch (error) {
    throw new WorkerFileError(files, `cannot construct ${one.name}: new ${one.name}() threw ${told(error)}`, {
      cause: error,
    });
  }
}

function assertChosen(
  chosen: readonly string[],
  ready: readonly object[],
  classes: readonly Class[],
  files: string,
): void {
  const known = [...new Set([...ready.map(classNameOf), ...classes.map(({ name }) => name)])].filter(
    (name) => name !== '',
  );
  const missing = chosen.find((name) => !known.includes(name));
  if (missing !== undefined)
    throw new NoWorkersError(
      `no worker class ${missing} in ${files}; ${known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`}`,
    );
}

const classNameOf = (worker: object): string => (typeof worker === 'function' ? '' : worker.constructor.name);

/** The exported values, each once: Node shows the exports of a CommonJS module by name, and again as the default export. */
function valuesOf(exports: Exports): unknown[] {
  const { default: main, 'module.exports': _, ...named } = exports;
  const byName = Object.values(named);
  const isSameAgain =
    typeof main === 'object' && main !== null && Object.values(main).some((value) => byName.includes(value));
  return [...byName, ...(isSameAgain ? [] : [main])].flat();
}
