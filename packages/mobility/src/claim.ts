/** The RemoteAddressClaim that a lease means for this node. */
import { bareAddress, ok, err, type NodeName, type ResourceOf, type Result } from '@routerd/resources';
import { captureKeyOf } from './capture-record.ts';
import { deliveryRouters } from './placement.ts';
import type { AddressLease, PoolContext, PoolMember, PoolSituation } from './model.ts';

type Claim = ResourceOf<'RemoteAddressClaim'>;

export interface ResolvedDelivery {
  readonly via: NodeName;
  readonly peerRef: string;
  readonly tunnelInterface: string | undefined;
}

/** Resource names and annotations allow letters, digits and `-`; everything else becomes `-`. */
export function safeName(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]/g, '-');
}

/** The one AddressMobilityDomain that all claims of a pool refer to. */
export function domainResourceOf(context: PoolContext): ResourceOf<'AddressMobilityDomain'> {
  return {
    apiVersion: 'hybrid.routerd.net/v1alpha1',
    kind: 'AddressMobilityDomain',
    metadata: {
      name: safeName(`mobility-${context.name}`),
      annotations: annotationsOf(context),
      ownerRefs: ownerRefsOf(context),
    },
    spec: { prefix: context.prefix, mode: 'selective-address' },
  };
}

/**
 * For each router of the owner's site, best first: deliveryTo by node, then by site, then by role, then the member's default, then
 * the OverlayPeer whose `nodeID` is that router. A router that nothing leads to is passed over for the next.
 */
export function resolveDelivery(
  context: PoolContext,
  situation: PoolSituation,
  self: PoolMember,
  lease: AddressLease,
): Result<ResolvedDelivery, string> {
  const routers = deliveryRouters(context, situation, lease.site, lease.address);
  for (const via of routers) {
    const delivery = deliveryTo(context, self, lease, via);
    if (delivery !== undefined)
      return ok({ via, peerRef: delivery.peerRef, tunnelInterface: delivery.tunnelInterface });
  }
  return err(
    routers.length === 0
      ? `site ${lease.site} has no router in the pool`
      : `no deliveryTo, delivery or OverlayPeer leads to ${routers.join(' or ')}`,
  );
}

function deliveryTo(
  context: PoolContext,
  self: PoolMember,
  lease: AddressLease,
  via: NodeName,
): { readonly peerRef: string; readonly tunnelInterface?: string | undefined } | undefined {
  const { deliveryTo: entries, delivery } = self.spec;
  return (
    entries.find((entry) => entry.nodeRef === via) ??
    entries.find((entry) => entry.nodeRef === undefined && entry.site === lease.site) ??
    entries.find((entry) => entry.nodeRef === undefined && entry.site === undefined && entry.role === lease.role) ??
    delivery ??
    context.peerByNode.get(via)
  );
}

/** What all claims of one node in one pool have in common; it is built once and shared, since there may be very many claims. */
export interface ClaimTemplate {
  readonly context: PoolContext;
  readonly self: PoolMember;
  /** Names of claims are this and the address. */
  readonly namePrefix: string;
  readonly domainRef: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly ownerRefs: Claim['metadata']['ownerRefs'];
}

export function claimTemplateOf(context: PoolContext, self: PoolMember): ClaimTemplate {
  const domainRef = safeName(`mobility-${context.name}`);
  return {
    context,
    self,
    namePrefix: `${domainRef}-`,
    domainRef,
    annotations: { ...annotationsOf(context), ...captureTargetOf(self) },
    ownerRefs: ownerRefsOf(context),
  };
}

/** @param before of the same address and template: given again while it says the same */
export function claimOf(
  { context, self, namePrefix, domainRef, annotations, ownerRefs }: ClaimTemplate,
  { address, leaseEpoch, ownerNode, site, role }: AddressLease,
  { peerRef, tunnelInterface }: ResolvedDelivery,
  before?: Claim,
): Claim {
  const ofLease = {
    'mobility.routerd.net/lease-epoch': String(leaseEpoch),
    'mobility.routerd.net/owner-node': ownerNode,
    'mobility.routerd.net/owner-site': site,
    'mobility.routerd.net/owner-role': role,
  };
  if (before !== undefined && isSameClaim(before, ofLease, { peerRef, tunnelInterface })) return before;
  return {
    apiVersion: 'hybrid.routerd.net/v1alpha1',
    kind: 'RemoteAddressClaim',
    metadata: {
      name: namePrefix + bareAddress(address).replaceAll('.', '-'),
      annotations: {
        ...annotations,
        ...ofLease,
      },
      ownerRefs,
    },
    spec: {
      domainRef,
      address,
      ownerSide: role,
      capture: captureSpecOf(self, captureKeyOf(context.name, address, self.domain)),
      delivery:
        tunnelInterface === undefined ? { peerRef, mode: 'route' } : { peerRef, mode: 'route', tunnelInterface },
    },
  };
}

/** All else follows from the address and the template. */
function isSameClaim(
  { metadata, spec: { delivery } }: Claim,
  ofLease: Readonly<Record<string, string>>,
  { peerRef, tunnelInterface }: Omit<ResolvedDelivery, 'via'>,
): boolean {
  if (delivery.peerRef !== peerRef || delivery.tunnelInterface !== tunnelInterface) return false;
  for (const key in ofLease) if (metadata.annotations?.[key] !== ofLease[key]) return false;
  return true;
}

/** The provider's keys that the member adds, so that a claim tells which NIC it is about. */
function captureTargetOf({ spec: { capture } }: PoolMember): Readonly<Record<string, string>> {
  if (capture.type !== 'provider-secondary-ip') return {};
  return Object.fromEntries(
    Object.entries(capture.target).map(
      ([key, value]) => [`mobility.routerd.net/capture-target.${key}`, value] as const,
    ),
  );
}

function captureSpecOf(self: PoolMember, captureKey: string): Claim['spec']['capture'] {
  const activeWhen = { type: 'capture-holder', captureKey } as const;
  const { capture } = self.spec;
  if (capture.type === 'proxy-arp') {
    return {
      type: 'proxy-arp',
      interface: capture.interface,
      gratuitousARP: capture.gratuitousARP,
      configureOSAddress: false,
      activeWhen,
    };
  }
  const { providerRef, providerMode, nicRef } = capture;
  return {
    type: 'provider-secondary-ip',
    providerRef,
    providerMode,
    nicRef,
    configureOSAddress: false,
    activeWhen,
    ...(capture.interface === undefined ? {} : { interface: capture.interface }),
  };
}

function annotationsOf(context: PoolContext): Record<string, string> {
  return {
    'mobility.routerd.net/pool': context.name,
    'mobility.routerd.net/self-node': context.self,
    'routerd.net/dynamic-source': `MobilityPool/${context.name}/node/${context.self}`,
    'routerd.net/managed-by': 'routerd',
  };
}

function ownerRefsOf(context: PoolContext): Claim['metadata']['ownerRefs'] {
  return [{ apiVersion: context.pool.apiVersion, kind: context.pool.kind, name: context.pool.metadata.name }];
}
