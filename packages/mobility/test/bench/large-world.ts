/** A pool of four sites with two routers each in which every address of a /16 lives somewhere and is captured everywhere else. */
import {
  hostAddressOf,
  instant,
  parseIpv4,
  parseNodeName,
  parseResource,
  parseSiteName,
  type HostAddress,
  type NodeName,
  type Resource,
  type Result,
} from '@routerd/resources';
import {
  captureKeyOf,
  poolContexts,
  type CaptureEpoch,
  type CaptureRecord,
  type ClaimId,
  type OuterSituation,
  type PoolContext,
  type PoolMember,
  type Revision,
  type Sighting,
} from '@routerd/mobility';

export const SITES = ['onprem', 'aws', 'azure', 'oci'] as const;
export const NOW = instant(1_800_000_000_000);

export function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

function document(group: string, kind: string, name: string, spec: unknown): unknown {
  return { apiVersion: `${group}.routerd.net/v1alpha1`, kind, metadata: { name }, spec };
}

function memberOf(site: string, letter: string, priority: number): unknown {
  const isLan = site === 'onprem';
  return {
    nodeRef: `${site}-router-${letter}`,
    site,
    role: isLan ? 'onprem' : 'cloud',
    capture: isLan
      ? { type: 'proxy-arp', interface: 'lan0' }
      : {
          type: 'provider-secondary-ip',
          providerRef: `${site}-main`,
          providerMode: 'secondary-ip',
          nicRef: `nic-${site}-${letter}`,
        },
    placement: { ...(isLan ? {} : { group: site }), priority },
  };
}

/** @param isSpread routers of equal priority, so that rendezvous hashing decides for every address; else the first of each site leads */
export function largeContext(self: string, isSpread: boolean): PoolContext {
  const nodes = SITES.flatMap(
    (site) =>
      [
        [site, 'a', 10],
        [site, 'b', isSpread ? 10 : 20],
      ] as const,
  );
  const raw: unknown[] = [
    document('federation', 'EventGroup', 'g', {
      nodeName: self,
      servers: ['nats://127.0.0.1:4222'],
      identity: { seedFile: '/none' },
    }),
    ...SITES.filter((site) => site !== 'onprem').map((site) =>
      document('hybrid', 'CloudProviderProfile', `${site}-main`, { provider: site, capabilities: ['secondary-ip'] }),
    ),
    ...nodes.map(([site, letter]) =>
      document('hybrid', 'OverlayPeer', `${site}-${letter}`, {
        role: site === 'onprem' ? 'onprem' : 'cloud',
        nodeID: `${site}-router-${letter}`,
        underlay: { type: 'wireguard', interface: `wg-${site}-${letter}` },
      }),
    ),
    document('mobility', 'MobilityPool', 'large', {
      prefix: '10.77.0.0/16',
      groupRef: 'g',
      members: nodes.map(([site, letter, priority]) => memberOf(site, letter, priority)),
    }),
  ];
  const resources: readonly Resource[] = raw.map((value): Resource => must(parseResource(value)));
  const [context] = must(poolContexts(resources));
  if (context === undefined) throw new Error('the document declares a pool');
  return context;
}

export function addressOf(index: number): HostAddress {
  return hostAddressOf(must(parseIpv4(`10.77.${index >> 8}.${index & 255}`)));
}

export function memberNamed(context: PoolContext, name: string): PoolMember {
  const member = context.members.get(must(parseNodeName(name)));
  if (member === undefined) throw new Error(`${name} is no member`);
  return member;
}

export function sightingOf(address: HostAddress, site: string, source: NodeName, at: number): Sighting {
  return {
    address,
    source,
    site: must(parseSiteName(site)),
    kind: 'observed',
    sequence: at,
    observedAt: NOW,
    firstAcceptedAt: NOW,
    acceptedAt: instant(NOW + at),
    expiresAt: instant(NOW + at + 300_000),
    eventId: `${source}:${address}:${at}`,
  };
}

export function recordOf(context: PoolContext, address: HostAddress, holder: PoolMember): CaptureRecord {
  return {
    key: captureKeyOf(context.name, address, holder.domain),
    pool: context.name,
    address,
    domain: holder.domain,
    revision: 3 as Revision,
    epoch: 1 as CaptureEpoch,
    holder: holder.node,
    phase: 'held',
    previous: undefined,
    writer: holder.node,
    claim: 'c' as ClaimId,
    since: NOW,
    reason: 'capture verified',
  };
}

export function situationOf(
  context: PoolContext,
  nic: ReadonlySet<HostAddress>,
  dead: readonly string[] = [],
): OuterSituation {
  return {
    now: instant(NOW + 1000),
    members: new Map(
      [...context.members.keys()].map((node) => [
        node,
        { node, liveness: dead.includes(node) ? ('dead' as const) : ('alive' as const), draining: false },
      ]),
    ),
    membersWaited: true,
    waitingFor: [],
    registryConnected: true,
    nic: { kind: 'known', addresses: nic, forwarding: true, observedAt: NOW },
    hostCaptures: nic,
  };
}
