import { bare, bareRecords, before, nodePeers, ours, pythonPeers } from './systems/index.js';
import { targets } from './targets.js';
import { workloads } from './workloads/index.js';

const headings = {
  bullmq: 'BullMQ',
  'bullmq-remove': 'BullMQ, removing',
  'bee-queue': 'bee-queue',
  groupmq: 'groupmq',
  bull: 'Bull',
  rsmq: 'rsmq',
  bare: 'bare loop',
  'bare-records': 'bare loop with records',
  'python-hotqueue': 'Python, as HotQueue',
  'python-rq': 'RQ',
  'python-celery': 'Celery',
  'class-validator': 'class-validator',
  hotqueue: 'hotqueue',
  'hotqueue-before': 'hotqueue, other build',
};
const rivals = [...nodePeers, bare, bareRecords, ...pythonPeers];

/** The result of a run as Markdown: ratios first, absolute numbers last. */
export function markdown(summary, run) {
  const get = (workload, system, field) => summary.get(workload)?.get(system)?.[field] ?? NaN;
  const parts = [
    run.options.smoke ? '**This is a smoke run: few jobs, one round. Its times mean nothing.**' : '',
    section('Targets', 'hotqueue / the peer, in this run.', required(get)),
    section(
      'Jobs per second, hotqueue / peer',
      '`lost` and `duplicates` are the numbers of hotqueue, over all rounds.',
      rates(summary, get),
    ),
    section('Time from put to handler, hotqueue / peer', 'Lower is better.', latencies(summary, get)),
    section(
      'Compared with the other build',
      'This build / the build of `--against`, measured in turn. Higher is better for jobs per second, lower is better for the rest.',
      against(get),
    ),
    section(
      'Cost per job',
      'Put with 1,000 in flight, consumed at concurrency 50. All numbers but the microseconds are the same on every machine. The microseconds are from `cpu`. If `cpu` did not measure a system, they are from `put-1000` and `consume-50`.',
      costs(summary, get),
    ),
    section('How cost grows', 'hotqueue and BullMQ, each row relative to the first row of its kind.', growth(get)),
    section('Absolute numbers', about(run), absolute(summary)),
  ];
  return parts.filter(Boolean).join('\n\n');
}

function section(title, text, table) {
  return table && `## ${title}\n\n${text}\n\n${table}`;
}

function required(get) {
  const rows = targets
    .map(({ title, bound, value, isReached }) => [title, value(get), bound, isReached])
    .filter(([, value]) => !Number.isNaN(value));
  return rowsOf(
    ['', 'measured', 'required', 'reached'],
    rows.map(([title, value, bound, isReached]) => [title, precise(value), bound, isReached(value) ? 'yes' : '**no**']),
  );
}

function rates(summary, get) {
  const measured = workloads.filter(({ name, group }) => group !== 'growth' && get(name, ours, 'perSecond') > 0);
  const present = rivals.filter((rival) => measured.some(({ name }) => get(name, rival, 'perSecond') > 0));
  const rows = measured.map(({ name, title }) => {
    const rate = get(name, ours, 'perSecond');
    return [
      title,
      ...present.map((rival) => times(rate / get(name, rival, 'perSecond'))),
      get(name, ours, 'lost'),
      get(name, ours, 'duplicates'),
    ];
  });
  return rowsOf(['', ...present.map((rival) => headings[rival]), 'lost', 'duplicates'], rows);
}

function latencies(summary, get) {
  const measured = workloads.filter(
    ({ name, group }) => ['latency', 'delayed', 'results'].includes(group) && get(name, ours, 'p50Ms') > 0,
  );
  const present = nodePeers.filter((rival) => measured.some(({ name }) => get(name, rival, 'p50Ms') > 0));
  if (present.length === 0) return '';
  const rows = measured.flatMap(({ name, title }) =>
    [
      ['p50', 'p50Ms'],
      ['p99', 'p99Ms'],
    ].map(([label, field]) => [
      `${title}, ${label}`,
      ...present.map((rival) => times(get(name, ours, field) / get(name, rival, field))),
    ]),
  );
  return rowsOf(['', ...present.map((rival) => headings[rival])], rows);
}

function against(get) {
  const ratioOf = (name) => (field) => times(get(name, ours, field) / get(name, before, field));
  const rows = workloads.flatMap(({ name, title }) => [
    [title, ...['perSecond', 'redisUsPerJob', 'clientUsPerJob', 'p50Ms', 'p99Ms'].map(ratioOf(name))],
    ...['put', 'consume'].map((phase) => [
      `${title}; only ${phase}`,
      '–',
      ...[`${phase}RedisUsPerJob`, `${phase}ClientUsPerJob`].map(ratioOf(name)),
      '–',
      '–',
    ]),
  ]);
  return rowsOf(
    ['', 'jobs/s', 'Redis µs per job', 'client µs per job', 'p50', 'p99'],
    rows.filter(([, ...cells]) => cells.some((cell) => cell !== '–')),
  );
}

function costs(summary, get) {
  const present = [ours, ...rivals].filter((system) =>
    ['cpu', 'put-1000', 'consume-50', 'bytes-waiting', 'idle', 'drain'].some((name) => summary.get(name)?.has(system)),
  );
  const both = (system, field) => get('put-1000', system, field) + get('consume-50', system, field);
  const us = (system, phase, workload, side) =>
    firstNumber(get('cpu', system, `${phase}${side}UsPerJob`), get(workload, system, `${side.toLowerCase()}UsPerJob`));
  const putUs = (system, side) => us(system, 'put', 'put-1000', side);
  const consumeUs = (system, side) => us(system, 'consume', 'consume-50', side);
  const lines = [
    ['commands', (system) => both(system, 'commandsPerJob')],
    ['script calls', (system) => both(system, 'scriptCallsPerJob')],
    ['Redis CPU, put, µs', (system) => putUs(system, 'Redis')],
    ['Redis CPU, consume, µs', (system) => consumeUs(system, 'Redis')],
    ['Redis CPU, put to ack, µs', (system) => putUs(system, 'Redis') + consumeUs(system, 'Redis')],
    ['client CPU, put, µs', (system) => putUs(system, 'Client')],
    ['client CPU, consume, µs', (system) => consumeUs(system, 'Client')],
    ['client CPU, put to ack, µs', (system) => putUs(system, 'Client') + consumeUs(system, 'Client')],
    ['bytes while waiting, without the payload', (system) => get('bytes-waiting', system, 'bytesBeyond')],
    ['connections of a worker', (system) => get('idle', system, 'connections')],
    ['commands of an idle worker per minute', (system) => get('idle', system, 'commandsPerMinute')],
    ['resident memory of a draining worker, MB', (system) => get('drain', system, 'workerMegabytes')],
    ['memory of Redis before the drain, MB', (system) => get('drain', system, 'serverMegabytes')],
    ['200 slow jobs, × the ideal time', (system) => get('slow-jobs', system, 'timesIdeal')],
  ];
  const rows = lines
    .map(([title, value]) => [title, ...present.map((system) => short(value(system)))])
    .filter(([, ...cells]) => cells.some((cell) => cell !== '–'));
  return rowsOf(['', ...present.map((system) => headings[system])], rows);
}

function growth(get) {
  const kinds = [
    ['backlog-', 'perSecond', 'consume'],
    ['backlog-', 'putPerSecond', 'put'],
    ['workers-', 'perSecond', ''],
    ['payload-', 'perSecond', ''],
  ];
  const rows = kinds.flatMap(([prefix, field, label]) => {
    const steps = workloads.filter(({ name }) => name.startsWith(prefix) && get(name, ours, field) > 0);
    const share = ({ name }, system) => times(get(name, system, field) / get(steps[0].name, system, field));
    return steps.map((step) => [
      label === 'put' ? step.title.replace('consume, concurrency 50', 'put, 1,000 in flight') : step.title,
      share(step, ours),
      share(step, 'bullmq-remove'),
      times(get(step.name, ours, field) / get(step.name, 'bullmq-remove', field)),
    ]);
  });
  return rowsOf(['', 'hotqueue', 'BullMQ, removing', 'hotqueue / BullMQ'], rows);
}

function absolute(summary) {
  const rows = workloads.flatMap(({ name, title }) =>
    [...(summary.get(name) ?? [])].map(([system, numbers]) => {
      const { p50Ms, p99Ms, redisUsPerJob, lost, duplicates, failed } = numbers;
      const latency = p50Ms ? `${p50Ms.toFixed(2)} / ${p99Ms.toFixed(2)} ms` : '';
      const books = [
        lost && `${lost} lost`,
        duplicates && `${duplicates} duplicates`,
        failed && `${failed} rounds failed`,
      ]
        .filter(Boolean)
        .join(', ');
      return [
        title,
        headings[system] ?? system,
        figureOf(numbers),
        latency,
        redisUsPerJob ? redisUsPerJob.toFixed(1) : '',
        books,
      ];
    }),
  );
  return rowsOf(['', '', 'median', 'p50 / p99', 'Redis µs per job', 'errors'], rows);
}

/** The main number of a workload. */
function figureOf({
  error,
  timesIdeal,
  perSecond,
  putClientUsPerJob,
  consumeClientUsPerJob,
  validationUs,
  medianTimes,
  leastTimes,
  wholeUs,
  bytesBeyond,
  commandsPerMinute,
}) {
  if (error) return `failed: ${error.replaceAll('|', '/').slice(0, 100)}`;
  if (timesIdeal) return `${timesIdeal.toFixed(2)} × ideal`;
  if (perSecond) return `${Math.round(perSecond).toLocaleString('en')} /s`;
  if (putClientUsPerJob) return `client ${putClientUsPerJob.toFixed(1)} + ${consumeClientUsPerJob.toFixed(1)} µs`;
  if (medianTimes)
    return `${medianTimes.toFixed(1)} × class-validator in the median, ${leastTimes.toFixed(1)} × at least`;
  if (validationUs) return `${validationUs.toFixed(2)} µs, ${wholeUs.toFixed(2)} with JSON`;
  if (bytesBeyond) return `${Math.round(bytesBeyond)} B`;
  return commandsPerMinute === undefined ? '' : `${Math.round(commandsPerMinute)} commands per minute`;
}

function about({ machine, startedAt, minutes, options }) {
  const { cpu, cores, memoryGigabytes, system, node, server, python, versions, load } = machine;
  const peers = Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
  return [
    `**These numbers are of one machine on one day**: ${cores} cores (${cpu}), ${memoryGigabytes} GB, ${system}, Node ${node}, ${server} on loopback,`,
    `${startedAt.toISOString().slice(0, 10)}, ${options.rounds} round${options.rounds === 1 ? '' : 's'}, ${minutes.toFixed(0)} minutes, load ${load.join(' ')} at the end. Python peers: ${python}. ${peers}.`,
  ].join('\n');
}

function rowsOf(head, rows) {
  if (rows.length === 0) return '';
  return [head, head.map((_, index) => (index === 0 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

const firstNumber = (...values) => values.find(Number.isFinite) ?? NaN;

const times = (ratio) => (Number.isFinite(ratio) ? `${short(ratio)} ×` : '–');

/** Two decimals below 10, so that rounding does not hide a missed target: 1.04 must not appear as "1.0, at most 1". */
const precise = (value) => (value < 10 ? value.toFixed(2) : short(value));

/** Two significant digits. More would be noise. */
function short(value) {
  if (!Number.isFinite(value)) return '–';
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value >= 10 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(2);
}
