import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';

// A SIGKILL of the harness runs no cleanup. But it closes the pipe to this shell, which then kills the processes of the harness.
const warden =
  'pids=; while read -r verb pid; do case $verb in add) pids="$pids $pid";; drop) left=; for one in $pids; do [ "$one" = "$pid" ] || left="$left $one"; done; pids=$left;; esac; done; for one in $pids; do kill -9 "$one"; done';

let guard: ChildProcess | undefined;

function tellGuard(verb: 'add' | 'drop', pid: number): void {
  if (!guard) {
    guard = spawn('/bin/sh', ['-c', warden], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    guard.unref();
    (guard.stdin as unknown as { unref(): void }).unref();
  }
  guard.stdin!.write(`${verb} ${pid}\n`);
}

/** A process that this harness started. Signals go to its id only, and never after it has ended. */
export class OwnChild {
  /** Resolves with the exit code, or with the signal that ended the process. */
  readonly ended: Promise<number | NodeJS.Signals>;
  #isOver = false;

  private constructor(private readonly child: ChildProcess) {
    tellGuard('add', child.pid!);
    this.ended = new Promise((resolve) =>
      child.once('exit', (code, signal) => {
        this.#isOver = true;
        tellGuard('drop', child.pid!);
        resolve(code ?? signal!);
      }),
    );
  }

  static start(
    command: string,
    args: readonly string[],
    options: { cwd: string; env: NodeJS.ProcessEnv; output: string },
  ): OwnChild {
    const output = openSync(options.output, 'a');
    try {
      return new OwnChild(
        spawn(command, args, { cwd: options.cwd, env: options.env, stdio: ['ignore', output, output] }),
      );
    } finally {
      closeSync(output);
    }
  }

  get pid(): number {
    return this.child.pid!;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#isOver) this.child.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal('SIGCONT');
    this.signal('SIGKILL');
    await this.ended;
  }
}
