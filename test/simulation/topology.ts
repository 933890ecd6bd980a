/** What a story is played on: sites, routers, addresses and the pool's times. Plain data, drawn from a seed. */
import type { SeededRandom } from './random.ts';

export const CLOUD_PROVIDERS = ['aws', 'azure', 'oci', 'gcp'] as const;

export interface Site {
  readonly name: string;
  /** Undefined: a LAN, where addresses are captured by proxy ARP. */
  readonly provider: (typeof CLOUD_PROVIDERS)[number] | undefined;
  /** Names are `<site>-a`, `<site>-b`, …; of each its placement priority, the lowest captures. */
  readonly routers: readonly { readonly name: string; readonly priority: number }[];
  /** VRRP is the authority over which router of a LAN captures. */
  readonly hasVrrp?: boolean;
}

export interface Topology {
  readonly sites: readonly Site[];
  /** How many addresses there are to play with. */
  readonly addresses: number;
  /** Every n-th address of a LAN is declared in the pool instead of being observed; 0: none. */
  readonly staticEvery: number;
  readonly ttlMs: number;
  readonly holdMs: number;
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
}

export interface TopologyBounds {
  readonly addressesMax: number;
  /** Worlds of up to twelve sites and `addressesMax` addresses, now and then. */
  readonly hasLargeWorlds: boolean;
}

/** Small ones far more often: most mistakes show between two sites, and a large world costs a thousand small ones. */
export function drawTopology(random: SeededRandom, bounds: TopologyBounds): Topology {
  const isLarge = random.chance(0.004) && bounds.hasLargeWorlds;
  const siteCount = isLarge ? random.between(5, 12) : random.betweenMostlySmall(2, 4);
  const sites = Array.from({ length: siteCount }, (_, index) => drawSite(random, index, isLarge));
  const heartbeatMs = random.pick([500, 1000, 2000, 2000]);
  return {
    sites,
    addresses: isLarge
      ? random.betweenMostlySmall(10, Math.max(10, bounds.addressesMax))
      : random.betweenMostlySmall(1, Math.min(12, bounds.addressesMax)),
    staticEvery: random.chance(0.2) ? random.between(2, 4) : 0,
    ttlMs: random.pick([20_000, 30_000, 60_000]),
    holdMs: random.pick([0, 2000, 5000, 10_000]),
    heartbeatMs,
    deadAfterMs: heartbeatMs * random.between(4, 8),
  };
}

function drawSite(random: SeededRandom, index: number, isLarge: boolean): Site {
  const provider = index === 0 || random.chance(0.25) ? undefined : random.pick(CLOUD_PROVIDERS);
  // The first site is a LAN more often than not, and sometimes there is none at all.
  const placed = index === 0 && random.chance(0.2) ? random.pick(CLOUD_PROVIDERS) : provider;
  const name = `${placed ?? 'lan'}${index}`;
  const count = isLarge ? random.between(1, 3) : random.pick([1, 2, 2, 2, 3]);
  const equal = random.chance(0.4);
  const routers = Array.from({ length: count }, (_, at) => ({
    name: `${name}-${'abc'[at] ?? 'x'}`,
    priority: equal ? 10 : 10 * (at + 1),
  }));
  // A stream of its own: what earlier seeds drew stays as it was.
  const hasVrrp = placed === undefined && count > 1 && random.fork(`vrrp ${name}`).chance(0.35);
  return { name, provider: placed, routers, ...(hasVrrp ? { hasVrrp } : {}) };
}

export function nodesOf({ sites }: Topology): readonly string[] {
  return sites.flatMap(({ routers }) => routers.map(({ name }) => name));
}

export function siteOfNode(topology: Topology, node: string): Site {
  const site = topology.sites.find(({ routers }) => routers.some(({ name }) => name === node));
  if (site === undefined) throw new Error(`no site has a router ${node}`);
  return site;
}

/** `10.77.0.0/16` is the pool; the first addresses of it are never used. */
export const POOL_PREFIX = '10.77.0.0/16';
export const EXCLUDED_PREFIX = '10.77.0.0/28';

export function quadOf(index: number): string {
  const value = index + 20;
  return `10.77.${Math.floor(value / 256)}.${value % 256}`;
}
