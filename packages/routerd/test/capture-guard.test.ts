/** What a node may not tell to live at its site, because it attracts the packets for it itself. */
import { captureKeyOf, poolContexts, type CaptureRecord, type NicObservation } from '@routerd/mobility';
import {
  instant,
  parseHostAddress,
  parseNodeName,
  parseResource,
  type HostAddress,
  type Resource,
  type Result,
} from '@routerd/resources';
import { expect, test } from 'vitest';
import { capturedHere, type CaptureGuardView } from '../src/capture-guard.ts';
import { PoolState } from '../src/pool-state.ts';

function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

const address = (last: number): HostAddress => must(parseHostAddress(`10.1.0.${last}/32`));
const [mobile, declared] = [address(10), address(20)];

function resource(group: string, kind: string, name: string, spec: unknown): Resource {
  return must(parseResource({ apiVersion: `${group}.routerd.net/v1alpha1`, kind, metadata: { name }, spec }));
}

function memberOf(nodeRef: string, nicRef: string, staticOwnedAddresses: readonly string[]): unknown {
  const capture = { type: 'provider-secondary-ip', providerRef: 'aws', providerMode: 'secondary-ip', nicRef };
  return { nodeRef, site: 'aws', role: 'cloud', capture, placement: { group: 'aws' }, staticOwnedAddresses };
}

function poolOf(self: string): PoolState {
  const resources = [
    resource('federation', 'EventGroup', 'g', {
      nodeName: self,
      servers: ['nats://127.0.0.1:4222'],
      identity: { seedFile: '/none' },
    }),
    resource('hybrid', 'CloudProviderProfile', 'aws', { provider: 'aws', capabilities: ['secondary-ip'] }),
    resource('mobility', 'MobilityPool', 'p', {
      prefix: '10.1.0.0/24',
      groupRef: 'g',
      members: [memberOf('aws-a', 'nic-a', [declared]), memberOf('aws-b', 'nic-b', [])],
    }),
  ];
  const [context] = must(poolContexts(resources));
  if (context === undefined) throw new Error('the pool is declared');
  return new PoolState(context, []);
}

function viewOf(pool: PoolState, nic: NicObservation): CaptureGuardView {
  return { pools: [pool], captured: new Set(), nic: () => nic, own: new Set(), claims: [] };
}

function nicWith(...addresses: readonly HostAddress[]): NicObservation {
  return { kind: 'known', addresses: new Set(addresses), forwarding: true, observedAt: instant(0) };
}

test('what the own NIC carries lives elsewhere, also when the registry has lost what it knew', () => {
  const pool = poolOf('aws-b');
  expect(capturedHere(mobile, viewOf(pool, nicWith()))).toBeUndefined();
  expect(capturedHere(mobile, viewOf(pool, { kind: 'unknown' }))).toBeUndefined();
  expect(capturedHere(mobile, viewOf(pool, nicWith(mobile)))).toBe('this router, whose NIC carries it');
});

test('what the pool declares to live at this router may stand on its NIC, and on no other', () => {
  expect(capturedHere(declared, viewOf(poolOf('aws-a'), nicWith(declared)))).toBeUndefined();
  expect(capturedHere(declared, viewOf(poolOf('aws-b'), nicWith(declared)))).toBeDefined();
});

test('what the registry says a router of the site holds is captured, whatever the own NIC carries', () => {
  const pool = poolOf('aws-b');
  const domain = pool.context.selfMember?.domain;
  if (domain === undefined) throw new Error('the node is a member');
  const holder = must(parseNodeName('aws-a'));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- brands of a record that nobody sent
  const record = {
    key: captureKeyOf(pool.context.name, mobile, domain),
    pool: pool.context.name,
    address: mobile,
    domain,
    revision: 1,
    epoch: 4,
    holder,
    phase: 'held',
    previous: undefined,
    writer: holder,
    claim: 'c',
    since: instant(0),
    reason: '',
  } as unknown as CaptureRecord;
  pool.acceptRecord(record.key, record);
  expect(capturedHere(mobile, viewOf(pool, nicWith()))).toBe(`aws-a (${domain}, epoch 4)`);
});
