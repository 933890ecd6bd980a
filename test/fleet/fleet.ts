/**
 * A whole fleet in one process: the daemon's own reconciler, engine and federation on every node, over the in-memory twins that pass the
 * same contract suites as the real adapters. Time stands still until `advance`.
 */
import { createMemoryExecutor, createMemoryJournal, type Journal, type MemoryExecutor } from '@routerd/actions';
import { createMemoryHost, MemoryLedger, type MemoryHost } from '@routerd/dataplane';
import {
  createMemoryNetwork,
  generateNodeIdentity,
  MemoryFactStore,
  MemoryHighWaterStore,
  type Fact,
  type MemoryNetwork,
  type NodeIdentity,
} from '@routerd/federation';
import type { AddressLease } from '@routerd/mobility';
import {
  hostAddressOf,
  instant,
  parseIpv4,
  parseNodeName,
  parseResource,
  type HostAddress,
  type NodeName,
  type Resource,
  type Result,
} from '@routerd/resources';
import { composeNode, nodeSettings, type NodeAdapters, type RoutingNode } from '@routerd/routerd';
import { ManualClock, RecordingLog } from '@routerd/runtime';

export const CLOUDS = ['aws', 'azure', 'oci'] as const;
export const SITES = ['onprem', ...CLOUDS] as const;
export type Site = (typeof SITES)[number];
export const NODES = SITES.flatMap((site) => [`${site}-router-a`, `${site}-router-b`]);

export function must<T>(result: Result<T, unknown>): T {
  if (result.ok) return result.value;
  throw new Error(JSON.stringify(result.error));
}

export function addressOf(quad: string): HostAddress {
  return hostAddressOf(must(parseIpv4(quad)));
}

export function siteOf(node: string): Site {
  return SITES.find((site) => node.startsWith(`${site}-`)) ?? 'onprem';
}

/** What of a node outlives its process: disk, kernel, keys. */
interface Machine {
  readonly name: NodeName;
  readonly identity: NodeIdentity;
  readonly host: MemoryHost;
  readonly ledger: MemoryLedger;
  readonly journal: Journal;
  readonly factStore: MemoryFactStore;
  readonly highWater: MemoryHighWaterStore;
  readonly leases: Map<HostAddress, AddressLease>;
  readonly log: RecordingLog;
  running: RoutingNode | undefined;
}

export interface FleetOptions {
  /** Nodes that the pool declares as draining. */
  readonly draining?: readonly string[];
  /** Static ownership, by node. */
  readonly owned?: Readonly<Record<string, readonly string[]>>;
  /** Addresses that the pool hands from one member to another. */
  readonly handOvers?: readonly {
    readonly address: string;
    readonly fromNodeRef: string;
    readonly toNodeRef: string;
  }[];
}

export class Fleet {
  readonly clock = new ManualClock(instant(1_790_000_000_000));
  readonly network: MemoryNetwork;
  readonly clouds: ReadonlyMap<Site, MemoryExecutor>;
  readonly #machines: ReadonlyMap<string, Machine>;
  #options: FleetOptions;

  constructor(options: FleetOptions = {}) {
    this.#options = options;
    this.network = createMemoryNetwork({ clock: this.clock });
    this.clouds = new Map(CLOUDS.map((site) => [site, cloudOf(site, this.clock)]));
    this.#machines = new Map(NODES.map((name) => [name, machineOf(name)]));
  }

  /** Starts every node and lets the fleet come to rest. */
  async start(): Promise<void> {
    for (const name of NODES) await this.boot(name);
    await this.advance(12_000);
  }

  async boot(name: string): Promise<void> {
    const machine = this.machine(name);
    if (machine.running !== undefined) throw new Error(`${name} runs already`);
    const startup = configOf(machine.name, this.#machines, this.#options);
    const { host, ledger, journal, highWater, factStore, leases, log } = machine;
    const adapters: NodeAdapters = {
      clock: this.clock,
      log,
      random: () => 0.5,
      host,
      ledger,
      journal,
      highWater,
      executor: this.clouds.get(siteOf(name)) ?? createMemoryExecutor(this.clock),
      leases: {
        loadLeases: () => [...leases.values()],
        saveLeases: (changed, gone) => {
          for (const { address } of gone) leases.delete(address);
          for (const lease of changed) leases.set(lease.address, lease);
        },
      },
      federation: (config, isCapturedHere) => {
        const built = this.network.federation(
          { ...config, seed: machine.identity.seed },
          { log, factStore, highWaterStore: highWater, isCapturedHere },
        );
        return built.ok ? built : { ok: false, error: { code: built.error.code, message: built.error.detail } };
      },
    };
    machine.running = must(composeNode(must(nodeSettings(startup)), adapters));
    await machine.running.start();
    await this.advance(0);
  }

  /** The process ends; kernel, disk and the provider stay as they are. */
  async stop(name: string): Promise<void> {
    const machine = this.machine(name);
    const running = machine.running;
    machine.running = undefined;
    const stopped = running?.stop();
    await this.advance(100);
    await stopped;
  }

  async stopAll(): Promise<void> {
    for (const name of NODES) await this.stop(name);
  }

  /** Changes the pool document of every node that starts from now on. */
  redeploy(options: FleetOptions): void {
    this.#options = options;
  }

  /** A node's configuration as a file would have it. */
  configText(name: string, options: FleetOptions): string {
    const documents = documentsOf(this.machine(name).name, this.#machines, options);
    return documents.map((each) => JSON.stringify(each)).join('\n---\n');
  }

  machine(name: string): Machine {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw new Error(`there is no ${name}`);
    return machine;
  }

  node(name: string): RoutingNode {
    const { running } = this.machine(name);
    if (running === undefined) throw new Error(`${name} does not run`);
    return running;
  }

  running(): readonly string[] {
    return NODES.filter((name) => this.machine(name).running !== undefined);
  }

  /** Lets time pass in small steps, and all work that becomes possible be done in each. */
  async advance(milliseconds: number): Promise<void> {
    await breathe();
    for (let left = milliseconds; left > 0; left -= 50) {
      this.clock.advance(Math.min(50, left));
      await breathe();
    }
  }

  emit(
    name: string,
    quad: string,
    type: 'routerd.client.ipv4.observed' | 'routerd.client.ipv4.expired' = 'routerd.client.ipv4.observed',
  ): Result<Fact, { readonly code: string }> {
    return this.node(name).orders.emit({ type, address: addressOf(quad), pool: undefined, ttl: undefined });
  }

  /** The kernel's delivery route for an address, as `ip` would print it. */
  routeTo(name: string, quad: string): string | undefined {
    return this.machine(name)
      .host.render()
      .find((line) => line.includes(`${quad}/32`) && line.includes('dev wg-'));
  }

  /** Who attracts packets for the address at a site: the NIC that has it, or the routers whose kernels answer ARP for it. */
  async capturers(site: Site, quad: string): Promise<readonly string[]> {
    const cloud = this.clouds.get(site);
    if (cloud !== undefined)
      return [cloud.holderOf(addressOf(quad))].flatMap((nic) => (nic === undefined ? [] : [nic.replace('nic-', '')]));
    const found: string[] = [];
    for (const name of NODES.filter((node) => siteOf(node) === site)) {
      const observed = must(await this.machine(name).host.observe());
      if (observed.proxyNeighbors.some(({ address }) => address === addressOf(quad))) found.push(name);
    }
    return found;
  }
}

/** Runs everything that is ready to run: promises, microtasks and immediates that follow from each other. */
async function breathe(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

function cloudOf(site: Site, clock: ManualClock): MemoryExecutor {
  const cloud = createMemoryExecutor(clock);
  for (const node of NODES.filter((name) => siteOf(name) === site)) cloud.addNic({ nicRef: `nic-${node}`, node });
  return cloud;
}

function machineOf(name: string): Machine {
  return {
    name: must(parseNodeName(name)),
    identity: generateNodeIdentity(),
    host: createMemoryHost({ links: [{ name: 'lan0' }, { name: 'eth0' }] }),
    ledger: new MemoryLedger(),
    journal: createMemoryJournal(),
    factStore: new MemoryFactStore(),
    highWater: new MemoryHighWaterStore(),
    leases: new Map(),
    log: new RecordingLog(),
    running: undefined,
  };
}

function configOf(self: NodeName, machines: ReadonlyMap<string, Machine>, options: FleetOptions): readonly Resource[] {
  return documentsOf(self, machines, options).map((value) => must(parseResource(value)));
}

function documentsOf(
  self: NodeName,
  machines: ReadonlyMap<string, Machine>,
  options: FleetOptions,
): readonly unknown[] {
  const others = [...machines.values()].filter(({ name }) => name !== self);
  const peers = others.filter(({ name }) => siteOf(name) !== siteOf(self));
  const site = siteOf(self);
  return [
    document('federation', 'EventGroup', 'g', {
      nodeName: self,
      servers: ['nats://127.0.0.1:4222'],
      identity: { seedFile: '/none' },
    }),
    ...others.map(({ name, identity }) =>
      document('federation', 'EventPeer', name, { groupRef: 'g', nodeName: name, publicKey: identity.publicKey }),
    ),
    ...peers.flatMap(({ name }, index) => tunnelTo(name, index)),
    ...(site === 'onprem'
      ? []
      : [
          document('hybrid', 'CloudProviderProfile', `${site}-main`, {
            provider: site,
            region: 'r1',
            capabilities: ['secondary-ip'],
          }),
          policyOf(site),
        ]),
    document('mobility', 'MobilityPool', 'p', {
      prefix: '10.77.60.0/24',
      excludedAddresses: ['10.77.60.0/29'],
      groupRef: 'g',
      members: NODES.map((node) => memberOf(node, options)),
      leasePolicy: { ttl: '60s', holdDuration: '5s' },
      ...(options.handOvers === undefined ? {} : { staticHandovers: options.handOvers }),
    }),
  ];
}

function document(group: string, kind: string, name: string, spec: unknown): unknown {
  return { apiVersion: `${group}.routerd.net/v1alpha1`, kind, metadata: { name }, spec };
}

function tunnelTo(peer: NodeName, index: number): readonly unknown[] {
  const device = `wg-${peer.replace('-router-', '-')}`;
  return [
    document('net', 'WireGuardInterface', device, { privateKeyFile: '/none', listenPort: 51_800 + index }),
    document('hybrid', 'OverlayPeer', peer, {
      role: siteOf(peer) === 'onprem' ? 'onprem' : 'cloud',
      nodeID: peer,
      underlay: { type: 'wireguard', interface: device },
    }),
  ];
}

function policyOf(site: Site): unknown {
  const verbs = [
    'assign-secondary-ip',
    'unassign-secondary-ip',
    'ensure-forwarding-enabled',
    'ensure-forwarding-disabled',
  ];
  return document('hybrid', 'ProviderActionPolicy', site, {
    enabled: true,
    dryRunOnly: false,
    requireApproval: false,
    allowedProviders: [site],
    allowedActions: verbs,
    allowedCIDRs: ['10.77.60.0/24'],
    maxActionsPerRun: 16,
  });
}

function memberOf(node: string, { draining = [], owned = {} }: FleetOptions): unknown {
  const site = siteOf(node);
  const isLan = site === 'onprem';
  return {
    nodeRef: node,
    site,
    role: isLan ? 'onprem' : 'cloud',
    capture: isLan
      ? { type: 'proxy-arp', interface: 'lan0' }
      : {
          type: 'provider-secondary-ip',
          providerRef: `${site}-main`,
          providerMode: 'secondary-ip',
          nicRef: `nic-${node}`,
          interface: 'eth0',
        },
    placement: { ...(isLan ? {} : { group: `${site}-routers` }), priority: node.endsWith('-a') ? 10 : 20 },
    ...(owned[node] === undefined ? {} : { staticOwnedAddresses: owned[node] }),
    ...(draining.includes(node) && !isLan ? { maintenance: { drain: true } } : {}),
  };
}
