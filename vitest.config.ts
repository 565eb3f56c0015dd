import { defineConfig } from 'vitest/config';

const common = {
  testTimeout: 90_000, // only a test that hangs needs it: a busy machine is ten times slower than a quiet one
  hookTimeout: 120_000,
  globalSetup: ['test/support/global-setup.ts'],
};

/** `npm run test:long`: they wait for leases and outages of a minute, install the package, or start whole programs again and again. */
const long = [
  'test/bundles.test.ts',
  'test/cli/cli-redis.test.ts',
  'test/cli/control-characters.test.ts',
  'test/cli/jobs.test.ts',
  'test/cli/put.test.ts',
  'test/cli/queues.test.ts',
  'test/cli/schedules.test.ts',
  'test/cli/take.test.ts',
  'test/cli/top*.test.ts',
  'test/cli/worker-errors.test.ts',
  'test/cli/worker.test.ts',
  'test/cli/worker-processes.test.ts',
  'test/dashboard/browser.test.ts',
  'test/dashboard/load.test.ts',
  'test/embedded/server.test.ts',
  'test/examples/*.test.ts',
  'test/examples/images/start.test.ts',
  'test/house/documentation.test.ts',
  'test/house/lint.test.ts',
  'test/package.test.ts',
  'test/redis/server-states.test.ts',
  'test/redis/slow-link.test.ts',
  'test/schedules/reference.test.ts',
  'test/types/types.test.ts',
];
const longOnBoth = ['test/stories/blocking.test.ts', 'test/stories/processes.test.ts', 'test/stories/recovery.test.ts'];
/** What a script does step by step, once more on the JavaScript engine: the stories show there that it works as a whole. */
const longOnEngine = [
  'test/chaos/simulation.test.ts',
  'test/redis/broker*.test.ts',
  'test/redis/model.test.ts',
  'test/redis/resending.test.ts',
  'test/stories/crashes.test.ts',
];

/** Their scripts keep the JavaScript engine busy for seconds, and then it answers no other test: they have an engine of their own. */
const heavyOnEngine = ['test/flows/many.test.ts', 'test/flows/whole.test.ts', 'test/schedules/schedules.test.ts'];
/** They wait for processes even more than the others do. vitest wants a group of their own for another number of workers. */
const longWorkers = { maxWorkers: 3, sequence: { groupOrder: 2 } };

export default defineConfig({
  resolve: {
    alias: [
      { find: /^hotqueue$/, replacement: new URL('./src/index.ts', import.meta.url).pathname },
      { find: /^hotqueue\/(\w+)$/, replacement: new URL('./src/$1/index.ts', import.meta.url).pathname },
    ],
  },
  test: {
    // Most of them wait for processes that they started: two at a time, also where there are two cores.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          ...common,
          name: 'redis',
          include: ['test/**/*.test.ts'],
          exclude: ['test/house/**', ...long, ...longOnBoth],
          provide: { serverKind: 'redis', patienceMs: 80_000 },
        },
      },
      {
        // The promises once more, on the server that a machine without Redis gets.
        extends: true,
        test: {
          ...common,
          name: 'engine',
          include: ['test/stories/**/*.test.ts', 'test/jobs/**/*.test.ts', 'test/flows/**/*.test.ts'],
          exclude: [...longOnBoth, ...longOnEngine, ...heavyOnEngine],
          provide: { serverKind: 'engine', patienceMs: 80_000 },
        },
      },
      {
        extends: true,
        test: {
          ...common,
          name: 'long',
          include: [...long, ...longOnBoth],
          provide: { serverKind: 'redis', patienceMs: 120_000 },
          testTimeout: 300_000,
          ...longWorkers,
        },
      },
      {
        extends: true,
        test: {
          ...common,
          name: 'long-engine',
          include: [...longOnBoth, ...longOnEngine],
          provide: { serverKind: 'engine', patienceMs: 120_000 },
          testTimeout: 300_000,
          ...longWorkers,
        },
      },
      {
        extends: true,
        test: {
          ...common,
          name: 'heavy-engine',
          include: heavyOnEngine,
          provide: { serverKind: 'engine', patienceMs: 120_000 },
          testTimeout: 300_000,
          ...longWorkers,
        },
      },
      {
        // The rules about this repository. They run eslint, tsc and typedoc, which need all cores: alone, after the others.
        extends: true,
        test: {
          ...common,
          name: 'house',
          include: ['test/house/**/*.test.ts'],
          exclude: long,
          provide: { serverKind: 'redis', patienceMs: 80_000 },
          testTimeout: 300_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
    coverage: { include: ['src/**/*.ts'], reporter: ['text-summary', 'json-summary', 'html'] },
  },
});
