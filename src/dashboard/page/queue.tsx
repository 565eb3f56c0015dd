import { useState } from 'preact/hooks';
import type { QueueDetail, QueueRow } from '../api.js';
import { DeadGroupsView } from './dead.js';
import { count, number, relative } from './format.js';
import { Messages } from './messages.js';
import { post, useLoad, type Live } from './net.js';
import { Past } from './past.js';
import { Plot } from './plots.js';
import { PutDialog } from './put.js';
import { to, type Route } from './route.js';
import { Act, Empty, Failed, Status, useRun, useShared } from './ui.js';
import { WorkersTable } from './workers.js';

const lists = ['waiting', 'active', 'delayed', 'dead'] as const;
const statuses = ['running', 'retrying', 'done', 'failed', 'cancelled', 'expired'] as const;

const throughput = [
  { label: 'done/s', colour: '--good', of: ({ done }: { done: number | null }) => done },
  { label: 'failed/s', colour: '--bad', of: ({ failed }: { failed: number | null }) => failed },
];
const backlog = [
  { label: 'waiting', colour: '--accent', of: ({ waiting }: { waiting: number }) => waiting },
  { label: 'active', colour: '--busy', of: ({ active }: { active: number }) => active },
];

export function QueueView({ name, live, route }: { name: string; live: Live; route: Route }) {
  const { value, error, reload } = useLoad<QueueDetail>(['queues', name]);
  const row = live.queues.get(name) ?? value?.row;
  const samples = live.samples.length > 0 ? live.samples : (value?.samples ?? []);
  if (!row) return error ? <Failed error={error} /> : <Empty>Reading queue {name} …</Empty>;
  const list = route.query.get('list') ?? 'waiting';
  const range = route.query.get('range') ?? '';
  return (
    <>
      <Head row={row} onChange={reload} />
      <nav class="ranges" aria-label="Time">
        {['', '1h', '24h', '30d'].map((one) => (
          <a
            key={one}
            href={to(['queues', name], { list: route.query.get('list') ?? '', range: one })}
            aria-current={range === one ? 'true' : undefined}
          >
            {one === '' ? 'Live' : one}
          </a>
        ))}
      </nav>
      {range === '' ? (
        <div class="plots">
          <Plot label="Throughput" samples={samples} series={throughput} />
          <Plot label="Messages" samples={samples} series={backlog} />
        </div>
      ) : (
        <Past name={name} range={range} />
      )}
      <nav class="tabs" aria-label="Lists of messages">
        {lists.map((one) => (
          <Tab key={one} name={name} list={one} isOpen={list === one} value={row[one]} />
        ))}
        {statuses.map((one) => {
          const found = value?.jobs[one] ?? 0;
          return (
            (found > 0 || list === one) && <Tab key={one} name={name} list={one} isOpen={list === one} value={found} />
          );
        })}
      </nav>
      {list === 'dead' && route.query.get('each') === null ? (
        <DeadGroupsView name={name} total={row.dead} />
      ) : (
        <Messages name={name} list={list} route={route} total={list in row ? row[list as 'waiting'] : undefined} />
      )}
      <h2>Workers</h2>
      <WorkersTable workers={live.workers.length > 0 ? live.workers : (value?.workers ?? [])} isOfQueue />
    </>
  );
}

function Tab({ name, list, isOpen, value }: { name: string; list: string; isOpen: boolean; value: number }) {
  return (
    <a href={to(['queues', name], { list })} aria-current={isOpen ? 'page' : undefined}>
      {list} <b>{number(value)}</b>
    </a>
  );
}

function Head({ row, onChange }: { row: QueueRow; onChange: () => void }) {
  const { name, isPaused, problems, nextSchedule, workers, waiting, delayed } = row;
  const { now, ask } = useShared();
  const run = useRun(onChange);
  const [isPutting, setPutting] = useState(false);
  const clear = (): void =>
    ask({
      title: 'Clear the queue?',
      text: `This deletes ${count(waiting, 'waiting message')} and ${count(delayed, 'delayed message')} of ${name} permanently. Active messages and dead letters stay.`,
      button: `Delete ${count(waiting + delayed, 'message')}`,
      isDangerous: true,
      run: async () => `deleted ${count((await post(['queues', name, 'clear'])).count, 'message')}`,
    });
  return (
    <header class="head">
      <div>
        <h1>{name}</h1>
        <p class="problems">
          {isPaused && <Status value="paused" />}
          {problems
            .filter(({ says }) => says !== 'paused')
            .map(({ level, says }) => (
              <span key={says} class={level === 'problem' ? 'bad' : 'warn'}>
                {says}
              </span>
            ))}
          <span class="muted">{count(workers, 'worker')}</span>
          {nextSchedule && (
            <span class="muted">
              schedule {nextSchedule.name} is due {relative(nextSchedule.dueAt, now)}
            </span>
          )}
        </p>
      </div>
      <div class="buttons">
        <Act label="Put a message" isMain onClick={() => setPutting(true)} />
        <Act
          label={isPaused ? 'Resume' : 'Pause'}
          onClick={() =>
            run(async () => {
              await post(['queues', name, isPaused ? 'resume' : 'pause']);
              return isPaused ? `${name} takes messages again` : `${name} is paused`;
            })
          }
        />
        <Act label="Clear …" isDangerous isDisabled={waiting + delayed === 0} onClick={clear} />
      </div>
      {isPutting && <PutDialog name={name} onClose={() => setPutting(false)} />}
    </header>
  );
}
