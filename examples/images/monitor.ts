/**
 * Shows the counts of the image queue, or of another queue, until Ctrl-C. It refreshes a panel on a terminal, and prints
 * lines to a pipe.
 *
 *     node --import @oxc-node/core/register examples/images/monitor.ts [queue] [--every 1000]
 */
import { clearScreenDown, moveCursor } from 'node:readline';
import { setInterval } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { HotQueue } from 'hotqueue';
import { panel, line, type Look } from './panel.js';
import { paintOn } from './progress.js';
import { images } from './tasks.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { every: { type: 'string', default: '1000' } },
});
const name = positionals[0] ?? images.name;
const queue = name === images.name ? images : new HotQueue(name);
const ended = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort());
const { stdout } = process;
stdout.once('error', () => ended.abort()); // `| head` closes the pipe, for example

let before: Look['before'];
let shown = 0;

async function look(): Promise<void> {
  const [counts, next] = await Promise.all([queue.counts(), queue.peek(3)]);
  const now: Look = { at: performance.now(), counts, next: next.map((job) => job.payload), before };
  before = { at: now.at, counts };
  if (!stdout.isTTY) return void console.log(line(name, now));
  const lines = panel(name, now, stdout.columns || 80, paintOn(stdout));
  moveCursor(stdout, 0, -shown);
  clearScreenDown(stdout);
  console.log(lines.join('\n'));
  shown = lines.length;
}

try {
  await look();
  for await (const _ of setInterval(Number(values.every) || 1000, undefined, { signal: ended.signal })) await look();
} catch (error) {
  if (!ended.signal.aborted) throw error;
} finally {
  await queue.close();
}
