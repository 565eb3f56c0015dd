import { age, count } from '../output.js';
import { columnsOf } from '../text-width.js';
import { fit, painted, type Line, type Paint, type Size } from './line.js';
import { nextPane, nextRows } from './next-pane.js';
import { queuesPane } from './queues-pane.js';
import type { TopQueue } from './snapshot.js';
import { selectedOf, type State } from './state.js';
import { workersPane, workersRows } from './workers-pane.js';

/** After this time without a reply, the screen says that Redis does not answer. */
const silentMs = 2_000;
/** From this width on, workers and messages are shown side by side. */
const wideColumns = 140;

/**
 * The rows of the screen: at most `rows`, none wider than `columns`. Pure.
 *
 * If there are few rows, it leaves out, in this order: the status line, workers and messages, the header, the keys. The selected
 * queue always stays.
 */
export function frame(state: State, now: number, { columns, rows }: Size, paint: Paint): string[] {
  const head = rows >= 4 ? [header(state, columns)] : [];
  const foot = footer(state, now, rows);
  const room = Math.max(0, rows - head.length - foot.length);
  const body = state.isHelp ? help : bodyOf(state, now, { columns, rows: room });
  const filled = [...body.slice(0, room), ...Array.from({ length: Math.max(0, room - body.length) }, (): Line => [])];
  return [...head, ...filled, ...foot].slice(0, rows).map((line) => painted(fit(line, columns), paint));
}

function header({ snapshot: { at, queues } }: State, columns: number): Line {
  const sum = (which: 'waiting' | 'active' | 'dead'): number =>
    queues.reduce((total, queue) => total + queue[which], 0);
  const n = (value: number): string => value.toLocaleString('en');
  const workers = queues.reduce((total, queue) => total + queue.workers.length, 0);
  const facts = `  ${count(queues.length, 'queue')}, ${count(workers, 'worker')}: ${n(sum('waiting'))} waiting, ${n(sum('active'))} active, ${n(sum('dead'))} dead`;
  const time = new Date(at).toTimeString().slice(0, 8);
  const gap = columns - 'hotqueue top'.length - columnsOf(facts) - time.length - 1;
  return [['hotqueue top', 'bold'], [facts], [gap < 1 ? '' : `${' '.repeat(gap)}${time}`, 'dim']];
}

function footer(state: State, now: number, rows: number): Line[] {
  const { question } = state;
  if (question) return [[[question.text, 'bold'], [' y: yes, any other key: no']]];
  const status = statusLine(state, now);
  if (rows >= 10) return [status ?? [], keysLine];
  return rows >= 3 ? [status ?? keysLine] : [];
}

/** The status line: Redis does not answer, an action is running, or the result of the last one. */
function statusLine({ askedAt, refusal, doing, note }: State, now: number): Line | undefined {
  const silent = askedAt === undefined ? 0 : now - askedAt;
  if (silent >= silentMs) return [[`Redis does not answer for ${age(silent)}: showing old data, reconnecting`, 'red']];
  if (refusal !== undefined) return [[refusal, 'red']];
  if (doing !== undefined) return [[`${doing}…`, 'yellow']];
  return note === undefined ? undefined : [[note, 'yellow']];
}

const keysLine: Line = [['↑↓ queue  p pause  r revive dead  d drop dead  n delayed now  ? help  q quit', 'dim']];

const help: readonly Line[] = [
  [],
  [['Keys', 'bold']],
  ...[
    ['↑ ↓, k j, Tab', 'select another queue; also PgUp, PgDn, Home, End'],
    ['p', 'pause the queue (active messages finish), or resume it'],
    ['r', 'revive all its dead letters: they become new messages'],
    ['d', 'drop all its dead letters permanently'],
    ['n', 'promote all its delayed messages: due now'],
    ['? h', 'show this help; any key closes it'],
    ['q, Ctrl-C', 'quit'],
  ].map(([key, what]): Line => [[`  ${key!.padEnd(15)}`, 'cyan'], [what!]]),
  [],
  [['Numbers', 'bold']],
  ...[
    ['done/s fail/s', 'attempts per second that succeeded or failed, over five seconds'],
    ['oldest', 'time since the put of the oldest message at the head of a lane'],
    ['active', 'active messages / concurrency, and how long the oldest one runs'],
  ].map(([key, what]): Line => [[`  ${key!.padEnd(15)}`, 'cyan'], [what!]]),
];

function bodyOf(state: State, now: number, { columns, rows }: Size): Line[] {
  const queue = selectedOf(state);
  if (!queue) return [[], [['no queue yet: put a message first, for example  hotqueue put emails \'"hello"\'']]];
  const lines = queuesPane(state, now, columns, listRows(state.snapshot.queues.length, rows));
  const room = rows - lines.length - 1;
  if (room < 3) return lines;
  const more = state.snapshot.queues.length + 1 - lines.length;
  const between: Line = more > 0 ? [[`  … ${count(more, 'more queue')}`, 'dim']] : [];
  return [...lines, between, ...detail(queue, now, { columns, rows: room })];
}

/** Rows for the list of queues, including its heading: at most two fifths of the screen, so that the details have room. */
function listRows(queues: number, rows: number): number {
  const needed = queues + 1;
  return rows < 8 ? Math.min(needed, rows) : Math.min(needed, Math.max(3, Math.floor(rows * 0.4)));
}

function detail(queue: TopQueue, now: number, { columns, rows }: Size): Line[] {
  if (columns < wideColumns) {
    const [above, below] = shared(rows - 1, workersRows(queue), nextRows(queue));
    return [
      ...workersPane(queue, now, { columns, rows: above }),
      [],
      ...nextPane(queue, now, { columns, rows: below }),
    ];
  }
  const [left, right] = [Math.floor((columns - 3) / 2), Math.ceil((columns - 3) / 2)];
  const workers = workersPane(queue, now, { columns: left, rows });
  const next = nextPane(queue, now, { columns: right, rows });
  return Array.from({ length: rows }, (_, row) => [
    ...fit(workers[row] ?? [], left),
    [' │ ', 'dim'] as const,
    ...fit(next[row] ?? [], right),
  ]);
}

/** Shares rows between two panes that need `one` and `other` rows. Each gets at least half, unless it needs less. */
function shared(rows: number, one: number, other: number): readonly [number, number] {
  const half = Math.floor(rows / 2);
  if (one + other <= rows || one <= half) return [Math.min(one, rows), rows - Math.min(one, rows)];
  return other <= rows - half ? [rows - other, other] : [half, rows - half];
}
