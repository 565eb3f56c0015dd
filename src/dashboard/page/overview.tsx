import { useMemo } from 'preact/hooks';
import type { QueueRow } from '../api.js';
import { count, number, rate } from './format.js';
import type { Live } from './net.js';
import { Spark } from './plots.js';
import { replace, to, type Route } from './route.js';
import { Empty, Status, Time } from './ui.js';

const weight = ({ problems }: QueueRow): number =>
  problems.reduce((sum, { level }) => sum + (level === 'problem' ? 100 : 1), 0);
const byName = (one: QueueRow, other: QueueRow): number => one.name.localeCompare(other.name, 'en', { numeric: true });

const orders: Readonly<Record<string, (one: QueueRow, other: QueueRow) => number>> = {
  problems: (one, other) => weight(other) - weight(one) || byName(one, other),
  name: byName,
  waiting: (one, other) => other.waiting - one.waiting || byName(one, other),
  dead: (one, other) => other.dead - one.dead || byName(one, other),
};

/** Names in their order. It is made when queues come or go, or another order is chosen: rows must not move while one reads. */
function useOrder(queues: ReadonlyMap<string, QueueRow>, order: string): readonly string[] {
  const names = [...queues.keys()].sort().join(' ');
  return useMemo(
    () => [...queues.values()].sort(orders[order] ?? orders['problems']).map(({ name }) => name),
    [names, order],
  );
}

export function Overview({ live, route }: { live: Live; route: Route }) {
  const { queues, hasAnswered } = live;
  const [order, search] = [route.query.get('order') ?? 'problems', route.query.get('search') ?? ''];
  const sorted = useOrder(queues, order);
  const rows = sorted
    .flatMap((name) => queues.get(name) ?? [])
    .filter(({ name }) => name.toLowerCase().includes(search.toLowerCase()));
  const go = (change: { order?: string; search?: string }): void =>
    replace(to([], { order: order === 'problems' ? '' : order, search, ...change }));
  return (
    <>
      <Summary rows={[...queues.values()]} />
      <div class="bar">
        <h1>Queues</h1>
        <label class="grow">
          <span class="hidden">Filter queues by name</span>
          <input
            type="search"
            placeholder="Filter by name"
            value={search}
            onInput={(event) => go({ search: event.currentTarget.value })}
          />
        </label>
        <label>
          <span class="hidden">Order</span>
          <select value={order} onChange={(event) => go({ order: event.currentTarget.value })}>
            <option value="problems">Problems first</option>
            <option value="name">By name</option>
            <option value="waiting">Most waiting first</option>
            <option value="dead">Most dead letters first</option>
          </select>
        </label>
      </div>
      {rows.length > 0 ? (
        <div class="card">
          <table class="queues">
            <thead>
              <tr>
                <th scope="col">Queue</th>
                <th scope="col">Done per second</th>
                <th scope="col" class="right">
                  Failed/s
                </th>
                <th scope="col" class="right">
                  Waiting
                </th>
                <th scope="col" class="right">
                  Active
                </th>
                <th scope="col" class="right">
                  Delayed
                </th>
                <th scope="col" class="right">
                  Dead
                </th>
                <th scope="col" class="right">
                  Oldest
                </th>
                <th scope="col" class="right">
                  Workers
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <Row key={row.name} row={row} />
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <Empty>{emptyText(hasAnswered, search, queues.size)}</Empty>
      )}
    </>
  );
}

function emptyText(hasAnswered: boolean, search: string, all: number): string {
  if (!hasAnswered) return 'Reading the queues …';
  if (all > 0) return `No name of ${count(all, 'queue')} contains "${search}".`;
  return 'No queue yet. Put a message first, for example:  hotqueue put emails \'"hello"\'';
}

function Summary({ rows }: { rows: readonly QueueRow[] }) {
  const sum = (of: (row: QueueRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const facts: [string, string, string?][] = [
    ['queues', number(rows.length)],
    ['waiting', number(sum(({ waiting }) => waiting))],
    ['active', number(sum(({ active }) => active))],
    ['delayed', number(sum(({ delayed }) => delayed))],
    ['dead letters', number(sum(({ dead }) => dead)), sum(({ dead }) => dead) > 0 ? 'bad' : ''],
    ['done/s', rate(sum(({ rates }) => rates?.done ?? 0))],
    ['failed/s', rate(sum(({ rates }) => rates?.failed ?? 0)), sum(({ rates }) => rates?.failed ?? 0) > 0 ? 'bad' : ''],
  ];
  return (
    <dl class="summary">
      {facts.map(([name, value, tone = '']) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class={tone}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Row({ row }: { row: QueueRow }) {
  const { name, waiting, active, delayed, dead, rates, spark, problems, oldestAt, workers } = row;
  const worst = problems[0];
  const cell = (label: string, value: number, list: string, tone = '') => (
    <td class="right" data-label={label}>
      {value === 0 ? (
        <span class="zero">0</span>
      ) : (
        <a
          class={`plain ${tone}`}
          href={to(['queues', name], { list })}
          aria-label={`${number(value)} ${label.toLowerCase()} messages of ${name}`}
        >
          {number(value)}
        </a>
      )}
    </td>
  );
  return (
    <tr class={worst ? worst.level : ''}>
      <th scope="row" class="name">
        <a href={to(['queues', name])}>{name}</a>
        {problems.length > 0 && (
          <span class="problems">
            {problems.map(({ level, says }) => (
              <span key={says} class={level === 'problem' ? 'bad' : 'warn'}>
                {says}
              </span>
            ))}
          </span>
        )}
      </th>
      <td class="trend" data-label="Done/s">
        <Spark values={spark} label={`done per second of ${name}: now ${rate(rates?.done ?? 0)}`} />
        <b>{rates ? rate(rates.done) : '–'}</b>
      </td>
      <td class="right" data-label="Failed/s">
        <span class={rates && rates.failed > 0 ? 'bad' : 'zero'}>{rates ? rate(rates.failed) : '–'}</span>
      </td>
      {cell('Waiting', waiting, 'waiting')}
      {cell('Active', active, 'active')}
      {cell('Delayed', delayed, 'delayed')}
      {cell('Dead', dead, 'dead', 'bad')}
      <td class="right" data-label="Oldest">
        <Time at={oldestAt} />
      </td>
      <td class="right" data-label="Workers">
        {row.isPaused && <Status value="paused" />} <span class={workers === 0 ? 'zero' : ''}>{workers}</span>
      </td>
    </tr>
  );
}
