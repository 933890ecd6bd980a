/** Every reference names a resource that exists. */
import type { FieldPath, Problem } from '../../diagnostic.ts';
import type { Kind, ResourceOf } from '../../resource.ts';
import { nearestSpelling } from '../../spelling.ts';
import { firstByKey, oncePerIndex, selfOf, type ResourceIndex } from '../resource-index.ts';
import { errorAt, rule, warningAt, type Rule } from '../rule.ts';

/** More names than this are not listed: a file of wrong references must not be told the square of its length. */
const LISTED_MAX = 12;

/** Sorted, once for each kind. */
const namesOf = oncePerIndex((index) => {
  const known = new Map<Kind, readonly string[]>();
  return (kind: Kind): readonly string[] => {
    const found = known.get(kind);
    if (found !== undefined) return found;
    const names = index
      .ofKind(kind)
      .map(({ metadata }) => metadata.name)
      .toSorted();
    known.set(kind, names);
    return names;
  };
});

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'none is declared';
  const more = names.length - LISTED_MAX;
  const shown = names.slice(0, LISTED_MAX).join(', ');
  return more > 0 ? `declared: ${shown} and ${more} more` : `declared: ${shown}`;
}

export function nearestName(name: string, kind: Kind, index: ResourceIndex): string | undefined {
  return nearestSpelling(name, namesOf(index)(kind));
}

/** @returns nothing when the resource exists */
export function* resolve(
  index: ResourceIndex,
  kind: Kind,
  name: string | undefined,
  path: FieldPath,
): Iterable<Problem> {
  if (name === undefined || index.get(kind, name) !== undefined || index.isBroken(kind, name)) return;
  const names = namesOf(index)(kind);
  const nearest = nearestName(name, kind, index);
  yield errorAt(path, {
    code: 'reference.unresolved',
    message: `There is no ${kind} "${name}"; ${listed(names)}.`,
    remedy: nearest === undefined ? `Declare the ${kind}, or name one that exists.` : `Did you mean "${nearest}"?`,
  });
}

type ActiveWhen = NonNullable<ResourceOf<'RemoteAddressClaim'>['spec']['capture']['activeWhen']>;

/** A gate follows a role, and only an address that several routers share has one. */
export function* activeWhenReference(
  gate: ActiveWhen | undefined,
  index: ResourceIndex,
  path: FieldPath,
): Iterable<Problem> {
  if (gate?.type !== 'vrrp-master') return;
  const name = gate.virtualAddressRef;
  yield* resolve(index, 'VirtualAddress', name, [...path, 'virtualAddressRef']);
  if (index.get('VirtualAddress', name)?.spec.mode !== 'static') return;
  yield errorAt([...path, 'virtualAddressRef'], {
    code: 'capture.gate-without-role',
    message: `VirtualAddress/${name} has mode static and so no master; expected one of mode vrrp.`,
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

export const interfaceWithName = firstByKey('Interface', ({ spec }) => [spec.ifname]);

/** A capture interface should be declared; if it is not, the kernel's own is used as it is. */
export function* declaredInterface(index: ResourceIndex, name: string | undefined, path: FieldPath): Iterable<Problem> {
  if (name === undefined) return;
  if (interfaceWithName(index).has(name)) return;
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
  yield* activeWhenReference(capture.activeWhen, index, ['spec', 'capture', 'activeWhen']);
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
      yield* activeWhenAuthored(capture.activeWhen, [...path, 'capture', 'activeWhen']);
    }
    if (member.nodeRef !== self) continue;
    if (capture.type === 'provider-secondary-ip') {
      yield* resolve(index, 'CloudProviderProfile', capture.providerRef, [...path, 'capture', 'providerRef']);
    } else yield* activeWhenReference(capture.activeWhen, index, [...path, 'capture', 'activeWhen']);
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
