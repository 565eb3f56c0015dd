import type { MetricsPointView, MetricsView, SpreadView } from '../api.js';
import { number, took } from './format.js';
import { useLoad } from './net.js';
import { Plot } from './plots.js';
import { Empty, Failed } from './ui.js';

const throughput = [
  { label: 'done/s', colour: '--good', of: ({ done }: MetricsPointView) => done },
  { label: 'failed/s', colour: '--bad', of: ({ failed }: MetricsPointView) => failed },
];
const times = [
  { label: 'run p95', colour: '--busy', of: ({ run }: MetricsPointView) => run.p95Ms },
  { label: 'wait p95', colour: '--accent', of: ({ wait }: MetricsPointView) => wait.p95Ms },
];

/** What happened on a queue in the last hour, day or month: plots and numbers. */
export function Past({ name, range }: { name: string; range: string }) {
  const { value, error } = useLoad<MetricsView>(['queues', name, 'metrics', range], '', 30_000);
  if (!value) return error ? <Failed error={error} /> : <Empty>Reading the metrics …</Empty>;
  const { points, total } = value;
  const facts: [string, string, string?][] = [
    ['done', number(total.handled)],
    ['failed attempts', number(total.failed), total.failed > 0 ? 'bad' : ''],
    ['dead', number(total.dead), total.dead > 0 ? 'bad' : ''],
    ['expired', number(total.expired)],
    ['lost leases', number(total.lost), total.lost > 0 ? 'bad' : ''],
    ['run p50 / p95 / p99', spread(total.run)],
    ['wait p50 / p95 / p99', spread(total.wait)],
  ];
  return (
    <>
      <div class="plots">
        <Plot key={`throughput ${range}`} label="Throughput" samples={points} series={throughput} />
        <Plot key={`times ${range}`} label="Times" samples={points} series={times} format={took} />
      </div>
      <dl class="summary facts-grid">
        {facts.map(([label, text, tone = '']) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd class={tone}>{text}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

const spread = ({ p50Ms, p95Ms, p99Ms }: SpreadView): string =>
  [p50Ms, p95Ms, p99Ms].map((ms) => (ms === null ? '–' : took(ms))).join(' / ');
