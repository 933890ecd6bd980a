/** Parts from two plugins, one with a grant to mask and one without, on a running daemon. */
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadResources } from '@routerd/resources';
import { expect, test } from 'vitest';
import { DaemonRig } from './daemon-rig.ts';

const ROUTE = `apiVersion: net.routerd.net/v1alpha1
kind: IPv4Route
metadata: { name: docs }
spec: { destination: 192.0.2.0/24, type: blackhole }
`;
const POLICY = `apiVersion: config.routerd.net/v1alpha1
kind: DynamicOverridePolicy
metadata: { name: inventory }
spec:
  allow:
    - source: Plugin/inventory
      operations: [mask]
      targets: [{ apiVersion: net.routerd.net/v1alpha1, kind: IPv4Route, name: docs }]
`;

const plugin = (rig: DaemonRig, name: string): string => {
  const script = path.join(rig.folder, `${name}.sh`);
  writeFileSync(script, `#!/bin/sh\ncat > /dev/null\ncat ${rig.folder}/${name}.yaml\n`);
  chmodSync(script, 0o755);
  return `apiVersion: plugin.routerd.net/v1alpha1
kind: Plugin
metadata: { name: ${name} }
spec: { executable: ${script}, capabilities: [propose.dynamicConfig] }
---
apiVersion: plugin.routerd.net/v1alpha1
kind: DynamicConfigSource
metadata: { name: ${name} }
spec: { pluginRef: ${name}, ttl: 30m }
`;
};

/** What the plugin answers from now on: a route of its own, and the mask of the operator's. */
function answer(rig: DaemonRig, name: string, { ttl, destination }: { ttl: string; destination: string }): void {
  writeFileSync(
    path.join(rig.folder, `${name}.yaml`),
    `apiVersion: plugin.routerd.net/v1alpha1
kind: PluginResult
metadata: { name: ${name} }
status:
  ttl: ${ttl}
  resources:
    - apiVersion: net.routerd.net/v1alpha1
      kind: IPv4Route
      metadata: { name: found-by-${name} }
      spec: { destination: ${destination}, type: blackhole }
  directives:
    - op: mask
      target: { apiVersion: net.routerd.net/v1alpha1, kind: IPv4Route, name: docs }
      reason: found elsewhere
`,
  );
}

async function openRig(): Promise<DaemonRig> {
  const rig = await DaemonRig.make();
  rig.configure(ROUTE, POLICY, plugin(rig, 'inventory'), plugin(rig, 'other'));
  answer(rig, 'inventory', { ttl: '20m', destination: '198.51.100.0/24' });
  answer(rig, 'other', { ttl: '20m', destination: '203.0.113.0/24' });
  await rig.start();
  return rig;
}

const FORBIDDEN =
  'dynamic mask not allowed by DynamicOverridePolicy: no policy grants Plugin/other the mask of IPv4Route/docs.';

test('a part is listed with its verdict, described, rendered and told apart from startup-config, also after a restart', async () => {
  const rig = await openRig();
  await rig.eventually('the route of the operator', async () => (await rig.routes()).includes('192.0.2.0/24'));
  expect(await rig.routerctl('dynamic', 'diff')).toEqual({ code: 0, stdout: '', stderr: '' });
  await rig.routerctl('plugin', 'run', 'inventory');
  await rig.routerctl('plugin', 'run', 'other');
  const isMasked = async (): Promise<boolean> => (await rig.routes()).join(' ') === '198.51.100.0/24';
  await rig.eventually('the mask and the new route', isMasked);

  const shown = async (): Promise<void> => {
    const [titles = '', granted = '', forbidden = ''] = (await rig.routerctl('dynamic', 'list')).stdout.split('\n');
    expect(titles).toMatch(/^SOURCE +GEN +STATUS +RESOURCES +DIRECTIVES +ACTIONPLANS +EXPIRES$/);
    expect(granted).toMatch(/^Plugin\/inventory +1 +Active +1 +1 +0 +in (20|19)m$/);
    expect(forbidden).toMatch(/^Plugin\/other +1 +Rejected +1 +1 +0 +in (20|19)m$/);
  };
  await shown();

  const described = await rig.routerctl('dynamic', 'describe', 'Plugin/other');
  expect(described.stdout).toMatch(/^Status: +Rejected \(part\.mask-forbidden\)$/m);
  expect(described.stdout).toContain(FORBIDDEN);
  expect(described.stdout).toContain('\n\nRESOURCES\n  apiVersion: net.routerd.net/v1alpha1\n  kind: IPv4Route\n');
  expect(await rig.routerctl('dynamic', 'describe', 'Plugin/nobody')).toMatchObject({
    code: 1,
    stderr: 'error: No dynamic part comes from "Plugin/nobody".\n  Sources: Plugin/inventory, Plugin/other.\n',
  });

  const rendered = (await rig.routerctl('dynamic', 'render')).stdout;
  const { resources, diagnostics } = loadResources([{ file: 'rendered.yaml', text: rendered }]);
  expect(diagnostics).toEqual([]);
  expect(resources.map(({ value }) => [value.metadata.name, value.metadata.annotations])).toContainEqual([
    'found-by-inventory',
    { 'routerd.net/dynamic-source': 'Plugin/inventory' },
  ]);
  expect(rendered).toMatch(
    /# IPv4Route\/docs is left out: masked by DynamicConfigPart\/Plugin\/inventory until .*Z: found elsewhere\n$/,
  );

  const diff = (await rig.routerctl('dynamic', 'diff')).stdout;
  expect(diff).toContain('\n-  name: docs\n');
  expect(diff).toContain(
    '# IPv4Route/found-by-inventory: from Plugin/inventory\n+apiVersion: net.routerd.net/v1alpha1\n',
  );
  const asJson = JSON.parse((await rig.routerctl('dynamic', 'diff', '-o', 'json')).stdout);
  expect(asJson.suppressed[0].maskedBy).toEqual(['DynamicConfigPart/Plugin/inventory']);

  await rig.stop();
  await rig.start();
  await shown();
  expect(await isMasked()).toBe(true);
});

test('a part that ends gives back what it masked, and stays to be seen', async () => {
  const rig = await openRig();
  answer(rig, 'inventory', { ttl: '2s', destination: '198.51.100.0/24' });
  await rig.routerctl('plugin', 'run', 'inventory');
  await rig.eventually('the end of the part', async () => (await rig.routes()).join(' ') === '192.0.2.0/24');
  const { items } = JSON.parse((await rig.routerctl('dynamic', 'list', '-o', 'json')).stdout);
  expect(items).toEqual([expect.objectContaining({ source: 'Plugin/inventory', generation: 1, status: 'Expired' })]);
});

test('new content is the next generation, and the one before is shown as superseded', async () => {
  const rig = await openRig();
  await rig.routerctl('plugin', 'run', 'inventory');
  await rig.routerctl('plugin', 'run', 'inventory');
  answer(rig, 'inventory', { ttl: '20m', destination: '203.0.113.0/24' });
  await rig.routerctl('plugin', 'run', 'inventory');
  await rig.eventually('the second route', async () => (await rig.routes()).join(' ') === '203.0.113.0/24');
  const { stdout } = await rig.routerctl('dynamic', 'describe', 'Plugin/inventory', '-o', 'json');
  const items: readonly { generation: number; status: string; reason?: string }[] = JSON.parse(stdout).items;
  expect(items.map(({ generation, status, reason }) => [generation, status, reason])).toEqual([
    [2, 'Active', undefined],
    [1, 'Superseded', 'Generation 2 of the same source replaces the part.'],
  ]);
});

test('beside a running daemon routerd plan refuses, and after it has nothing to do', async () => {
  const rig = await openRig();
  await rig.routerctl('plugin', 'run', 'inventory');
  await rig.eventually('the route', async () => (await rig.routes()).includes('198.51.100.0/24'));
  const beside = await rig.routerd('plan');
  expect(beside).toMatchObject({ code: 1, stdout: '' });
  expect(beside.stderr).toContain('A running routerd has the state in');
  await rig.stop();
  expect(await rig.routerd('plan')).toMatchObject({ code: 0 });
});
