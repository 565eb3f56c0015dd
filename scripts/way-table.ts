import type { Call, Part, Way } from './way-of-a-message.js';

const parts: readonly Part[] = ['put', 'take', 'ack'];

/**
 * The files of a way as a Markdown table, with the calls in each part. A put goes down the layers, a take goes up to the
 * handler, and an ack goes down: so the files of a part are in the order of the layers, or in the opposite order.
 *
 * @param layers names of folders and files of src, from bottom to top
 */
export function wayTable({ message, withWait }: Way, layers: readonly string[]): string {
  const heightOf = (file: string): number => layers.findIndex((name) => file === name || file.startsWith(`${name}/`));
  const files = [...new Set(message.map(({ file }) => file))].map((file) => {
    const calls = parts.map((part) => sum(message.filter((call) => call.file === file && call.part === part)));
    const first = calls.findIndex((count) => count > 0);
    const height = parts[first] === 'take' ? heightOf(file) : -heightOf(file);
    return { file, calls, first, height };
  });
  files.sort((one, other) => one.first - other.first || one.height - other.height || (one.file < other.file ? -1 : 1));
  const totals = parts.map((part) => sum(message.filter((call) => call.part === part)));
  return [
    `One message passes ${figures(message)}. With what the worker runs to wait for the next message: ${figures(withWait)}.`,
    '',
    '| file | calls in put | in take | in ack |',
    '|---|---|---|---|',
    ...files.map(({ file, calls }) => `| \`${file}\` | ${calls.map((count) => count || '').join(' | ')} |`),
    `| all | ${totals.join(' | ')} |`,
  ].join('\n');
}

function figures(calls: readonly Call[]): string {
  const files = new Set(calls.map(({ file }) => file));
  const functions = new Set(calls.map(({ file, name }) => `${file} ${name}`));
  return `${files.size} files, ${functions.size} functions and ${sum(calls)} calls`;
}

const sum = (calls: readonly Call[]): number => calls.reduce((total, { times }) => total + times, 0);
