/**
 * The four sites, as data.
 *
 *                                    hub .10
 *                                       │
 *      ┌─────────────┬──────── WAN 198.51.100.0/24 ────────┬─────────────┐
 *      │.1 .2        │.30                                  │.40          │.50
 *   router-a/b     aws fabric (.31 .32)               azure fabric     oci fabric
 *      │.2 .3        │.1 = every guest's gateway     (.41 .42)  │     (.51 .52)  │
 *   LAN bridge .1    ├ router-a .4  router-b .5      .6 .7      │      .8 .9     │
 *      │.10          └ client .11                    client .12        client .13
 *   onprem-client                         10.77.60.0/24 everywhere
 *
 * A WAN address of a cloud router is mapped 1:1 to its private one by the fabric. The routers of different sites have one WireGuard tunnel each
 * way, with an overlay address 10.255.0.N on `lo`; there is none between routers of one site.
 */

export const POOL = 'cloudedge';
export const GROUP = 'cloudedge';
export const POOL_PREFIX = '10.77.60.0/24';
/** The gateway, which every site has, and the routers (.2 to .9). */
export const POOL_EXCLUDED: readonly string[] = ['10.77.60.0/29', '10.77.60.8/31'];
export const GATEWAY = '10.77.60.1';
export const WAN_PREFIX_LENGTH = 24;
export const HUB = { name: 'hub', address: '198.51.100.10', port: 4222 } as const;
/** Where the vendors' API host names lead in a cloud's guests; on the fabric itself. RFC 5737 documentation range. */
export const API_ADDRESS = '192.0.2.10';

/** The four; a lab may have a fifth at GCP, see gcp-site.ts. */
export const SITES = ['onprem', 'aws', 'azure', 'oci'] as const;
export type Site = (typeof SITES)[number] | 'gcp';
export const CLOUDS = ['aws', 'azure', 'oci'] as const;
export type Cloud = (typeof CLOUDS)[number];
/** What there is an emulator for. */
export const EMULATED_CLOUDS = [...CLOUDS, 'gcp'] as const;
export type EmulatedCloud = (typeof EMULATED_CLOUDS)[number];

export interface Router {
  readonly name: string;
  readonly site: Site;
  readonly letter: 'a' | 'b' | 'c';
  /** 1 to 10; last octet of the overlay address, and what its peers' tunnel ports are counted by. */
  readonly number: number;
  /** In the pool's prefix, on the LAN or the cloud's subnet. */
  readonly address: string;
  /** Where its peers find it on the WAN. */
  readonly wanAddress: string;
  readonly overlay: string;
  /** The NIC that attracts captured addresses, as its kernel names it. */
  readonly nic: string;
  /** Lower is preferred. */
  readonly priority: number;
  /** Of its cloud's account unless told otherwise; decides how many addresses a NIC may have. */
  readonly machineType?: string;
  /** How many captured addresses its NIC has room for; without one nobody bounds them. */
  readonly capacity?: number;
}

export interface Client {
  readonly name: string;
  readonly site: Site;
  readonly address: string;
  readonly nic: string;
}

export interface Fabric {
  readonly name: string;
  readonly cloud: EmulatedCloud;
  readonly wanAddress: string;
}

function routersOf(site: Site, first: { number: number; octet: number; wan: number }): readonly Router[] {
  return (['a', 'b'] as const).map((letter, index) => ({
    name: `${site}-router-${letter}`,
    site,
    letter,
    number: first.number + index,
    address: `10.77.60.${first.octet + index}`,
    wanAddress: `198.51.100.${first.wan + index}`,
    overlay: `10.255.0.${first.number + index}`,
    nic: site === 'onprem' ? 'lan0' : 'eth0',
    priority: letter === 'a' ? 10 : 20,
  }));
}

export const ROUTERS: readonly Router[] = [
  ...routersOf('onprem', { number: 1, octet: 2, wan: 1 }),
  ...routersOf('aws', { number: 3, octet: 4, wan: 31 }),
  ...routersOf('azure', { number: 5, octet: 6, wan: 41 }),
  ...routersOf('oci', { number: 7, octet: 8, wan: 51 }),
];

export const CLIENTS: readonly Client[] = SITES.map((site, index) => ({
  name: `${site}-client`,
  site,
  address: `10.77.60.${10 + index}`,
  nic: site === 'onprem' ? 'lan0' : 'eth0',
}));

/** At the fifth site, which a lab has where its topology says so. */
export const GCP_ROUTERS: readonly Router[] = routersOf('gcp', { number: 9, octet: 14, wan: 61 });
export const GCP_CLIENT: Client = { name: 'gcp-client', site: 'gcp', address: '10.77.60.16', nic: 'eth0' };
/** Of the routers there. */
export const GCP_EXCLUDED = '10.77.60.14/31';

export const FABRICS: readonly Fabric[] = CLOUDS.map((cloud, index) => ({
  name: `${cloud}-fabric`,
  cloud,
  wanAddress: `198.51.100.${30 + index * 10}`,
}));

/** The hosts that only carry: `wan` routes between the sites, `lan` is the on-prem Ethernet with the clients' gateway. */
export const CARRIERS = ['wan', 'lan'] as const;

export const TOPOLOGY_IDS = [
  'four-sites',
  'five-sites',
  'onprem-and-gcp',
  'three-at-aws',
  'full-nics',
  'pair-azure',
  'pair-aws',
  'pair-oci',
] as const;
export type TopologyId = (typeof TOPOLOGY_IDS)[number];

/** What every kind of lab is built from: its machines, and how its places hang on the WAN. */
export interface Topology {
  readonly id: TopologyId;
  /** The subnet that every site has, and the gateway of its guests. */
  readonly subnet: string;
  readonly gateway: string;
  readonly hub: typeof HUB | undefined;
  readonly fabrics: readonly Fabric[];
  readonly routers: readonly RouterPlace[];
  /** Those of them that are members of one pool and of its federation from the start; none in a lab that begins without routerd. */
  readonly federated: readonly Router[];
  readonly clients: readonly Client[];
  /** WAN address of the LAN's gateway, which translates what leaves the site; without one the on-prem routers are on the WAN themselves. */
  readonly lanUplink: string | undefined;
  /** Bytes of the largest packet that passes between a fabric and the WAN; larger ones vanish, and no ICMP tells. `undefined`: 1500. */
  readonly underlayMtu: number | undefined;
}

/** Where a router stands. On-prem behind `lanUplink` it has no WAN address of its own. */
export type RouterPlace = Pick<Router, 'name' | 'site' | 'address' | 'overlay' | 'nic' | 'machineType'> & {
  readonly wanAddress: string | undefined;
};

export const FOUR_SITES: Topology = {
  id: 'four-sites',
  subnet: POOL_PREFIX,
  gateway: GATEWAY,
  hub: HUB,
  fabrics: FABRICS,
  routers: ROUTERS,
  federated: ROUTERS,
  clients: CLIENTS,
  lanUplink: undefined,
  underlayMtu: undefined,
};

export function hostNamesOf({ hub, fabrics, routers, clients }: Topology): readonly string[] {
  const named = [...(hub === undefined ? [] : [hub]), ...fabrics, ...routers, ...clients];
  return [...CARRIERS, ...named.map(({ name }) => name)];
}

export const HOST_NAMES: readonly string[] = hostNamesOf(FOUR_SITES);

/** `undefined` for hosts that are at no site, and for a fabric, which is around one. */
export function siteOf({ routers, clients }: Topology, hostName: string): Site | undefined {
  return [...routers, ...clients].find(({ name }) => name === hostName)?.site;
}

/** The host names that a cloud's guests look up, and nobody answers but the fabric. */
export const VENDOR_NAMES: Readonly<Record<EmulatedCloud, readonly string[]>> = {
  aws: ['ec2.eu-west-1.amazonaws.com', 'sqs.eu-west-1.amazonaws.com'],
  azure: ['management.azure.com', 'cloudedge-news.servicebus.windows.net'],
  oci: [
    'iaas.eu-frankfurt-1.oraclecloud.com',
    'auth.eu-frankfurt-1.oraclecloud.com',
    'cell-1.streaming.eu-frankfurt-1.oci.oraclecloud.com',
  ],
  gcp: ['compute.googleapis.com', 'pubsub.googleapis.com'],
};

export function isCloud(site: Site): site is EmulatedCloud {
  return site !== 'onprem';
}

export function routersAt(site: Site): readonly Router[] {
  return [...ROUTERS, ...GCP_ROUTERS].filter((router) => router.site === site);
}

export function clientAt(site: Site): Client {
  const client = [...CLIENTS, GCP_CLIENT].find((candidate) => candidate.site === site);
  if (client === undefined) throw new Error(`no client at ${site}`);
  return client;
}

/** The routers that a router has tunnels to: all of the other sites. */
export function peersOf(router: Router, among: readonly Router[] = ROUTERS): readonly Router[] {
  return among.filter((peer) => peer.site !== router.site);
}

/** Name of the tunnel interface towards `peer`; at most 15 characters. */
export function tunnelTo(peer: Router): string {
  return `wg-${peer.site}-${peer.letter}`;
}

/** The UDP port on which a router listens for `peer`: one interface a peer, so one port a peer. */
export function listenPortFor(peer: Router): number {
  return 51_800 + peer.number;
}

/** Port of a host on its carrier: the far end of its cable. At most 15 characters. */
export function carrierPort(hostName: string): string {
  return `p-${hostName.replace('onprem-', '').replace('-fabric', '')}`;
}
