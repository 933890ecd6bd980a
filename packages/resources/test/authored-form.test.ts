import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { authoredForm, loadResources, parseResource, type Resource } from '../src/index.ts';

const ROOT = path.join(import.meta.dirname, '../../..');
const EXAMPLES = globSync('examples/**/*.yaml', { cwd: ROOT }).toSorted();

const resourcesOf = (file: string): readonly Resource[] =>
  loadResources([{ file, text: readFileSync(path.join(ROOT, file), 'utf8') }]).resources.map(({ value }) => value);

test.each(EXAMPLES)('every resource of %s parses to itself again', (file) => {
  for (const resource of resourcesOf(file)) {
    expect(parseResource(JSON.parse(JSON.stringify(authoredForm(resource))))).toEqual({ ok: true, value: resource });
  }
});

test('a duration is written as people write it, and what was not said stays unsaid', () => {
  const group = parseResource({
    apiVersion: 'federation.routerd.net/v1alpha1',
    kind: 'EventGroup',
    metadata: { name: 'fleet' },
    spec: {
      nodeName: 'self',
      servers: ['nats://127.0.0.1:4222'],
      identity: { seedFile: '/n.nk' },
      replayWindow: '90s',
    },
  });
  if (!group.ok) throw new Error(JSON.stringify(group.error));
  const { metadata, spec } = authoredForm(group.value);
  expect(metadata).toEqual({ name: 'fleet' });
  expect(spec).toMatchObject({ heartbeat: { interval: '500ms', deadAfter: '5s' }, replayWindow: '1m30s' });
});

test('times inside lists and unions are found', () => {
  const plugin = parseResource({
    apiVersion: 'plugin.routerd.net/v1alpha1',
    kind: 'Plugin',
    metadata: { name: 'inventory', annotations: { team: 'net' } },
    spec: {
      executable: '/usr/local/libexec/routerd/plugins/inventory',
      capabilities: ['observe.cloud'],
      timeout: '10s',
      triggers: [{ type: 'interval', every: '1h30m' }],
    },
  });
  if (!plugin.ok) throw new Error(JSON.stringify(plugin.error));
  const form = authoredForm(plugin.value);
  expect(form.metadata).toEqual({ name: 'inventory', annotations: { team: 'net' } });
  expect(form.spec).toMatchObject({ timeout: '10s', triggers: [{ type: 'interval', every: '1h30m' }] });
});
