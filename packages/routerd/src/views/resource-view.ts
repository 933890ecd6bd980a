/** GET /v1/resources: effective-config with what is known of each resource, plus the derived leases. */
import type { AddressPlan, CaptureRecord } from '@routerd/mobility';
import { formatDuration, formatInstant, type Resource, type ResourceOf, unreachable } from '@routerd/resources';
import { overlayPeerStatus } from './overlay-view.ts';
import type { PoolState } from '../pool-state.ts';
import { vrrpGateOf } from '../vrrp-gates.ts';
import {
  claimHostView,
  healthCheckView,
  hybridRouteView,
  interfaceView,
  sysctlView,
  tableView,
  tunnelView,
  virtualAddressView,
} from './host-resource-view.ts';
import type { HostView, NodeView } from './node-view.ts';
import { pluginStatus, subscriptionStatus } from './plugin-view.ts';
import { shownSpec } from './shown-spec.ts';

export interface ResourceView {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
  /** `phase` and a one-line `summary` always; the kind's own fields besides. */
  readonly status: Readonly<Record<string, unknown>> & { readonly phase: string; readonly summary: string };
}

/** @param kind any case, singular or plural; all kinds when undefined */
export function resourceViews(
  node: NodeView,
  filter: { readonly kind?: string; readonly name?: string },
): readonly ResourceView[] {
  const resources = node.derived()?.effective ?? node.startup;
  const views = [
    ...resources.map((resource) => withStatus(node, resource)),
    ...suppressedViews(node),
    ...node.pools.flatMap(leaseViews),
  ];
  const wanted = filter.kind?.toLowerCase();
  return views
    .filter(
      (view) =>
        wanted === undefined ||
        [view.kind.toLowerCase(), `${view.kind.toLowerCase()}s`, `${view.kind.toLowerCase()}es`].includes(wanted),
    )
    .filter((view) => filter.name === undefined || view.metadata.name === filter.name)
    .toSorted((a, b) => (a.kind === b.kind ? (a.metadata.name < b.metadata.name ? -1 : 1) : a.kind < b.kind ? -1 : 1));
}

function withStatus(node: NodeView, resource: Resource): ResourceView {
  const { apiVersion, kind, metadata, spec } = resource;
  return { apiVersion, kind, metadata, spec: shownSpec(spec), status: statusOf(node, resource) };
}

/** What of startup-config dynamic parts mask: in no effect, and still there. */
function suppressedViews(node: NodeView): readonly ResourceView[] {
  return (node.derived()?.config.suppressed ?? []).map(({ resource, maskedBy, maskedUntil, reason }) => {
    const { apiVersion, kind, metadata, spec } = resource;
    const until = formatInstant(maskedUntil);
    const summary = `masked by ${maskedBy.join(', ')} until ${until}: ${reason}`;
    return {
      apiVersion,
      kind,
      metadata,
      spec: shownSpec(spec),
      status: { phase: 'Suppressed', summary, maskedBy, maskedUntil: until, reason },
    };
  });
}

function statusOf(node: NodeView, resource: Resource): ResourceView['status'] {
  switch (resource.kind) {
    case 'MobilityPool':
      return poolStatus(node, resource);
    case 'RemoteAddressClaim':
      return claimStatus(node, resource);
    case 'AddressMobilityDomain':
      return domainStatus(node, resource);
    case 'EventGroup':
      return groupStatus(node);
    case 'EventPeer': {
      const liveness = node.federation()?.members.get(resource.spec.nodeName) ?? 'unheard';
      return { phase: liveness === 'alive' ? 'Connected' : 'Waiting', summary: liveness, liveness };
    }
    case 'WireGuardPeer':
      return wireGuardPeerStatus(node.host(), resource);
    case 'IPv4Route':
      return routeStatus(node.host(), resource);
    case 'OverlayPeer':
      return overlayPeerStatus(node, resource);
    case 'CloudProviderProfile':
      return { phase: 'Applied', summary: resource.spec.provider };
    case 'ProviderActionPolicy':
      return {
        phase: 'Applied',
        summary: resource.spec.enabled ? (resource.spec.dryRunOnly ? 'dry-run only' : 'enabled') : 'disabled',
      };
    case 'Plugin':
      return pluginStatus(resource, node.observing?.().plugins ?? []);
    case 'Interface':
      return interfaceView(node.host(), resource);
    case 'IPv4StaticAddress':
      return { phase: 'Applied', summary: `${resource.spec.address} on ${resource.spec.interface}` };
    case 'WireGuardInterface': {
      const up = node.host().observed?.wireGuard.some((device) => device.name === resource.metadata.name) ?? false;
      return { phase: up ? 'Up' : 'Planned', summary: `listens on ${resource.spec.listenPort}` };
    }
    case 'FirewallRule':
    case 'FirewallZone':
    case 'NAT44Rule':
      return tableView(node, resource);
    case 'HealthCheck':
      return healthCheckView(node, resource);
    case 'VirtualAddress':
      return virtualAddressView(node, resource);
    case 'Sysctl':
      return sysctlView(node.host(), resource);
    case 'HybridRoute':
      return hybridRouteView(node, resource);
    case 'TunnelInterface':
      return tunnelView(node.host(), resource);
    case 'EventSubscription':
      return subscriptionStatus(resource, node.observing?.().subscriptions ?? []);
    case 'DynamicConfigSource':
      return {
        phase: 'Applied',
        summary: `from ${resource.spec.pluginRef}, at most ${formatDuration(resource.spec.ttl)}`,
      };
    case 'DynamicOverridePolicy':
      return { phase: 'Applied', summary: resource.spec.allow.map(({ source }) => source).join(', ') };
    default:
      return unreachable(resource);
  }
}

function poolStatus(node: NodeView, resource: ResourceOf<'MobilityPool'>): ResourceView['status'] {
  const pool = node.pools.find(({ context }) => context.name === resource.metadata.name);
  const plans = [...(pool?.plans() ?? [])];
  const leases = plans.flatMap((plan) => plan.lease ?? []);
  const count = (status: string): number => leases.filter((lease) => lease.status === status).length;
  const waiting = node.waitingFor();
  const generatedClaims = plans.filter((plan) => plan.claim !== undefined).length;
  return {
    phase: (node.derived()?.problems.length ?? 0) > 0 ? 'Degraded' : 'Projected',
    summary: `${leases.length} leases, ${generatedClaims} claims, ${pool?.heldBySelf().size ?? 0} held here`,
    plannerPhase: waiting.length > 0 ? 'Waiting' : 'Planned',
    ...(waiting.length > 0 ? { plannerReason: `waiting for ${waiting.join('; ')}` } : {}),
    selfNode: pool?.context.self,
    leaseCount: leases.length,
    activeLeases: count('active'),
    holdingLeases: count('holding'),
    conflictLeases: count('conflict'),
    staleLeases: count('stale'),
    expiredLeases: count('expired'),
    generatedClaims,
    generatedActions: plans.reduce((sum, plan) => sum + plan.actions.length, 0),
  };
}

function claimStatus(node: NodeView, claim: ResourceOf<'RemoteAddressClaim'>): ResourceView['status'] {
  const host = node.host();
  const { address, capture, ownerSide, delivery } = claim.spec;
  const route = host.observed?.routes.find(({ destination }) => destination === address);
  const own = ownRecord(node, address);
  const gate = own === undefined ? vrrpGateOf(capture) : undefined;
  const role = gate === undefined ? undefined : node.vrrp.role(gate);
  const gated = capture.activeWhen !== undefined && own?.plan.captureOpen !== true && role !== 'master';
  const captured =
    capture.type === 'proxy-arp'
      ? (host.observed?.proxyNeighbors.some((entry) => entry.address === address) ?? false)
      : own === undefined // nobody's to hold: an operator gave the address to this router's NIC
        ? !gated && route !== undefined
        : own.record?.phase === 'held';
  const closed = role !== undefined && role !== 'master'; // then there is no route either, on purpose
  const phase = route === undefined && !closed ? 'Degraded' : gated ? 'Gated' : captured ? 'Ready' : 'Degraded';
  const unsupported = host.unsupported;
  const captureStatus =
    unsupported !== undefined
      ? 'CaptureUnsupported'
      : captured
        ? 'Captured'
        : gated && role !== 'unknown'
          ? 'Standby'
          : 'Blocked';
  return {
    phase,
    summary: `${captureStatus.toLowerCase()}, delivered over ${route?.device ?? 'nothing yet'}${own?.record?.holder === undefined ? '' : `, held by ${own.record.holder} in epoch ${own.record.epoch}`}`,
    captureStatus,
    ...(unsupported !== undefined
      ? { reason: 'CaptureUnsupported', detail: unsupported }
      : route === undefined && !closed
        ? { reason: 'RouteNotInstalled' }
        : gated
          ? { reason: 'CaptureGateInactive' }
          : {}),
    ...(gate === undefined
      ? {}
      : { activeWhenType: 'vrrp-master', activeWhenVirtualAddressRef: gate, activeWhenVirtualAddressRole: role }),
    address,
    ownerSide,
    captureType: capture.type,
    peerRef: delivery.peerRef,
    deliveryMode: delivery.mode,
    ...claimHostView(node, claim.metadata.name),
    ...(own?.record === undefined
      ? {}
      : { captureEpoch: own.record.epoch, captureHolder: own.record.holder, registryPhase: own.record.phase }),
  };
}

function ownRecord(
  node: NodeView,
  address: ResourceOf<'RemoteAddressClaim'>['spec']['address'],
): { readonly plan: AddressPlan; readonly record: CaptureRecord | undefined } | undefined {
  for (const pool of node.pools) {
    const plan = pool.plan(address);
    const domain = pool.context.selfMember?.domain;
    if (plan?.claim !== undefined)
      return { plan, record: domain === undefined ? undefined : pool.record(address, domain) };
  }
  return undefined;
}

function domainStatus(node: NodeView, resource: ResourceOf<'AddressMobilityDomain'>): ResourceView['status'] {
  const claims = (node.derived()?.effective ?? []).filter(
    (other): other is ResourceOf<'RemoteAddressClaim'> =>
      other.kind === 'RemoteAddressClaim' && other.spec.domainRef === resource.metadata.name,
  );
  const phases = claims.map((claim) => ({
    name: claim.metadata.name,
    address: claim.spec.address,
    phase: claimStatus(node, claim).phase,
  }));
  const degraded = phases.some(({ phase }) => phase === 'Degraded');
  return {
    phase: degraded ? 'Degraded' : 'Ready',
    ...(degraded ? { reason: 'ClaimDegraded' } : {}),
    summary: `${resource.spec.prefix}, ${claims.length} claims`,
    prefix: resource.spec.prefix,
    mode: resource.spec.mode,
    claims: phases,
    claimCount: claims.length,
  };
}

function groupStatus(node: NodeView): ResourceView['status'] {
  const federation = node.federation();
  const connected = federation?.connected ?? false;
  return {
    phase: connected ? 'Applied' : 'Pending',
    summary: connected ? `connected to ${federation?.hub ?? 'a hub'}` : 'not connected',
    outboxDepth: federation?.outboxDepth ?? 0,
  };
}

function wireGuardPeerStatus(host: HostView, peer: ResourceOf<'WireGuardPeer'>): ResourceView['status'] {
  const device = host.observed?.wireGuard.find(({ name }) => name === peer.spec.interface);
  const observed = device?.peers.find(({ publicKey }) => publicKey === peer.spec.publicKey);
  if (observed === undefined)
    return { phase: device === undefined ? 'Pending' : 'NotConfigured', summary: `on ${peer.spec.interface}` };
  const phase = observed.latestHandshake > 0 ? 'Connected' : 'Waiting';
  return {
    phase,
    summary: `on ${peer.spec.interface}${observed.endpoint === undefined ? '' : `, endpoint ${observed.endpoint}`}`,
    latestHandshake: observed.latestHandshake,
  };
}

function routeStatus(host: HostView, route: ResourceOf<'IPv4Route'>): ResourceView['status'] {
  const installed = host.observed?.routes.some(({ destination }) => destination === route.spec.destination) ?? false;
  return {
    phase: installed ? 'Installed' : 'Pending',
    summary: `${route.spec.destination}${route.spec.device === undefined ? '' : ` dev ${route.spec.device}`}`,
  };
}

function leaseViews(pool: PoolState): readonly ResourceView[] {
  return [...pool.plans()].flatMap(({ address, lease }) =>
    lease === undefined
      ? []
      : [
          {
            apiVersion: 'mobility.routerd.net/v1alpha1',
            kind: 'AddressLease',
            metadata: { name: `${pool.context.name}-${address.replaceAll(/[^0-9a-z]/g, '-')}` },
            spec: { poolRef: pool.context.name, address },
            status: {
              phase: lease.status,
              summary: `${address} owned by ${lease.site} (${lease.ownerNode})${lease.challenger === undefined ? '' : `, challenged by ${lease.challenger.site}`}`,
              site: lease.site,
              ownerNode: lease.ownerNode,
              role: lease.role,
              leaseEpoch: lease.leaseEpoch,
              since: lease.since,
              ...(lease.expiresAt === undefined ? {} : { expiresAt: lease.expiresAt }),
            },
          },
        ],
  );
}
