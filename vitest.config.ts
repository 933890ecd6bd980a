import path from 'node:path';
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
          exclude: ['**/bench/**', '**/node_modules/**'],
          pool: 'forks',
          maxWorkers: 2, // they wait more than they compute; each makes namespaces, ports and folders of its own
          // They start hundreds of programs of ours, each of which takes half its processor time, or less, when it was compiled before.
          env: { NODE_COMPILE_CACHE: path.join(import.meta.dirname, 'node_modules/.cache/compile') },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'chaos', // by hand: what takes too long for every test
          include: tests.map((folder) => `${folder}/*.chaos.ts`),
          exclude: ['**/node_modules/**'],
          pool: 'forks',
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'bench', // holds costs to their bounds: one after the other, so that nothing else is measured
          include: tests.map((folder) => `${folder}/bench/**/*.int.test.ts`),
          exclude: ['**/node_modules/**'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
