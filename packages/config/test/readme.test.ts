/** The example of the README: it stands here too, so that it is compiled and run. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { claim, domain, peer } from './sample-resources.ts';
// example begins
import { createMemoryPartStore, effectiveConfig, type PartStore } from '@routerd/config';
import { instant, type Resource } from '@routerd/resources';

/** What a source's observation makes of startup-config, in words. `startup` is from loadConfiguration; keep the array. */
function merged(startup: readonly Resource[], observed: readonly Resource[]): readonly string[] {
  const store: PartStore = createMemoryPartStore(); // or `openStore(file).value.parts`
  store.put({
    source: 'Plugin/oci-inventory',
    observedAt: instant(0),
    expiresAt: instant(300_000),
    resources: observed,
    directives: [],
    actionPlans: [],
  });
  const { resources, parts, nextExpiry } = effectiveConfig(startup, store.list(), instant(1000));
  return [
    ...resources.map(({ resource, source }) => `${resource.kind}/${resource.metadata.name} from ${source}`),
    ...parts.map((part) => `${part.source}: ${part.status}${'reason' in part ? `, ${part.reason}` : ''}`),
    `nothing changes before ${nextExpiry}`,
  ];
}
// example ends

test('the example of the README is what stands here, and works', () => {
  const own = readFileSync(new URL(import.meta.url), 'utf8');
  const example = own.slice(own.indexOf('// example begins\n') + 18, own.indexOf('// example ends'));
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``);
  const observed = [domain('net', '10.77.60.0/24'), claim('vm', 'net', '10.77.60.10/32')];
  expect(merged([peer('a')], observed)).toEqual([
    'OverlayPeer/a from startup-config',
    'AddressMobilityDomain/net from Plugin/oci-inventory',
    'RemoteAddressClaim/vm from Plugin/oci-inventory',
    'Plugin/oci-inventory: Active',
    'nothing changes before 300000',
  ]);
});
