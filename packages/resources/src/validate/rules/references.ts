/** Every reference names a resource that exists. */
import type { FieldPath, Problem } from '../../diagnostic.ts';
import type { Kind, ResourceOf } from '../../resource.ts';
import { nearestSpelling } from '../../spelling.ts';
import { selfOf, type ResourceIndex } from '../resource-index.ts';
import { errorAt, rule, warningAt, type Rule } from '../rule.ts';

/** @returns nothing when the resource exists */
export function* resolve(
  index: ResourceIndex,
  kind: Kind,
  name: string | undefined,
  path: FieldPath,
): Iterable<Problem> {
  if (name === undefined || index.get(kind, name) !== undefined || index.isBroken(kind, name)) return;
  const names = index.ofKind(kind).map(({ metadata }) => metadata.name);
  const declared = names.length === 0 ? 'none is declared' : `declared: ${names.toSorted().join(', ')}`;
  const nearest = nearestSpelling(name, names);
  yield errorAt(path, {
    code: 'reference.unresolved',
    message: `There is no ${kind} "${name}"; ${declared}.`,
    remedy: nearest === undefined ? `Declare the ${kind}, or name one that exists.` : `Did you mean "${nearest}"?`,
  });
}

type ActiveWhen = NonNullable<ResourceOf<'RemoteAddressClaim'>['spec']['capture']['activeWhen']>;

export function* activeWhenReference(gate: ActiveWhen | undefined, path: FieldPath): Iterable<Problem> {
  if (gate?.type !== 'vrrp-master') return;
  yield errorAt([...path, 'virtualAddressRef'], {
    code: 'reference.unsupported-kind',
    message: `There is no VirtualAddress "${gate.virtualAddressRef}": this version does not support the kind VirtualAddress.`,
    remedy: 'Leave activeWhen out: without VRRP the capture registry decides which router captures.',
  });
}

/** `capture-holder` is how derived claims follow the registry; nobody can know a capture key beforehand. */
export function* activeWhenAuthored(gate: ActiveWhen | undefined, path: FieldPath): Iterable<Problem> {
  if (gate?.type !== 'capture-holder') return;
  yield errorAt([...path, 'type'], {
    code: 'capture.gate-reserved',
    message: 'activeWhen.type "capture-holder" is reserved for claims that routerd derives from a MobilityPool.',
    remedy: 'Leave activeWhen out, or declare a MobilityPool instead of the claim.',
  });
}

/** A capture interface should be declared; if it is not, the kernel's own is used as it is. */
export function* declaredInterface(index: ResourceIndex, name: string | undefined, path: FieldPath): Iterable<Problem> {
  if (name === undefined) return;
  const interfaces = index.ofKind('Interface');
  if (interfaces.some(({ spec }) => spec.ifname === name)) return;
  const byName = index.get('Interface', name);
  yield warningAt(path, {
    code: 'reference.undeclared-interface',
    message: `No Interface has ifname "${name}": it is used as it is found on the host.`,
    remedy:
      byName === undefined
        ? `Declare an Interface with ifname: ${name}.`
        : `Interface/${name} has ifname "${byName.spec.ifname}"; write that name here.`,
  });
}

function* claimReferences(claim: ResourceOf<'RemoteAddressClaim'>, index: ResourceIndex): Iterable<Problem> {
  const { domainRef, capture, delivery } = claim.spec;
  yield* resolve(index, 'AddressMobilityDomain', domainRef, ['spec', 'domainRef']);
  if (capture.type === 'provider-secondary-ip') {
    yield* resolve(index, 'CloudProviderProfile', capture.providerRef, ['spec', 'capture', 'providerRef']);
  }
  yield* resolve(index, 'OverlayPeer', delivery.peerRef, ['spec', 'delivery', 'peerRef']);
  yield* declaredInterface(index, capture.interface, ['spec', 'capture', 'interface']);
  yield* activeWhenReference(capture.activeWhen, ['spec', 'capture', 'activeWhen']);
}

/**
 * Members are the same on every node, but what a member refers to is declared on the node that *is* that member:
 * only its own references can be resolved here.
 */
function* poolReferences(pool: ResourceOf<'MobilityPool'>, index: ResourceIndex): Iterable<Problem> {
  yield* resolve(index, 'EventGroup', pool.spec.groupRef, ['spec', 'groupRef']);
  const self = selfOf(index, pool.spec.groupRef);
  for (const [position, member] of pool.spec.members.entries()) {
    const path = ['spec', 'members', position];
    const { capture } = member;
    if (capture.type === 'proxy-arp') {
      yield* activeWhenReference(capture.activeWhen, [...path, 'capture', 'activeWhen']);
      yield* activeWhenAuthored(capture.activeWhen, [...path, 'capture', 'activeWhen']);
    }
    if (member.nodeRef !== self) continue;
    if (capture.type === 'provider-secondary-ip') {
      yield* resolve(index, 'CloudProviderProfile', capture.providerRef, [...path, 'capture', 'providerRef']);
    }
    yield* declaredInterface(index, capture.interface, [...path, 'capture', 'interface']);
    yield* resolve(index, 'OverlayPeer', member.delivery?.peerRef, [...path, 'delivery', 'peerRef']);
    for (const [entry, { peerRef }] of member.deliveryTo.entries()) {
      yield* resolve(index, 'OverlayPeer', peerRef, [...path, 'deliveryTo', entry, 'peerRef']);
    }
  }
}

function* policyReferences(policy: ResourceOf<'ProviderActionPolicy'>, index: ResourceIndex): Iterable<Problem> {
  for (const [position, name] of policy.spec.allowedProviderRefs.entries()) {
    yield* resolve(index, 'CloudProviderProfile', name, ['spec', 'allowedProviderRefs', position]);
  }
}

export const referenceRules: readonly Rule[] = [
  rule('RemoteAddressClaim', claimReferences),
  rule(
    'RemoteAddressClaim',
    (claim) => activeWhenAuthored(claim.spec.capture.activeWhen, ['spec', 'capture', 'activeWhen']),
    { appliesTo: 'authored' },
  ),
  rule('MobilityPool', poolReferences),
  rule('ProviderActionPolicy', policyReferences),
  rule('AddressMobilityDomain', (domain, index) =>
    resolve(index, 'OverlayPeer', domain.spec.peerRef, ['spec', 'peerRef']),
  ),
  rule('EventPeer', (peer, index) => resolve(index, 'EventGroup', peer.spec.groupRef, ['spec', 'groupRef'])),
  rule('WireGuardPeer', (peer, index) =>
    resolve(index, 'WireGuardInterface', peer.spec.interface, ['spec', 'interface']),
  ),
];
