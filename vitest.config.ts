import { defineConfig } from 'vitest/config';

const common = {
  testTimeout: 30_000,
  hookTimeout: 120_000,
  globalSetup: ['test/support/global-setup.ts'],
};

export default defineConfig({
  resolve: { alias: { hotqueue: new URL('./src/index.ts', import.meta.url).pathname } },
  test: {
    // Most of them wait for processes that they started: two at a time, also where there are two cores.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: { ...common, name: 'redis', include: ['test/**/*.test.ts'], provide: { serverKind: 'redis' } },
      },
      {
        // The promises once more, on the server that a machine without Redis gets.
        extends: true,
        test: {
          ...common,
          name: 'engine',
          include: [
            'test/stories/**/*.test.ts',
            'test/redis/broker*.test.ts',
            'test/redis/model.test.ts',
            'test/redis/resending.test.ts',
            'test/chaos/simulation.test.ts',
          ],
          provide: { serverKind: 'engine' },
        },
      },
    ],
    coverage: { include: ['src/**/*.ts'], reporter: ['text-summary', 'json-summary', 'html'] },
  },
});
