import { NoWorkersError, type RunOptions, type WorkerSource } from 'hotqueue';
import { packageFolder, setCliHost, workerKindOf, type CliHost } from '../../worker/cli-host.js';
import { handlersOf, type BoundHandler } from '../../worker/handlers.js';
import { WorkerFileError } from '../errors.js';
import { errorWithStack, load, type Exports } from './load.js';
import { nearby } from './nearby.js';

/** The handlers in the files. */
export interface DiscoveredWorkers {
  readonly handlers: readonly BoundHandler[];
  /** Instances that the command constructed. It disposes of them at the end. */
  readonly instances: readonly object[];
  /** Options that the files passed to `run`. */
  readonly options: RunOptions;
}

type Class = new () => object;

/**
 * Loads files, and returns the handlers of their workers without running them.
 *
 * @throws WorkerFileError, NoWorkersError
 */
export async function handlersIn(files: readonly string[]): Promise<readonly BoundHandler[]> {
  const discovery = new WorkerDiscovery(files.map(nearby).join(', '), new Promise(() => {}));
  setCliHost(discovery);
  try {
    for (const file of files) discovery.add(await load(file, discovery.nextRun()));
    return discovery.finish(undefined).handlers;
  } finally {
    setCliHost(undefined);
  }
}

/** The CLI host: collects the workers that the files export or pass to `run`. */
export class WorkerDiscovery implements CliHost {
  readonly #passedToRun = new Set<object>();
  readonly #exported = new Set<unknown>();
  #options: RunOptions = {};
  #onRun: (() => void) | undefined;
  #isComplete = false;

  /**
   * @param files names of the files, for errors
   * @param stopped resolves when the workers have stopped; `run` in the files waits for it
   */
  constructor(
    private readonly files: string,
    private readonly stopped: Promise<void>,
  ) {}

  /** Resolves when the file that is loaded next calls `run`. */
  nextRun(): Promise<void> {
    return new Promise((resolve) => (this.#onRun = resolve));
  }

  async runWorkers(workers: WorkerSource, options: RunOptions): Promise<void> {
    if (this.#isComplete)
      throw new NoWorkersError(
        'run() was called after "hotqueue worker" had loaded the file: call await run(…) at the top level of the file, or export the workers',
      );
    handlersOf(workers); // throws here, at the call of run, if the workers are invalid
    for (const worker of Array.isArray(workers) ? (workers as object[]) : [workers]) this.#passedToRun.add(worker);
    this.#options = { ...this.#options, ...options } as RunOptions; // later files win
    this.#onRun?.();
    await this.stopped;
  }

  refuseCopy(folder: string): never {
    throw new WorkerFileError(
      this.files,
      `imports another copy of hotqueue: ${nearby(folder)}, and this command is ${nearby(packageFolder)}. ` +
        'Start the command in the folder of the project, with "npx hotqueue worker". ' +
        'If the project itself has two copies, "npm ls hotqueue" shows them, and "npm dedupe" can remove one',
    );
  }

  /** Adds the exports of a file. */
  add(exports: Exports): void {
    for (const value of valuesOf(exports)) this.#exported.add(value);
  }

  /**
   * All handlers that were found. An object that was found twice counts once.
   *
   * @param classNames names of classes: only their instances are used
   * @throws NoWorkersError, WorkerFileError
   */
  finish(classNames: readonly string[] | undefined): DiscoveredWorkers {
    this.#isComplete = true;
    const isSelected = (name: string): boolean => classNames?.includes(name) ?? true;
    const workers = new Set(this.#passedToRun);
    const classes = new Set<Class>();
    for (const value of this.#exported) {
      const kind = workerKindOf(value);
      if (kind === 'worker') workers.add(value as object);
      // Workers in properties are visible only on an instance. So such a class is constructed only if `--class` names it.
      else if (kind === 'class' || (typeof value === 'function' && classNames?.includes(value.name)))
        classes.add(value as Class);
    }
    const instances = [...classes]
      .filter((one) => isSelected(one.name) && needsInstance(one, [...workers], [...classes], classNames))
      .map((one) => instanceOf(one, this.files));
    for (const instance of instances) workers.add(instance);
    if (classNames) assertKnown(classNames, [...workers], [...classes], this.files);
    const selected = [...workers].filter((worker) => isSelected(classNameOf(worker)));
    if (selected.length === 0) throw new NoWorkersError(`no workers in ${this.files}: ${whatCounts}`);
    return { handlers: handlersOf(selected), instances, options: this.#options };
  }
}

const whatCounts =
  'export a class with @worker methods, an instance of one, or the result of queue.worker(fn), or call await run(…) at the top level; name a class ' +
  'with workers in properties by --class';

/** False if there is an instance of the class already, or a class that extends it. */
function needsInstance(
  one: Class,
  workers: readonly object[],
  classes: readonly Class[],
  classNames: readonly string[] | undefined,
): boolean {
  if (workers.some((object) => object instanceof one)) return false;
  return classNames?.includes(one.name) || !classes.some((other) => Object.prototype.isPrototypeOf.call(one, other));
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
    throw new WorkerFileError(files, `cannot construct ${one.name}: new ${one.name}() threw ${errorWithStack(error)}`, {
      cause: error,
    });
  }
}

function assertKnown(
  classNames: readonly string[],
  workers: readonly object[],
  classes: readonly Class[],
  files: string,
): void {
  const known = [...new Set([...workers.map(classNameOf), ...classes.map(({ name }) => name)])].filter(
    (name) => name !== '',
  );
  const missing = classNames.find((name) => !known.includes(name));
  if (missing !== undefined)
    throw new NoWorkersError(
      `no worker class ${missing} in ${files}; ${known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`}`,
    );
}

/** Empty for a function that is a worker. */
const classNameOf = (worker: object): string => (typeof worker === 'function' ? '' : worker.constructor.name);

/** The exported values, each once: Node shows the exports of a CommonJS module by name, and again as the default export. */
function valuesOf(exports: Exports): unknown[] {
  const { default: main, 'module.exports': _, ...named } = exports;
  const byName = Object.values(named);
  const isSameAgain =
    typeof main === 'object' && main !== null && Object.values(main).some((value) => byName.includes(value));
  return [...byName, ...(isSameAgain ? [] : [main])].flat();
}
