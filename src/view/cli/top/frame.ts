import { age, count } from '../output.js';
import { columnsOf, fit, painted, type Line, type Paint } from './line.js';
import { nextPane, nextRows } from './next-pane.js';
import { queuesPane } from './queues-pane.js';
import type { SeenQueue } from './sight.js';
import { selectedOf, type State } from './state.js';
import { workersPane, workersRows } from './workers-pane.js';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Redis may take so long to answer before the screen says that it does not. */
const silentMs = 2_000;
/** From so many columns on, workers and messages stand beside each other. */
const wideColumns = 140;

/**
 * The screen, row by row: at most `rows` of them, none wider than `columns`. Pure.
 *
 * On a low screen go, one after the other: the line for news, workers and messages, the heading, the keys; the selected
 * queue stays.
 */
export function frame(state: State, now: number, { columns, rows }: Size, paint: Paint): string[] {
  const head = rows >= 4 ? [header(state, columns)] : [];
  const foot = footer(state, now, rows);
  const room = Math.max(0, rows - head.length - foot.length);
  const body = state.isHelp ? help : bodyOf(state, now, { columns, rows: room });
  const filled = [...body.slice(0, room), ...Array.from({ length: Math.max(0, room - body.length) }, (): Line => [])];
  return [...head, ...filled, ...foot].slice(0, rows).map((line) => painted(fit(line, columns), paint));
}

function header({ sight: { at, queues } }: State, columns: number): Line {
  const sum = (which: 'waiting' | 'running' | 'dead'): number => queues.reduce((total, queue) => total + queue[which], 0);
  const n = (value: number): string => value.toLocaleString('en');
  const workers = queues.reduce((total, queue) => total + queue.workers.length, 0);
  const facts = `  ${count(queues.length, 'queue')}, ${count(workers, 'worker')}: ${n(sum('waiting'))} waiting, ${n(sum('running'))} running, ${n(sum('dead'))} dead`;
  const time = new Date(at).toTimeString().slice(0, 8);
  const gap = columns - 'hotqueue top'.length - columnsOf(facts) - time.length - 1;
  return [['hotqueue top', 'bold'], [facts], [gap < 1 ? '' : `${' '.repeat(gap)}${time}`, 'dim']];
}

function footer(state: State, now: number, rows: number): Line[] {
  const { question } = state;
  if (question) return [[[question.text, 'bold'], [' y: yes, any other key: no']]];
  const news = newsOf(state, now);
  if (rows >= 10) return [news ?? [], keysLine];
  return rows >= 3 ? [news ?? keysLine] : [];
}

/** What a person should know now: Redis is away, something is being done, or was. */
function newsOf({ askedAt, refusal, doing, note }: State, now: number): Line | undefined {
  const silent = askedAt === undefined ? 0 : now - askedAt;
  if (silent >= silentMs) return [[`Redis does not answer, for ${age(silent)}: what stands here is from before. Trying again`, 'red']];
  if (refusal !== undefined) return [[refusal, 'red']];
  if (doing !== undefined) return [[`${doing}…`, 'yellow']];
  return note === undefined ? undefined : [[note, 'yellow']];
}

const keysLine: Line = [['↑↓ queue  p pause  r revive dead  d drop dead  n delayed now  ? help  q quit', 'dim']];

const help: readonly Line[] = [
  [],
  [['Keys', 'bold']],
  ...[
    ['↑ ↓, k j, Tab', 'another queue; PgUp, PgDn, Home, End go further'],
    ['p', 'pause the queue, or resume it: nobody takes, what runs goes on'],
    ['r', 'revive all its dead letters: messages again, as new'],
    ['d', 'drop all its dead letters, for good'],
    ['n', 'make all its delayed messages ready now'],
    ['? h', 'this; any key leads back'],
    ['q, Ctrl-C', 'quit'],
  ].map(([key, what]): Line => [[`  ${key!.padEnd(15)}`, 'cyan'], [what!]]),
  [],
  [['Numbers', 'bold']],
  ...[
    ['done/s fail/s', 'attempts that ended well, and that did not, over five seconds'],
    ['oldest', 'since when the oldest message waits that stands first in its lane'],
    ['runs', 'messages in hand, of how many at once; since when the oldest runs'],
  ].map(([key, what]): Line => [[`  ${key!.padEnd(15)}`, 'cyan'], [what!]]),
];

function bodyOf(state: State, now: number, { columns, rows }: Size): Line[] {
  const queue = selectedOf(state);
  if (!queue) return [[], [['no queue yet: something has to be put on one, as in  hotqueue put emails \'"hello"\'']]];
  const lines = queuesPane(state, now, columns, listRows(state.sight.queues.length, rows));
  const room = rows - lines.length - 1;
  if (room < 3) return lines;
  const more = state.sight.queues.length + 1 - lines.length;
  const between: Line = more > 0 ? [[`  … ${count(more, 'more queue')}`, 'dim']] : [];
  return [...lines, between, ...detail(queue, now, { columns, rows: room })];
}

/** Rows for the list of queues, its heading among them: all that are needed, but at most two fifths of a screen that shows more. */
function listRows(queues: number, rows: number): number {
  const needed = queues + 1;
  return rows < 8 ? Math.min(needed, rows) : Math.min(needed, Math.max(3, Math.floor(rows * 0.4)));
}

function detail(queue: SeenQueue, now: number, { columns, rows }: Size): Line[] {
  if (columns < wideColumns) {
    const [above, below] = shared(rows - 1, workersRows(queue), nextRows(queue));
    return [...workersPane(queue, now, { columns, rows: above }), [], ...nextPane(queue, now, { columns, rows: below })];
  }
  const [left, right] = [Math.floor((columns - 3) / 2), Math.ceil((columns - 3) / 2)];
  const workers = workersPane(queue, now, { columns: left, rows });
  const next = nextPane(queue, now, { columns: right, rows });
  return Array.from({ length: rows }, (_, row) => [...fit(workers[row] ?? [], left), [' │ ', 'dim'] as const, ...fit(next[row] ?? [], right)]);
}

/** Rows for two that want so many: both get half at least, if they want it. */
function shared(rows: number, one: number, other: number): readonly [number, number] {
  const half = Math.floor(rows / 2);
  if (one + other <= rows || one <= half) return [Math.min(one, rows), rows - Math.min(one, rows)];
  return other <= rows - half ? [rows - other, other] : [half, rows - half];
}
