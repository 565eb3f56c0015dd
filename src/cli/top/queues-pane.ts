import { age } from '../output.js';
import { bar } from '../progress.js';
import { cell, type Line, type Style } from './line.js';
import { compact, perSecond } from './numbers.js';
import type { TopQueue } from './snapshot.js';
import type { State } from './state.js';

interface Column {
  readonly title: string;
  readonly width: number;
  readonly text: (queue: TopQueue, now: number) => string;
  readonly style?: (queue: TopQueue) => Style | undefined;
}

// If there is not enough room, the last columns of this list are left out first.
const byImportance: readonly Column[] = [
  { title: 'waiting', width: 8, text: ({ waiting }) => compact(waiting) },
  { title: 'active', width: 7, text: ({ active }) => compact(active) },
  { title: 'dead', width: 6, text: ({ dead }) => compact(dead), style: ({ dead }) => (dead > 0 ? 'red' : undefined) },
  {
    title: 'oldest',
    width: 6,
    text: ({ oldestAt }, now) => (oldestAt === undefined ? '-' : age(Math.max(0, now - oldestAt))),
  },
  {
    title: 'done/s',
    width: 6,
    text: ({ rates, isPaused }) => (isPaused ? 'paused' : perSecond(rates?.done)),
    style: ({ isPaused }) => (isPaused ? 'yellow' : undefined),
  },
  { title: 'delayed', width: 7, text: ({ delayed }) => compact(delayed) },
  {
    title: 'fail/s',
    width: 6,
    text: ({ rates }) => perSecond(rates?.failed),
    style: ({ rates }) => (rates && rates.failed > 0 ? 'red' : undefined),
  },
];
const shownOrder = ['waiting', 'active', 'delayed', 'dead', 'done/s', 'fail/s', 'oldest'];

const leastName = 8;
const leastBar = 5;

/** A row for each queue, below a heading if there are at least two rows. The selected queue is always shown. */
export function queuesPane(
  { snapshot: { queues }, selected }: State,
  now: number,
  columns: number,
  rows: number,
): Line[] {
  const { shown, name, bars } = layout(columns, Math.max(...queues.map((queue) => queue.name.length)));
  const most = Math.max(1, ...queues.map(({ waiting }) => waiting));
  const row = (queue: TopQueue): Line => {
    const isSelected = queue.name === selected;
    const share = bars === 0 ? [] : [[' '] as const, cell(bar(queue.waiting / most, bars), bars, { style: 'cyan' })];
    const cells = shown.flatMap((column) => [
      [' '] as const,
      cell(column.text(queue, now), column.width, { isRight: true, style: column.style?.(queue) }),
    ]);
    return [
      [isSelected ? '> ' : '  ', 'bold'],
      cell(queue.name, name, { style: isSelected ? 'bold' : undefined }),
      ...share,
      ...cells,
    ];
  };
  const titles = shown.map(({ title, width }) => ` ${title.padStart(width)}`).join('');
  const heading: Line = [[`  ${'queue'.padEnd(name)}${' '.repeat(bars === 0 ? 0 : bars + 1)}${titles}`, 'dim']];
  const list = Math.min(queues.length, rows >= 2 ? rows - 1 : rows);
  const at = queues.findIndex((queue) => queue.name === selected);
  const first = Math.max(0, Math.min(queues.length - list, at - Math.floor(list / 2)));
  return [...(rows >= 2 ? [heading] : []), ...queues.slice(first, first + list).map(row)];
}

/** Chooses the columns that fit. The name gets what it needs, up to 60 % of the rest; the bar gets what is left, up to 40 columns. */
function layout(columns: number, longest: number): { shown: readonly Column[]; name: number; bars: number } {
  const widthOf = (some: readonly Column[]): number => some.reduce((sum, { width }) => sum + width + 1, 2);
  let kept = byImportance;
  while (kept.length > 1 && widthOf(kept) + leastName > columns) kept = kept.slice(0, -1);
  const shown = shownOrder.flatMap((title) => kept.filter((column) => column.title === title));
  const room = Math.max(leastName, columns - widthOf(shown));
  const name = Math.max(leastName, Math.min(longest, room > leastName + leastBar ? Math.floor(room * 0.6) : room));
  const bars = Math.min(40, room - name - 1);
  return { shown, name, bars: bars < leastBar ? 0 : bars };
}
