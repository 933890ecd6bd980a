/** The desired state of one host, in terms of the kernel. Built by `lower`, compared with what is observed by `diffHost`. */
import type { HostAddress, Ipv4, Ipv4Prefix } from '@routerd/resources';

/**
 * Routes and proxy neighbours of ours carry this protocol number (unassigned in /etc/iproute2/rt_protos), so that they are
 * known after a loss of state. The kernel keeps the mark: it is their whole ownership record.
 */
export const ROUTE_PROTOCOL = 84;
/** Metric of delivery routes. */
export const DELIVERY_METRIC = 120;

export interface HostRoute {
  readonly destination: Ipv4Prefix | HostAddress;
  readonly device: string | undefined;
  readonly gateway: Ipv4 | undefined;
  /** Source of packets of the router itself. Left out of the route while no interface has it: the kernel would refuse the route. */
  readonly preferredSource: Ipv4 | undefined;
  readonly metric: number;
  readonly blackhole: boolean;
}

export interface ProxyNeighbor {
  readonly address: HostAddress;
  readonly interface: string;
  /** Announce by gratuitous ARP after it was added. */
  readonly announce: boolean;
}

export interface WireGuardPeerState {
  readonly publicKey: string;
  /** Sorted by code unit; no prefix is in two peers of one device. */
  readonly allowedIPs: readonly (Ipv4Prefix | HostAddress)[];
  readonly endpoint: string | undefined;
  /** Seconds. */
  readonly persistentKeepalive: number;
  readonly presharedKeyFile: string | undefined;
}

export interface WireGuardDevice {
  readonly name: string;
  readonly privateKeyFile: string;
  readonly listenPort: number;
  /** Bytes. */
  readonly mtu: number;
  /** Sorted by public key. */
  readonly peers: readonly WireGuardPeerState[];
}

/** A tunnel without encryption, made by the kernel. */
export interface TunnelState {
  readonly name: string;
  readonly mode: 'ipip' | 'gre';
  readonly local: Ipv4;
  readonly remote: Ipv4;
  /** Of the outer packets. */
  readonly ttl: number;
  /** Of GRE alone. */
  readonly key: number | undefined;
  /** Bytes. */
  readonly mtu: number;
}

/** `admin`: up or down; `mtu`: bytes. */
export const LINK_PROPERTIES = ['admin', 'mtu'] as const;

/** One property of a link that is not ours to make; what it was is put back. */
export interface LinkSetting {
  readonly name: string;
  readonly property: (typeof LINK_PROPERTIES)[number];
  readonly value: string;
}

/**
 * One path whose tunnel has the smaller MTU, both directions. It names interfaces and no addresses: whatever takes the path meets the
 * same limit, and adding an address to a path then changes no rule.
 */
export interface MssClamp {
  readonly captureInterface: string;
  readonly tunnelInterface: string;
  /** Maximum segment size to write into SYNs, both directions, bytes. */
  readonly mss: number;
}

export interface InterfaceAddressState {
  readonly interface: string;
  /** With its prefix length: `10.255.0.1/32`. */
  readonly address: string;
}

export interface SysctlState {
  /** Parts of the path below `/proc/sys`; an interface's part may contain dots. */
  readonly path: readonly string[];
  /** What is written. */
  readonly value: string;
  /** What a reading must show for nothing to be written; without it exactly `value`. */
  readonly accepts?: SysctlAcceptance;
}

/** `atLeast` compares integers. */
export interface SysctlAcceptance {
  readonly compare: 'exact' | 'atLeast';
  readonly value: string;
}

/** First line of every file of ours below `/etc/sysctl.d`. */
export const SYSCTL_FILE_MARK = '# routerd.owner=routerd';

/** `/etc/sysctl.d/90-routerd-NAME.conf`: what the host sets at its next start. */
export interface SysctlFileState {
  readonly name: string;
  readonly content: string;
}

/** A table of nftables that is wholly ours. */
export interface NftTable {
  readonly family: 'inet' | 'ip';
  readonly name: 'routerd_filter' | 'routerd_nat';
  /** What stands between its braces, in the words of `nft`; our mark is added. */
  readonly lines: readonly string[];
}

/** Every list is sorted and without duplicates, so that equal inputs give equal bytes. */
export interface HostState {
  readonly wireGuard: readonly WireGuardDevice[];
  readonly tunnels: readonly TunnelState[];
  readonly links: readonly LinkSetting[];
  readonly addresses: readonly InterfaceAddressState[];
  readonly routes: readonly HostRoute[];
  readonly proxyNeighbors: readonly ProxyNeighbor[];
  /** Captured at a provider: must not be configured on any interface of this host. */
  readonly absentAddresses: readonly HostAddress[];
  readonly sysctls: readonly SysctlState[];
  readonly sysctlFiles: readonly SysctlFileState[];
  readonly mssClamps: readonly MssClamp[];
  readonly tables: readonly NftTable[];
}

/** Nothing of ours. */
export const EMPTY_HOST_STATE: HostState = {
  wireGuard: [],
  tunnels: [],
  links: [],
  addresses: [],
  routes: [],
  proxyNeighbors: [],
  absentAddresses: [],
  sysctls: [],
  sysctlFiles: [],
  mssClamps: [],
  tables: [],
};
