import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['statewright:source'] },
  ssr: { resolve: { conditions: ['statewright:source'] } },
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
  },
});
