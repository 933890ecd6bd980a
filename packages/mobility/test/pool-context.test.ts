import { parsePoolName, parseResource, type NodeName, type Resource } from '@routerd/resources';
import { expect, test } from 'vitest';
import { claimOf, claimTemplateOf, domainResourceOf, resolveDelivery, safeName } from '../src/claim.ts';
import type { AddressLease, PoolContext, PoolMember } from '../src/model.ts';
import { poolContextOf, poolContexts } from '../src/pool-context.ts';
import { nicTargetOf, proposalOf } from '../src/provider-action.ts';
import {
  address,
  contextOf,
  must,
  node,
  pool,
  recordOf,
  site,
  situationOf,
  type SituationOptions,
} from './fixtures.ts';

type Fields = Readonly<Record<string, unknown>>;

function resource(group: string, kind: string, name: string, spec: Fields): Resource {
  return must(parseResource({ apiVersion: `${group}.routerd.net/v1alpha1`, kind, metadata: { name }, spec }));
}

const lanMember = (name: string, more: Fields = {}): Fields => ({
  nodeRef: name,
  site: 'onprem',
  role: 'onprem',
  capture: { type: 'proxy-arp', interface: 'lan0' },
  ...more,
});
const cloudMember = (provider: string, more: Fields = {}, capture: Fields = {}): Fields => ({
  nodeRef: `${provider}-router`,
  site: provider,
  role: 'cloud',
  capture: {
    type: 'provider-secondary-ip',
    providerRef: `${provider}-main`,
    providerMode: 'x',
    nicRef: 'nic-1',
    ...capture,
  },
  ...more,
});
const group = (self: string): Resource =>
  resource('federation', 'EventGroup', 'edge', {
    nodeName: self,
    servers: ['nats://127.0.0.1:4222'],
    identity: { seedFile: '/x' },
  });
const poolOf = (members: readonly Fields[]): Resource =>
  resource('mobility', 'MobilityPool', 'cloudedge', { prefix: '10.77.60.0/24', groupRef: 'edge', members });
const peer = (name: string, nodeID: string): Resource =>
  resource('hybrid', 'OverlayPeer', name, {
    role: 'onprem',
    nodeID,
    underlay: { type: 'wireguard', interface: `wg-${name}` },
  });

const contextFrom = (...resources: readonly Resource[]): PoolContext => must(poolContextOf(resources, pool));

test.each<[string, Fields, string]>([
  ['a LAN is its segment', lanMember('r'), 'site:onprem:segment:lan0'],
  ['a cloud router alone is its own', cloudMember('aws'), 'provider:aws-main:node:aws-router'],
  [
    'cloud routers of one group share theirs',
    cloudMember('aws', { placement: { group: 'g', priority: 5 } }),
    'provider:aws-main:placement:g',
  ],
])('capture domains: %s', (_, member, domain) => {
  const [only] = contextFrom(group('elsewhere'), poolOf([member])).members.values();
  expect(only?.domain).toBe(domain);
});

test('a node that is not listed is no member, and knows the pool all the same', () => {
  const context = contextFrom(group('elsewhere'), poolOf([lanMember('r')]));
  expect(context).toMatchObject({ self: 'elsewhere', selfMember: undefined, prefix: '10.77.60.0/24', name: pool });
});

test('a pool that cannot be lowered says why', () => {
  expect(poolContextOf([group('r')], pool)).toMatchObject({
    ok: false,
    error: { code: 'pool.not-declared', message: 'There is no MobilityPool "cloudedge"; declared: none.' },
  });
  expect(poolContextOf([poolOf([lanMember('r')])], must(parsePoolName('other')))).toMatchObject({
    ok: false,
    error: { message: 'There is no MobilityPool "other"; declared: cloudedge.' },
  });
  expect(poolContexts([poolOf([lanMember('r')])])).toMatchObject({ ok: false, error: { code: 'pool.no-event-group' } });
  expect(poolContexts([group('r'), poolOf([lanMember('r')])])).toMatchObject({ ok: true, value: [{ name: pool }] });
});

// ---- delivery ----

const lease: AddressLease = {
  pool,
  address,
  status: 'active',
  site: site('onprem'),
  ownerNode: node('lan-a'),
  role: 'onprem',
  leaseEpoch: 3,
  since: 0 as never,
  expiresAt: undefined,
  challenger: undefined,
};
const LAN = [lanMember('lan-a', { placement: { priority: 1 } }), lanMember('lan-b', { placement: { priority: 2 } })];

function delivered(own: Fields, peers: readonly Resource[], options: SituationOptions = {}): unknown {
  const context = contextFrom(group('aws-router'), poolOf([...LAN, cloudMember('aws', own)]), ...peers);
  const self = context.selfMember;
  if (self === undefined) throw new Error('the node is a member');
  const resolved = resolveDelivery(context, situationOf(context, options), self, lease);
  return resolved.ok ? [resolved.value.via, resolved.value.peerRef, resolved.value.tunnelInterface] : resolved.error;
}

const byNode = { nodeRef: 'lan-a', peerRef: 'by-node' };
const bySite = { site: 'onprem', peerRef: 'by-site', tunnelInterface: 'gre1' };
const byRole = { role: 'onprem', peerRef: 'by-role' };
const byDefault = { peerRef: 'by-default' };
const byPeer = [peer('to-a', 'lan-a'), peer('to-b', 'lan-b')];

test.each<[string, Fields, readonly Resource[], unknown]>([
  ['the node', { deliveryTo: [byRole, bySite, byNode], delivery: byDefault }, byPeer, ['lan-a', 'by-node', undefined]],
  ['then the site', { deliveryTo: [byRole, bySite], delivery: byDefault }, byPeer, ['lan-a', 'by-site', 'gre1']],
  ['then the role', { deliveryTo: [byRole], delivery: byDefault }, byPeer, ['lan-a', 'by-role', undefined]],
  ['then the default', { delivery: byDefault }, byPeer, ['lan-a', 'by-default', undefined]],
  ['then the OverlayPeer to that node', {}, byPeer, ['lan-a', 'to-a', 'wg-to-a']],
  [
    'an entry for another node is not for this one',
    { deliveryTo: [{ ...bySite, nodeRef: 'lan-b' }] },
    byPeer,
    ['lan-a', 'to-a', 'wg-to-a'],
  ],
  ['the next router, where nothing leads to the first', {}, byPeer.slice(1), ['lan-b', 'to-b', 'wg-to-b']],
  ['nothing', {}, [], 'no deliveryTo, delivery or OverlayPeer leads to lan-a or lan-b'],
])('delivery takes %s', (_, own, peers, expected) => {
  expect(delivered(own, peers)).toEqual(expected);
});

test('delivery moves to the second router when the first is dead', () => {
  expect(delivered({}, byPeer, { liveness: { 'lan-a': 'dead' } })).toEqual(['lan-b', 'to-b', 'wg-to-b']);
});

// ---- derived resources ----

const delivery = { via: node('onprem-router-a'), peerRef: 'onprem-a', tunnelInterface: undefined };

test('derived resources are valid, name their pool and point at each other', () => {
  for (const self of ['aws-router-a', 'onprem-router-a']) {
    const context = contextOf({ self });
    if (context.selfMember === undefined) throw new Error('the node is a member');
    const domain = domainResourceOf(context);
    const claim = claimOf(claimTemplateOf(context, context.selfMember), lease, delivery);
    expect(parseResource(domain)).toEqual({ ok: true, value: domain });
    expect(parseResource(claim)).toEqual({ ok: true, value: claim });
    expect(claim.spec.domainRef).toBe(domain.metadata.name);
    expect(claim.metadata.ownerRefs).toEqual([
      { apiVersion: 'mobility.routerd.net/v1alpha1', kind: 'MobilityPool', name: 'cloudedge' },
    ]);
    expect(claim.metadata.annotations).toMatchObject({
      'mobility.routerd.net/pool': 'cloudedge',
      'mobility.routerd.net/self-node': self,
      'mobility.routerd.net/lease-epoch': '3',
      'mobility.routerd.net/owner-node': 'lan-a',
      'mobility.routerd.net/owner-site': 'onprem',
      'mobility.routerd.net/owner-role': 'onprem',
      'routerd.net/dynamic-source': `MobilityPool/cloudedge/node/${self}`,
      'routerd.net/managed-by': 'routerd',
    });
  }
});

test('names keep letters and digits', () => {
  expect(safeName('mobility-Pool_1-10.77.60.10')).toBe('mobility-pool-1-10-77-60-10');
});

// ---- provider targets ----

const nic = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkInterfaces/router-nic';

test.each<[string, Fields, Fields, Fields]>([
  ['aws', { region: 'eu-west-1' }, {}, { region: 'eu-west-1' }],
  [
    'azure',
    { subscriptionID: 's', resourceGroup: 'rg' },
    { nicRef: nic },
    { subscriptionId: 's', resourceGroup: 'rg', nicName: 'router-nic', ipConfigName: 'cloudedge-10-77-60-10' },
  ],
  ['oci', { region: 'r', compartmentId: 'c' }, {}, { region: 'r', compartmentId: 'c' }],
  ['gcp', { region: 'r' }, { target: { region: 'other', zone: 'z' } }, { region: 'other', zone: 'z' }],
])(
  'an action at %s carries the keys of its profile, its NIC and capture.target',
  (provider, profile, capture, target) => {
    const context = contextFrom(
      group(`${provider}-router`),
      poolOf([cloudMember(provider, {}, capture)]),
      resource('hybrid', 'CloudProviderProfile', `${provider}-main`, { provider, capabilities: ['x'], ...profile }),
    );
    const self = context.selfMember;
    if (self === undefined) throw new Error('the node is a member');
    const record = recordOf(context, `${provider}-router`, { phase: 'acquiring', epoch: 4 });
    const wish = { verb: 'assign-secondary-ip', address, record, because: [] } as const;
    expect(proposalOf(context, self, wish)).toMatchObject({ provider, target });
    expect(nicTargetOf(context, self)).not.toHaveProperty('ipConfigName');
  },
);

test('every assign names the NICs of the other routers of its domain, whether it takes from one or not', () => {
  const context = contextOf();
  const self = context.selfMember;
  if (self === undefined) throw new Error('the node is a member');
  const targetOf = (verb: 'assign-secondary-ip' | 'unassign-secondary-ip', previous?: NodeName): unknown => {
    const record = { ...recordOf(context, self.node, { phase: 'acquiring', epoch: 4 }), previous };
    return proposalOf(context, self, { verb, address, record, because: [] })?.target;
  };
  const others = [...context.members.values()].filter((each) => each.domain === self.domain && each.node !== self.node);
  expect(others).not.toEqual([]);
  for (const previous of [undefined, others[0]?.node]) {
    const nics = Object.entries(targetOf('assign-secondary-ip', previous) ?? {}).filter(([key]) =>
      key.startsWith('nicOf'),
    );
    const nicRefOf = ({ spec: { capture } }: PoolMember): unknown => 'nicRef' in capture && capture.nicRef;
    expect(nics).toEqual(others.map((each) => [`nicOf.${each.node}`, nicRefOf(each)]));
  }
  expect(JSON.stringify(targetOf('unassign-secondary-ip'))).not.toContain('nicOf');
});

test('idempotency keys name the tenure; those of forwarding name no address', () => {
  const context = contextOf();
  const self = context.selfMember;
  if (self === undefined) throw new Error('the node is a member');
  const record = recordOf(context, 'aws-router-a', { epoch: 4 });
  const keys = (
    ['assign-secondary-ip', 'unassign-secondary-ip', 'ensure-forwarding-enabled', 'ensure-forwarding-disabled'] as const
  ).map((verb) => proposalOf(context, self, { verb, address, record, because: [] })?.idempotencyKey);
  expect(keys).toEqual([
    'mobility:cloudedge:aws:nic-aws-a:assign-secondary-ip:10.77.60.10:epoch:4',
    'mobility:cloudedge:aws:nic-aws-a:unassign-secondary-ip:10.77.60.10:epoch:4',
    'mobility:cloudedge:aws:nic-aws-a:ensure-forwarding-enabled:epoch:4',
    'mobility:cloudedge:aws:nic-aws-a:ensure-forwarding-disabled:epoch:4',
  ]);
});

test('two NICs of one router never share the key of an action, whatever is done in the same tenure', () => {
  const context = contextOf();
  const self = context.selfMember;
  if (self?.spec.capture.type !== 'provider-secondary-ip') throw new Error('the node captures by a NIC');
  const { capture } = self.spec;
  const other: PoolMember = { ...self, spec: { ...self.spec, capture: { ...capture, nicRef: 'nic-aws-a-2' } } };
  const verbs = [
    'assign-secondary-ip',
    'unassign-secondary-ip',
    'ensure-forwarding-enabled',
    'ensure-forwarding-disabled',
  ] as const;
  const record = recordOf(context, 'aws-router-a', { epoch: 4 });
  const keys = [self, other].flatMap((member) =>
    verbs.map((verb) => proposalOf(context, member, { verb, address, record, because: [] })?.idempotencyKey),
  );
  expect(new Set(keys).size).toBe(2 * verbs.length);
});
