import { defineConfig } from 'vitest/config';

const tests = ['{packages,plugins}/*/{src,test}/**', 'lab/{src,test}/**', 'test/**', 'tools/**'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit', // pure code and in-memory twins: one process, no isolation
          include: tests.map((folder) => `${folder}/*.test.ts`),
          exclude: ['**/*.int.test.ts', '**/node_modules/**'],
          pool: 'threads',
          isolate: false,
          testTimeout: 60_000, // a slow or busy machine is no failure
        },
      },
      {
        test: {
          name: 'integration', // real processes: nats-server, sqlite files, network namespaces, plugins
          include: tests.map((folder) => `${folder}/*.int.test.ts`),
          exclude: ['**/node_modules/**'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
