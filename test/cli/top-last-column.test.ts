/** A row of full width ends in the last column of the terminal, and what stands there stays. */
import { onTestFinished, describe, expect, it } from 'vitest';
import { start } from 'hotqueue';
import { until } from '../support/facts.js';
import { aName, aQueue } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import { hotqueueWords } from '../support/terminal.js';
import { hasTmux, TmuxWindow } from '../support/tmux.js';
import { aTop, shows } from './top-scene.js';

const patient = 120_000;
const widths = [80, 100, 110, 139];
const failed = 26;

/** A queue with one worker, of which 26 attempts have failed, and a message that waits with a payload longer than a row. */
async function aScene(): Promise<{ readonly prefix: string }> {
  const prefix = aName();
  const queue = aQueue({ prefix, name: 'orders-'.repeat(17), attempts: 1, logger: false });
  const runner = start(queue.worker(() => Promise.reject(new Error('no'))));
  onTestFinished(() => runner.stop());
  await queue.putAll(Array.from({ length: failed }, (_, index) => index));
  await until(
    () => queue.dead.size(),
    (size) => size === failed,
  );
  await queue.pause();
  await queue.put('x'.repeat(300));
  return { prefix };
}

/** What the screen must have in its last column. */
function check(rows: readonly string[], columns: number): void {
  const full = (pattern: RegExp): string => {
    const row = rows.find((line) => pattern.test(line));
    expect(row, `no row matches ${String(pattern)} in\n${rows.join('\n')}`).toBeDefined();
    expect(row).toHaveLength(columns);
    return row!;
  };
  expect(full(/^ {2}queue /)).toMatch(/ oldest$/);
  expect(full(/^ {2}worker /)).toMatch(/ failed$/);
  expect(full(/ working /)).toMatch(/ 26$/);
  expect(full(/xxxx/)).toMatch(/x…$/);
}

/** The heartbeat of the worker has told its failures, and the next message was read. */
const complete = / working .* [1-9]\d*\n[^]*xxxx/;

describe.each(widths)('with %i columns', (columns) => {
  it('the emulator shows the last column', { timeout: patient }, async () => {
    const { prefix } = await aScene();
    const screen = await aTop(['--prefix', prefix], { cols: columns, rows: 24 });
    const text = await shows(screen, complete);
    check(text.split('\n'), columns);
    screen.type('?'); // help and back: rows are written over longer ones
    await shows(screen, /Keys\n/);
    screen.type(' ');
    await until(() => complete.test(screen.text));
    check(screen.text.split('\n'), columns);
  });

  it.skipIf(!hasTmux)(
    `tmux shows the last column${hasTmux ? '' : ' (skipped: there is no tmux on this machine)'}`,
    { timeout: patient },
    async () => {
      const { prefix } = await aScene();
      const env = { REDIS_URL: redisUrl(), HOTQUEUE_NAME: '', NO_COLOR: '1' };
      const window = await TmuxWindow.open(hotqueueWords('top', '--prefix', prefix), { cols: columns, rows: 24, env });
      const rows = await until(
        () => window.rows(),
        (found) => complete.test(found.join('\n')),
        40_000,
      );
      check(rows, columns);
    },
  );
});
