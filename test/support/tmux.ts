import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

const run = promisify(execFile);

/** Whether this machine has tmux. */
export const hasTmux = ((): boolean => {
  try {
    execFileSync('tmux', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** A program in a window of a tmux server of its own, which ends after the test. */
export class TmuxWindow {
  private constructor(private readonly socket: string) {}

  /** @param command the program and its arguments @param env added to the environment of the program */
  static async open(
    command: readonly string[],
    { cols, rows, env = {} }: { readonly cols: number; readonly rows: number; readonly env?: Record<string, string> },
  ): Promise<TmuxWindow> {
    const folder = mkdtempSync(join(tmpdir(), 'hotqueue-tmux-'));
    const window = new TmuxWindow(join(folder, 'socket'));
    onTestFinished(async () => {
      await window.#tmux('kill-server').catch(() => undefined); // the program may have ended, and tmux with it
      rmSync(folder, { recursive: true, force: true });
    });
    const variables = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const size = ['-x', String(cols), '-y', String(rows)];
    await window.#tmux('-f', '/dev/null', 'new-session', '-d', ...size, ...variables, '--', ...command);
    return window;
  }

  /** The rows of the screen, without trailing spaces. */
  async rows(): Promise<string[]> {
    return (await this.#tmux('capture-pane', '-p')).split('\n');
  }

  async #tmux(...words: string[]): Promise<string> {
    return (await run('tmux', ['-S', this.socket, ...words])).stdout;
  }
}
