/** A pool of four sites with two routers each, and builders for what is known of one address. */
import {
  instant,
  parseHostAddress,
  parseNodeName,
  parsePoolName,
  parseResource,
  parseSiteName,
  type HostAddress,
  type NodeName,
  type Resource,
  type Result,
  type SiteName,
} from '@routerd/resources';
import {
  captureKeyOf,
  poolContexts,
  type AddressInput,
  type AddressLease,
  type CaptureDomain,
  type CaptureEpoch,
  type CapturePhase,
  type CaptureRecord,
  type ClaimId,
  type Liveness,
  type PoolContext,
  type PoolSituation,
  type Revision,
  type Sighting,
  type VrrpRole,
} from '@routerd/mobility';

export function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

export const address = must(parseHostAddress('10.77.60.10/32'));
export const pool = must(parsePoolName('cloudedge'));
export const node = (name: string): NodeName => must(parseNodeName(name));
export const site = (name: string): SiteName => must(parseSiteName(name));

const SITES = ['onprem', 'aws', 'azure', 'oci'] as const;

function memberOf(
  siteName: string,
  letter: string,
  priority: number,
  more: Readonly<Record<string, unknown>>,
): unknown {
  const isLan = siteName === 'onprem';
  return {
    nodeRef: `${siteName}-router-${letter}`,
    site: siteName,
    role: isLan ? 'onprem' : 'cloud',
    placement: { ...(isLan ? {} : { group: siteName }), priority },
    ...more,
  };
}

function lanCapture(isVrrp: boolean): unknown {
  const activeWhen = { type: 'vrrp-master', virtualAddressRef: 'gateway' };
  return { type: 'proxy-arp', interface: 'lan0', ...(isVrrp ? { activeWhen } : {}) };
}

function nicCapture(siteName: string, letter: string, capacity: number | undefined): unknown {
  return {
    type: 'provider-secondary-ip',
    providerRef: `${siteName}-main`,
    providerMode: 'secondary-ip',
    nicRef: `nic-${siteName}-${letter}`,
    interface: 'eth0',
    ...(capacity === undefined ? {} : { capacity }),
  };
}

export interface ContextOptions {
  readonly self?: string;
  readonly priorities?: readonly [number, number];
  readonly owned?: Readonly<Record<string, readonly string[]>>;
  readonly withoutPeers?: boolean;
  /** Of every NIC. */
  readonly capacity?: number;
  /** Addresses that the pool hands from one member to another. */
  readonly handOvers?: readonly (readonly [address: string, from: string, to: string])[];
  /** Makes VRRP the authority on the LAN. */
  readonly vrrp?: boolean;
}

/** The context of one node. All nodes share the pool document. */
export function contextOf(options: ContextOptions = {}): PoolContext {
  const context = must(poolContexts(resources(options)))[0];
  if (context === undefined) throw new Error('the fixture declares a pool');
  return context;
}

/** What one node is configured with. */
export function resources({
  self = 'aws-router-a',
  priorities = [10, 20],
  owned = {},
  withoutPeers = false,
  capacity,
  vrrp = false,
  handOvers = [],
}: ContextOptions = {}): readonly Resource[] {
  const members = SITES.flatMap((name) =>
    (['a', 'b'] as const).map((letter, index) =>
      memberOf(name, letter, priorities[index] ?? 0, {
        capture: name === 'onprem' ? lanCapture(vrrp) : nicCapture(name, letter, capacity),
        staticOwnedAddresses: owned[`${name}-router-${letter}`] ?? [],
      }),
    ),
  );
  const raw: unknown[] = [
    {
      apiVersion: 'federation.routerd.net/v1alpha1',
      kind: 'EventGroup',
      metadata: { name: 'cloudedge' },
      spec: { nodeName: self, servers: ['nats://127.0.0.1:4222'], identity: { seedFile: '/x' } },
    },
    {
      apiVersion: 'mobility.routerd.net/v1alpha1',
      kind: 'MobilityPool',
      metadata: { name: 'cloudedge' },
      spec: {
        prefix: '10.77.60.0/24',
        groupRef: 'cloudedge',
        members,
        staticHandovers: handOvers.map(([of, from, to]) => ({ address: of, fromNodeRef: from, toNodeRef: to })),
        leasePolicy: { ttl: '60s', holdDuration: '5s' },
      },
    },
    ...SITES.filter((name) => name !== 'onprem').map((name) => ({
      apiVersion: 'hybrid.routerd.net/v1alpha1',
      kind: 'CloudProviderProfile',
      metadata: { name: `${name}-main` },
      spec: { provider: name, region: 'r1', capabilities: ['secondary-ip'] },
    })),
    ...(withoutPeers
      ? []
      : SITES.flatMap((name) =>
          ['a', 'b'].map((letter) => ({
            apiVersion: 'hybrid.routerd.net/v1alpha1',
            kind: 'OverlayPeer',
            metadata: { name: `${name}-${letter}` },
            spec: {
              role: name === 'onprem' ? 'onprem' : 'cloud',
              nodeID: `${name}-router-${letter}`,
              underlay: { type: 'wireguard', interface: `wg-${name}-${letter}` },
            },
          })),
        )),
  ];
  return raw.map((value): Resource => must(parseResource(value)));
}

export interface SituationOptions {
  readonly now?: number;
  readonly liveness?: Readonly<Record<string, Liveness>>;
  readonly draining?: readonly string[];
  readonly nic?: { readonly addresses: readonly HostAddress[]; readonly forwarding: boolean };
  readonly hostCaptures?: readonly HostAddress[];
  readonly waitingFor?: readonly string[];
  readonly disconnected?: boolean;
  readonly membersAwaited?: boolean;
  readonly held?: ReadonlyMap<HostAddress, CapturePhase>;
  readonly heldForOtherPools?: number;
  readonly ownedHere?: number;
  readonly unread?: readonly string[];
  readonly load?: Readonly<Record<string, number>>;
  readonly vrrp?: VrrpRole;
}

export function situationOf(context: PoolContext, options: SituationOptions = {}): PoolSituation {
  const members = [...context.members.keys()].map(
    (name) =>
      [
        name,
        {
          node: name,
          liveness: options.liveness?.[name] ?? ('alive' as const),
          draining: options.draining?.includes(name) ?? false,
        },
      ] as const,
  );
  return {
    now: instant(options.now ?? 1000),
    members: new Map(members),
    membersWaited: options.membersAwaited !== true,
    waitingFor: options.waitingFor ?? [],
    registryConnected: options.disconnected !== true,
    nic:
      options.nic === undefined
        ? { kind: 'unknown' }
        : {
            kind: 'known',
            addresses: new Set(options.nic.addresses),
            forwarding: options.nic.forwarding,
            observedAt: instant(0),
          },
    hostCaptures: options.hostCaptures === undefined ? undefined : new Set(options.hostCaptures),
    heldBySelf: options.held ?? new Map<HostAddress, CapturePhase>(),
    ...(options.heldForOtherPools === undefined ? {} : { heldForOtherPools: options.heldForOtherPools }),
    ...(options.ownedHere === undefined ? {} : { ownedHere: options.ownedHere }),
    ...(options.unread === undefined ? {} : { unread: new Set(options.unread.map(node)) }),
    ...(options.vrrp === undefined ? {} : { vrrp: options.vrrp }),
    load: new Map(Object.entries(options.load ?? {}).map(([name, count]) => [node(name), count])),
  };
}

export function sighting(
  source: string,
  options: {
    readonly at?: number;
    readonly ttl?: number;
    readonly first?: number;
    readonly kind?: Sighting['kind'];
  } = {},
): Sighting {
  const at = options.at ?? 0;
  return {
    address,
    source: node(source),
    site: site(source.split('-')[0] ?? ''),
    kind: options.kind ?? 'observed',
    sequence: 1,
    observedAt: instant(at),
    firstAcceptedAt: instant(options.first ?? at),
    acceptedAt: instant(at),
    expiresAt: instant(at + (options.ttl ?? 60_000)),
    eventId: `${source}-${at}`,
  };
}

export function inputOf(sightings: readonly Sighting[], more: Partial<AddressInput> = {}): AddressInput {
  return { address, sightings, previousLease: undefined, records: new Map(), highWater: new Map(), ...more };
}

export function recordOf(
  context: PoolContext,
  holder: string | undefined,
  options: {
    readonly epoch?: number;
    readonly revision?: number;
    readonly phase?: CapturePhase;
    readonly previous?: string;
    readonly writer?: string;
    readonly domain?: CaptureDomain;
  } = {},
): CaptureRecord {
  const domain = options.domain ?? context.selfMember?.domain;
  if (domain === undefined) throw new Error('the fixture needs a domain');
  return {
    key: captureKeyOf(pool, address, domain),
    pool,
    address,
    domain,
    revision: (options.revision ?? 1) as Revision,
    epoch: (options.epoch ?? 1) as CaptureEpoch,
    holder: holder === undefined ? undefined : node(holder),
    phase: options.phase ?? (holder === undefined ? 'vacant' : 'held'),
    previous: options.previous === undefined ? undefined : node(options.previous),
    writer: node(options.writer ?? holder ?? 'aws-router-a'),
    claim: 'c' as ClaimId,
    since: instant(0),
    reason: 'test',
  };
}

export function recordsOf(...records: readonly CaptureRecord[]): ReadonlyMap<CaptureDomain, CaptureRecord> {
  return new Map(records.map((record) => [record.domain, record]));
}

/** An active lease of the address at a site, since the beginning. */
export function leaseAt(siteName: string, more: Partial<AddressLease> = {}): AddressLease {
  return {
    pool,
    address,
    status: 'active',
    site: site(siteName),
    ownerNode: node(`${siteName}-router-a`),
    role: siteName === 'onprem' ? 'onprem' : 'cloud',
    leaseEpoch: 1,
    since: instant(0),
    expiresAt: instant(60_000),
    challenger: undefined,
    ...more,
  };
}
