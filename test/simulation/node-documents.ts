/** The configuration of each node of a topology, as an operator would write it. */
import { parseResource, type Resource, type Result } from '@routerd/resources';
import type { Rules } from './story.ts';
import { EXCLUDED_PREFIX, nodesOf, POOL_PREFIX, quadOf, siteOfNode, type Site, type Topology } from './topology.ts';

/** What of the pool's document may differ from node to node while it is rolled out. */
export interface PoolVersion {
  readonly draining: ReadonlySet<string>;
  readonly rules: Rules | undefined;
}

export class NodeDocuments {
  readonly #topology: Topology;
  readonly #publicKeyOf: (node: string) => string;
  readonly #parsed = new Map<string, Resource>();
  readonly #ofNodes = new Map<string, readonly Resource[]>();

  constructor(topology: Topology, publicKeyOf: (node: string) => string) {
    this.#topology = topology;
    this.#publicKeyOf = publicKeyOf;
  }

  /** The same value for the same version: nodes start often, and nothing of a document changes. */
  of(node: string, version: PoolVersion): readonly Resource[] {
    const key = [node, version.rules ?? '', ...[...version.draining].toSorted()].join(' ');
    const known = this.#ofNodes.get(key) ?? this.#make(node, version);
    this.#ofNodes.set(key, known);
    return known;
  }

  #make(node: string, version: PoolVersion): readonly Resource[] {
    const topology = this.#topology;
    const site = siteOfNode(topology, node);
    const others = nodesOf(topology).filter((name) => name !== node);
    return [
      document('federation', 'EventGroup', 'g', {
        nodeName: node,
        servers: ['nats://127.0.0.1:4222'],
        identity: { seedFile: '/none' },
        heartbeat: { interval: `${topology.heartbeatMs}ms`, deadAfter: `${topology.deadAfterMs}ms` },
      }),
      ...others.map((name) =>
        document('federation', 'EventPeer', name, {
          groupRef: 'g',
          nodeName: name,
          publicKey: this.#publicKeyOf(name),
        }),
      ),
      ...others.filter((name) => siteOfNode(topology, name) !== site).flatMap((name, index) => tunnelTo(name, index)),
      ...cloudDocuments(site),
      ...vrrpDocuments(site, node),
      this.#pool(version),
    ].map((raw) => this.#parse(raw));
  }

  /** Most documents are the same on every node: each is parsed once. */
  #parse(raw: unknown): Resource {
    const text = JSON.stringify(raw);
    const known = this.#parsed.get(text);
    if (known !== undefined) return known;
    const resource = deepFrozen(valueOf(parseResource(raw)));
    this.#parsed.set(text, resource);
    return resource;
  }

  #pool({ draining, rules }: PoolVersion): unknown {
    const topology = this.#topology;
    const holdMs = rules === 'long-hold' ? topology.holdMs + 8000 : rules === 'no-hold' ? 0 : topology.holdMs;
    return document('mobility', 'MobilityPool', 'p', {
      prefix: POOL_PREFIX,
      excludedAddresses: [EXCLUDED_PREFIX],
      groupRef: 'g',
      leasePolicy: { ttl: `${topology.ttlMs}ms`, holdDuration: `${holdMs}ms` },
      ...(rules === 'late-deprovision' ? { capturePolicy: { deprovisionHoldDuration: '3s' } } : {}),
      members: topology.sites.flatMap((site) =>
        site.routers.map(({ name, priority }, index) => ({
          nodeRef: name,
          site: site.name,
          role: site.provider === undefined ? 'onprem' : 'cloud',
          capture: captureOf(site, name),
          placement: {
            ...(site.provider === undefined ? {} : { group: `${site.name}-routers` }),
            priority: rules === 'swapped-priority' ? 100 - priority : priority,
          },
          ...(draining.has(name) && site.provider !== undefined ? { maintenance: { drain: true } } : {}),
          ...(index === 0 && site.provider === undefined
            ? { staticOwnedAddresses: staticAddresses(topology, site).map((address) => `${quadOf(address)}/32`) }
            : {}),
        })),
      ),
    });
  }
}

/** Addresses that the pool declares at a LAN instead of having them observed; they never move. */
export function staticAddresses(topology: Topology, site: Site): readonly number[] {
  const lans = topology.sites.filter(({ provider }) => provider === undefined);
  if (topology.staticEvery === 0 || !lans.includes(site)) return [];
  const all = Array.from({ length: topology.addresses }, (_, address) => address);
  return all.filter(
    (address) =>
      address % topology.staticEvery === 1 && lans[Math.floor(address / topology.staticEvery) % lans.length] === site,
  );
}

function captureOf(site: Site, node: string): unknown {
  return site.provider === undefined
    ? { type: 'proxy-arp', interface: 'lan0', ...(site.hasVrrp === true ? { activeWhen: masterOf(site) } : {}) }
    : {
        type: 'provider-secondary-ip',
        providerRef: `${site.name}-main`,
        providerMode: 'secondary-ip',
        nicRef: `nic-${node}`,
        interface: 'eth0',
      };
}

function masterOf({ name }: Site): unknown {
  return { type: 'vrrp-master', virtualAddressRef: `gateway-${name}` };
}

/** The routers of a LAN have the first addresses of the part that the pool excludes. */
function vrrpDocuments({ name, routers, hasVrrp }: Site, node: string): readonly unknown[] {
  if (hasVrrp !== true) return [];
  const peers = routers.flatMap((router, index) => (router.name === node ? [] : [`10.77.0.${index + 2}`]));
  const priority = 200 - (routers.find((router) => router.name === node)?.priority ?? 0);
  return [
    document('net', 'VirtualAddress', `gateway-${name}`, {
      interface: 'lan0',
      address: '10.77.0.14/32',
      mode: 'vrrp',
      vrrp: { virtualRouterID: 60, priority, peers },
    }),
  ];
}

function cloudDocuments({ name, provider }: Site): readonly unknown[] {
  if (provider === undefined) return [];
  const verbs = [
    'assign-secondary-ip',
    'unassign-secondary-ip',
    'ensure-forwarding-enabled',
    'ensure-forwarding-disabled',
  ];
  return [
    document('hybrid', 'CloudProviderProfile', `${name}-main`, {
      provider,
      region: 'r1',
      capabilities: ['secondary-ip'],
    }),
    document('hybrid', 'ProviderActionPolicy', name, {
      enabled: true,
      dryRunOnly: false,
      requireApproval: false,
      allowedProviders: [provider],
      allowedActions: verbs,
      allowedCIDRs: [POOL_PREFIX],
      maxActionsPerRun: 64,
    }),
  ];
}

function tunnelTo(peer: string, index: number): readonly unknown[] {
  const device = `wg-${peer}`;
  return [
    document('net', 'WireGuardInterface', device, { privateKeyFile: '/none', listenPort: 51_800 + index }),
    document('hybrid', 'OverlayPeer', peer, {
      role: peer.startsWith('lan') ? 'onprem' : 'cloud',
      nodeID: peer,
      underlay: { type: 'wireguard', interface: device },
    }),
  ];
}

function document(group: string, kind: string, name: string, spec: unknown): unknown {
  return { apiVersion: `${group}.routerd.net/v1alpha1`, kind, metadata: { name }, spec };
}

/** Invariant I7: whoever writes to startup-config is thrown at. */
function deepFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFrozen(part);
  return value;
}

export function valueOf<T>(result: Result<T, unknown>): T {
  if (result.ok) return result.value;
  throw new Error(JSON.stringify(result.error));
}
