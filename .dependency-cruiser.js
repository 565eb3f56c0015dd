// Which file of src may import which; `npm run lint:layers` checks it. docs/architecture.md says what each folder does.
// Type imports count, because a reader follows them too. `hotqueue` means src/index.ts.

// From bottom to top. A file imports its own folder and the rows before its own, not its neighbours in the same row.
export const layers = [
  ['core'],
  ['payload', 'wire', 'telemetry'],
  ['embedded'], // before redis: the search for a Redis starts an embedded server
  ['redis'],
  ['jobs'],
  ['schedules'],
  ['producer', 'consumer'],
  ['worker'],
  ['maintenance'],
  ['flows', 'history'],
  ['inspect'],
  ['hot-queue.ts', 'run.ts', 'index.ts'],
  ['prometheus', 'otel', 'cli', 'repl', 'learn', 'dashboard'],
];
const face = layers.at(-2);
const applications = layers.at(-1);

// What applications import besides `hotqueue` and src/inspect. A test fails for a line that no import needs any more.
export const exceptions = [
  {
    to: ['core/duration'],
    from: ['cli/command', 'cli/worker/worker-process', 'repl/preload'],
    why: 'flags and the prompt take the same durations as options',
  },
  {
    to: ['core/timer'],
    from: ['cli/print-info', 'cli/top/watch', 'cli/top/monitor', 'repl/dot-commands', 'repl/preload'],
    why: 'a screen may be redrawn at any interval, also a longer one than a timer of Node can wait',
  },
  {
    to: ['core/printable'],
    from: ['cli/output'],
    why: 'what is printed is made safe for a terminal by the same function as the log of the library',
  },
  {
    to: ['core/broken-pipes'],
    from: ['cli/run-program', 'cli/worker/child'],
    why: 'a command lives on when the reader of its output has gone away, as a worker of the library does',
  },
  {
    to: ['payload/types'],
    from: ['dashboard/api'],
    why: 'the form of the dashboard is made from the description of a payload class',
  },
  {
    to: ['payload/codec'],
    from: ['cli/json-text'],
    why: 'the command line takes payloads as text, and refuses what an untyped queue refuses',
  },
  {
    to: ['redis/handshake', 'redis/named-address'],
    from: ['cli/doctor/judge-redis'],
    why: 'the doctor connects to the server by itself, to say what is wrong with it',
  },
  {
    to: ['embedded/identity'],
    from: ['cli/doctor/judge-server'],
    why: 'the doctor judges the JavaScript engine and Redis differently',
  },
  {
    to: ['redis/discover', 'redis/named-address'],
    from: ['cli/existing-redis'],
    why: 'the doctor and similar commands must not start a server',
  },
  {
    to: [
      'embedded/embedded',
      'embedded/install',
      'embedded/project',
      'redis/address',
      'redis/discover',
      'redis/handshake',
    ],
    from: ['cli/project-redis'],
    why: '`hotqueue redis` starts, stops and installs the embedded server',
  },
  {
    to: ['redis/named-address'],
    from: ['cli/worker/work'],
    why: '`hotqueue worker` passes the address on to its worker processes',
  },
  {
    to: ['worker/cli-host', 'worker/handlers'],
    from: ['cli/worker/discover-workers'],
    why: '`hotqueue worker` collects the workers of the files that it loads',
  },
  {
    to: ['worker/handlers'],
    from: ['cli/worker/limits', 'cli/worker/select-handlers'],
    why: 'a worker process selects and limits handlers before it starts them',
  },
  {
    to: ['redis/drained'],
    from: ['cli/worker/limits'],
    why: '`--burst` ends when the queues of the process are drained',
  },
  {
    to: ['wire/error-record'],
    from: ['cli/facts'],
    why: 'an error and its causes are one line in the log of the library and in tables',
  },
  {
    to: ['core/events', 'core/logger', 'redis/queue-context', 'wire/error-record'],
    from: ['cli/worker/log'],
    why: 'the log of a worker process has the form of the library',
  },
  {
    to: ['worker/cli-host', 'worker/handlers', 'worker/runner'],
    from: ['cli/worker/worker-process'],
    why: 'a worker process runs the handlers that it loaded',
  },
  { to: ['payload/class-rules'], from: ['learn/parts/payload'], why: 'the lesson checks that a typed class has rules' },
  {
    to: ['embedded/embedded', 'embedded/project'],
    from: ['learn/services'],
    why: 'the lesson has a server of its own',
  },
  {
    to: ['payload/own-copies'],
    from: ['repl/preload'],
    why: 'the prompt offers the class-validator that the library reads',
  },
  {
    to: ['core/job'],
    from: ['cli/jobs/jobs', 'repl/dot-commands'],
    why: 'a status is one of the words that the library knows',
  },
  { to: ['history/entry'], from: ['cli/history'], why: 'its help lists the verbs, and must not load the library' },
  { to: ['jobs/job-objects'], from: ['repl/writer'], why: 'the prompt prints a tracked job with its status' },
  {
    to: ['jobs/caller-signal'],
    from: ['repl/prompt'],
    why: 'Ctrl-C at the prompt ends the waits for results that run in it',
  },
  {
    to: ['consumer/active-consumers'],
    from: ['repl/stopping'],
    why: 'Ctrl-C at the prompt ends the loops that run in it',
  },
];

/** The page of the dashboard runs in a browser: it may import only types of the server. */
const page = '^src/dashboard/page/';

/** A pattern for names of `layers`. */
const under = (names) => `^src/(${names.map((name) => (name.endsWith('.ts') ? `${name}$` : `${name}/`)).join('|')})`;
const file = (pattern) => `^src/${pattern}\\.ts$`;

/** One rule for each name below the applications. The files of the face may import each other. */
const upward = layers.slice(0, -1).flatMap((row, index) =>
  row.map((name) => {
    const beside = row === face ? [] : row.filter((other) => other !== name);
    return {
      name: 'no-upward-import',
      comment: `src/${name} must not import what is above it or beside it: see "layers" in .dependency-cruiser.js`,
      severity: 'error',
      from: { path: under([name]) },
      to: { path: under([...beside, ...layers.slice(index + 1).flat()]) },
    };
  }),
);

/** One rule for each file of an application that has exceptions, and one for all others. */
function onlyHotqueue() {
  const pairs = exceptions.flatMap(({ from, to }) => from.map((one) => [one, to]));
  const excepted = [...new Set(pairs.map(([from]) => from))];
  const rule = (from, others) => ({
    name: 'applications-import-hotqueue',
    comment: 'applications import only `hotqueue` and src/inspect: see "exceptions" in .dependency-cruiser.js',
    severity: 'error',
    from,
    to: { path: '^src/', pathNot: [under(['inspect', 'index.ts', ...applications]), ...others.map(file)] },
  });
  return [
    rule({ path: under(applications), pathNot: excepted.map(file) }, []),
    ...excepted.map((name) =>
      rule(
        { path: file(name) },
        pairs.filter(([from]) => from === name).flatMap(([, to]) => to),
      ),
    ),
  ];
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...upward,
    ...onlyHotqueue(),
    {
      name: 'applications-import-by-name',
      comment: "applications import the library by its name, 'hotqueue', as a user does",
      severity: 'error',
      from: { path: under(applications) },
      to: { path: under(face), dependencyTypesNot: ['aliased'] },
    },
    {
      name: 'page-runs-in-browsers',
      comment: 'the page of the dashboard is bundled for browsers: it imports its own files, packages, and api.ts',
      severity: 'error',
      from: { path: page },
      to: { path: '^src/', pathNot: [page, file('dashboard/api')] },
    },
    {
      name: 'no-circle',
      comment: 'these files import each other in a circle: move what they share into a file that imports none of them',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unknown-folder',
      comment:
        'this file is in no row of "layers" in .dependency-cruiser.js: add its folder there and to docs/architecture.md',
      severity: 'error',
      from: {},
      to: { path: '^src/', pathNot: under(layers.flat()) },
    },
    {
      name: 'no-unresolved-import',
      comment: 'this import leads to no file, so no other rule can check it',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true, // with type imports
    tsConfig: { fileName: 'tsconfig.json' }, // `hotqueue` is src/index.ts there
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'node', 'default'] },
  },
};
