import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';

// pnpm links only what a package declares, and the linter forbids relative imports between packages:
// so the edges between package.json files are the edges of the architecture. Imports run downwards only.
const pure = ['resources', 'config', 'mobility'];
const layers: Readonly<Record<string, readonly string[]>> = {
  resources: [],
  runtime: ['resources'],
  config: ['resources'],
  mobility: ['resources', 'config'],
  federation: [...pure, 'runtime'],
  dataplane: [...pure, 'runtime'],
  actions: [...pure, 'runtime'],
  observers: ['resources', 'config', 'runtime', 'federation'],
  'plugin-sdk': [],
  'plugin-host': ['resources', 'runtime', 'actions', 'observers', 'plugin-sdk'],
  store: [...pure, 'runtime', 'federation', 'dataplane', 'actions', 'observers'],
  routerd: [...pure, 'runtime', 'federation', 'dataplane', 'actions', 'observers', 'plugin-host', 'store'],
  routerctl: ['resources', 'runtime', 'plugin-sdk', 'routerd'],
  'plugin-aws': ['plugin-sdk'],
  'plugin-azure': ['plugin-sdk'],
  'plugin-fake': ['plugin-sdk'],
  'plugin-gcp': ['plugin-sdk'],
  'plugin-oci': ['plugin-sdk'],
  'plugin-aws-inventory': ['plugin-sdk', 'plugin-aws'],
  'plugin-azure-inventory': ['plugin-sdk', 'plugin-azure'],
  'plugin-gcp-inventory': ['plugin-sdk', 'plugin-gcp'],
  'plugin-oci-inventory': ['plugin-sdk', 'plugin-oci'],
  lab: ['resources', 'runtime', 'config', 'mobility', 'federation', 'actions', 'plugin-host', 'plugin-sdk'],
};

const root = path.join(import.meta.dirname, '../..');
const manifest = z.looseObject({
  name: z.string(),
  exports: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()).default({}),
});
const manifests = globSync(['packages/*/package.json', 'plugins/*/package.json', 'lab/package.json'], {
  cwd: root,
}).toSorted();

test('every package is found', () => {
  expect(manifests).toHaveLength(Object.keys(layers).length);
});

test.each(manifests)('%s depends only on what its layer may', (file) => {
  const { name, dependencies } = manifest.parse(JSON.parse(readFileSync(path.join(root, file), 'utf8')));
  const own = Object.keys(dependencies).filter((dependency) => dependency.startsWith('@routerd/'));
  const allowed = (layers[name.replace('@routerd/', '')] ?? []).map((layer) => `@routerd/${layer}`);
  expect(own.filter((dependency) => !allowed.includes(dependency))).toEqual([]);
});

test.each(pure)('%s imports nothing that does I/O', (name) => {
  const sources = globSync(`packages/${name}/src/**/*.ts`, { cwd: root }).filter((file) => !file.endsWith('.test.ts'));
  expect(sources.length).toBeGreaterThan(0);
  const offending = sources.filter((file) => /from 'node:/.test(readFileSync(path.join(root, file), 'utf8')));
  expect(offending).toEqual([]);
});
