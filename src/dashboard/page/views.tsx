import type { FlowView, RedisView, ScheduleRow } from '../api.js';
import { exact } from './format.js';
import { post, useLoad } from './net.js';
import { to } from './route.js';
import { Act, Empty, Failed, Line, Status, Time, useRun } from './ui.js';

export function SchedulesView() {
  const { value, error, reload } = useLoad<readonly ScheduleRow[]>(['schedules'], '', 10_000);
  return (
    <>
      <h1>Schedules</h1>
      {error && <Failed error={error} />}
      {value?.length === 0 && <Empty>No schedule. queue.schedules.set or @worker with a schedule makes one.</Empty>}
      <div class="cards">
        {value?.map((schedule) => (
          <Schedule key={`${schedule.queue} ${schedule.name}`} schedule={schedule} onChange={reload} />
        ))}
      </div>
    </>
  );
}

function Schedule({ schedule, onChange }: { schedule: ScheduleRow; onChange: () => void }) {
  const { queue, name, when, isPaused, next, runs, worker, payload, history } = schedule;
  const run = useRun(onChange);
  const act = (verb: string, says: string): void =>
    run(async () => {
      await post(['queues', queue, 'schedules', name, verb]);
      return says;
    });
  return (
    <section class="card schedule" aria-label={`schedule ${name} of ${queue}`}>
      <div class="head">
        <div>
          <h2>{name}</h2>
          <p class="muted">
            <a href={to(['queues', queue])}>{queue}</a> · <code>{when}</code> · {runs.toLocaleString('en')} runs
            {worker !== null && ` · ${worker}`}
          </p>
        </div>
        <div class="buttons">
          <Act label="Run now" onClick={() => act('run', `${name} has put its message`)} />
          <Act
            label={isPaused ? 'Resume' : 'Pause'}
            onClick={() => act(isPaused ? 'resume' : 'pause', isPaused ? `${name} goes on` : `${name} is paused`)}
          />
        </div>
      </div>
      <p>
        {isPaused ? (
          <Status value="paused" />
        ) : next.length === 0 ? (
          <span class="muted">it is over</span>
        ) : (
          <>
            next <Time at={next[0]!} /> <small class="muted">{next.map(exact).join(', ')}</small>
          </>
        )}
      </p>
      <Line shown={payload} />
      {history.length > 0 && (
        <ol class="runs" aria-label="last runs">
          {history.map(({ id, dueAt, status, isManual }) => (
            <li key={id}>
              <Status value={status} />{' '}
              <a href={to(['queues', queue, 'jobs', id])}>
                <Time at={dueAt} />
              </a>
              {isManual && <span class="muted"> by hand</span>}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

export function RedisPage() {
  const { value, error, reload } = useLoad<RedisView>(['redis']);
  return (
    <>
      <div class="bar">
        <h1 class="grow">Redis</h1>
        <button type="button" onClick={reload}>
          Check again
        </button>
      </div>
      {error && <Failed error={error} />}
      {!value && !error && <Empty>Checking the server and the queues …</Empty>}
      {value && (
        <>
          <dl class="summary facts-grid">
            {value.facts.map(({ name, value: text }) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{text}</dd>
              </div>
            ))}
          </dl>
          <h2>Findings</h2>
          <p class="muted">
            what <code>hotqueue doctor</code> says, read <Time at={value.readAt} />
          </p>
          <ul class="card findings">
            {value.findings.map(({ check, status, says, fix }) => (
              <li key={check + says}>
                <Status value={status} />
                <div>
                  <b>{check}</b> {says}
                  {fix !== null && <p class="muted">{fix}</p>}
                </div>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

type FlowNode = FlowView['nodes'][number];

/** Jobs in columns: those that wait for nothing first, then those that wait for them, and so on. */
function columnsOf(nodes: readonly FlowNode[]): FlowNode[][] {
  const depths = new Map<string, number>();
  const columns: FlowNode[][] = [];
  for (const node of nodes) {
    const depth = Math.max(-1, ...node.after.map((id) => depths.get(id) ?? -1)) + 1; // parents come before their children
    depths.set(node.id, depth);
    (columns[depth] ??= []).push(node);
  }
  return columns;
}

/** Jobs of a column that are drawn; the others are counted. */
const mostDrawn = 50;
const [boxWidth, boxHeight, gapX, gapY] = [220, 52, 60, 14];

export function FlowPage({ queue, id }: { queue: string; id: string }) {
  const { value, error } = useLoad<FlowView>(['queues', queue, 'jobs', id, 'flow'], '', 3_000);
  if (!value) return error ? <Failed error={error} /> : <Empty>Reading the workflow …</Empty>;
  const columns = columnsOf(value.nodes);
  const at = new Map<string, readonly [number, number]>();
  columns.forEach((column, x) =>
    column
      .slice(0, mostDrawn)
      .forEach((node, y) => at.set(node.id, [x * (boxWidth + gapX) + 8, y * (boxHeight + gapY) + 8])),
  );
  const height = Math.max(1, ...columns.map((column) => Math.min(column.length, mostDrawn))) * (boxHeight + gapY) + 8;
  const width = columns.length * (boxWidth + gapX);
  const hiddenCount = value.nodes.length - at.size;
  return (
    <>
      <p class="crumbs">
        <a href={to(['queues', queue])}>{queue}</a> / <a href={to(['queues', queue, 'jobs', id])}>{id}</a>
      </p>
      <h1>Workflow</h1>
      {value.nodes.length === 0 && <Empty>This job has no record, so its workflow is not known.</Empty>}
      {value.nodes.length === 1 && <p class="muted">This job waits for no other job, and no other waits for it.</p>}
      {hiddenCount > 0 && <p class="muted">{hiddenCount} more jobs are not drawn</p>}
      <div class="card flow" tabIndex={0} role="group" aria-label="graph of the workflow">
        <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-label={`${value.nodes.length} jobs`}>
          {value.nodes.flatMap((node) =>
            node.after.map((parent) => {
              const [from, end] = [at.get(parent), at.get(node.id)];
              if (!from || !end) return null;
              const [x1, y1, x2, y2] = [from[0] + boxWidth, from[1] + boxHeight / 2, end[0], end[1] + boxHeight / 2];
              return (
                <path key={`${parent} ${node.id}`} d={`M${x1},${y1} C${x1 + 30},${y1} ${x2 - 30},${y2} ${x2},${y2}`} />
              );
            }),
          )}
          {value.nodes.map((node) => {
            const place = at.get(node.id);
            if (!place) return null;
            return (
              <a
                key={node.id}
                href={to(['queues', node.queue, 'jobs', node.id])}
                class={`node ${node.status}${node.id === id ? ' here' : ''}`}
              >
                <title>{`${node.queue} ${node.id}`}</title>
                <rect x={place[0]} y={place[1]} width={boxWidth} height={boxHeight} rx={6} />
                <text x={place[0] + 12} y={place[1] + 21}>
                  {cut(node.queue, 26)}
                </text>
                <text x={place[0] + 12} y={place[1] + 40} class="muted">
                  {node.status} · {cut(node.id, 18)}
                </text>
              </a>
            );
          })}
        </svg>
      </div>
    </>
  );
}

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
