import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { redisUrl } from '../support/server.js';
import { aTerminal, hotqueueWords, type Terminal } from '../support/terminal.js';

/** Starts a prompt in a pseudo-terminal, on the tests' server, with its own home. Resolves when it accepts input. */
export async function aPrompt(words: readonly string[], env: NodeJS.ProcessEnv = {}, rows = 60): Promise<Terminal> {
  const home = mkdtempSync(join(tmpdir(), 'hqr-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...rest } = process.env;
  const screen = await aTerminal(hotqueueWords(...words), {
    cols: 100,
    rows,
    env: { ...rest, REDIS_URL: redisUrl(), HOME: home, ...env },
  });
  await screen.shows(/^hotqueue>$/m);
  return screen;
}

/** Types a line, and waits for its output. Earlier output is ignored. */
export async function enter(screen: Terminal, line: string, shown: RegExp | string): Promise<void> {
  screen.forget();
  screen.enter(line);
  await screen.shows(shown);
}

/** Types a line, again and again, until its output has `shown`. Each output ends with `end`. */
export async function enterUntil(screen: Terminal, line: string, shown: string, end: RegExp): Promise<void> {
  do await enter(screen, line, end);
  while (!screen.shown.includes(shown));
}
