/** The example of the README: it stands here too, so that it is compiled and run. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inputOf, resources, sighting, situationOf, contextOf } from './fixtures.ts';
// example begins
import { planAddress, poolContexts, renderReason, type AddressInput, type PoolSituation } from '@routerd/mobility';
import type { Resource } from '@routerd/resources';

/** What this node would do about one address, in words. */
function explain(effective: readonly Resource[], situation: PoolSituation, input: AddressInput): readonly string[] {
  const contexts = poolContexts(effective);
  if (!contexts.ok) return [contexts.error.message];
  return contexts.value.flatMap((context) => {
    const { lease, claim, captureOpen, transition, actions, because } = planAddress(context, situation, input);
    return [
      `${input.address}: ${lease?.status ?? 'unknown'}, claim ${claim?.metadata.name ?? 'none'}, captures: ${captureOpen}`,
      `registry: ${transition?.phase ?? 'as it is'}; provider: ${actions.map(({ verb }) => verb).join(', ') || 'nothing'}`,
      ...because.map(renderReason),
    ];
  });
}
// example ends

test('the example of the README is what stands here, and works', () => {
  const own = readFileSync(new URL(import.meta.url), 'utf8');
  const example = own.slice(own.indexOf('// example begins\n') + 18, own.indexOf('// example ends'));
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``);
  const situation = situationOf(contextOf(), { nic: { addresses: [], forwarding: false } });
  expect(explain(resources(), situation, inputOf([sighting('onprem-router-a')]))).toEqual([
    '10.77.60.10/32: active, claim mobility-cloudedge-10-77-60-10, captures: false',
    'registry: acquiring; provider: nothing',
    'onprem-router-a of site onprem saw the address at 1970-01-01T00:00:00.000Z',
    'owned by site onprem: delivered through onprem-a to onprem-router-a',
    'aws-router-a should capture: best priority 10 (not aws-router-b: lower-priority)',
    'claims the capture in epoch 1',
  ]);
});
