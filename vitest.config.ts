import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { alias: { hotqueue: new URL('./src/index.ts', import.meta.url).pathname } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    coverage: { include: ['src/**'], reporter: ['text-summary', 'json-summary', 'html'] },
  },
});
