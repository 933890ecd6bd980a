/** The desired and the observed state of one host, in terms of the kernel. Built by `lower`, compared by `diff`. */
import type { HostAddress, Ipv4, Ipv4Prefix } from '@routerd/resources';

/** Routes of ours carry this protocol number (unassigned in /etc/iproute2/rt_protos), so that they are known after a loss of state. */
export const ROUTE_PROTOCOL = 84;
/** Metric of delivery routes. */
export const DELIVERY_METRIC = 120;

export interface HostRoute {
  readonly destination: Ipv4Prefix | HostAddress;
  readonly device: string | undefined;
  readonly gateway: Ipv4 | undefined;
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
  readonly allowedIPs: readonly Ipv4Prefix[];
  readonly endpoint: string | undefined;
  /** Seconds. */
  readonly persistentKeepalive: number;
  readonly presharedKeyFile: string | undefined;
}

export interface WireGuardDevice {
  readonly name: string;
  readonly privateKeyFile: string;
  readonly listenPort: number;
  readonly mtu: number;
  readonly peers: readonly WireGuardPeerState[];
}

/** One direction pair of a forwarded path whose tunnel has the smaller MTU. */
export interface MssClamp {
  readonly captureInterface: string;
  readonly tunnelInterface: string;
  /** Maximum segment size to write into SYNs, both directions, bytes. */
  readonly mss: number;
  readonly addresses: readonly HostAddress[];
}

export interface HostState {
  readonly wireGuard: readonly WireGuardDevice[];
  readonly addresses: readonly { readonly interface: string; readonly address: string }[];
  readonly routes: readonly HostRoute[];
  readonly proxyNeighbors: readonly ProxyNeighbor[];
  /** Captured at a provider: must not be configured on any interface of this host. */
  readonly absentAddresses: readonly HostAddress[];
  /** `net/ipv4/...` keys with dots for slashes only between path parts: `net.ipv4.ip_forward`. Interface parts may contain dots: given as parts. */
  readonly sysctls: readonly { readonly path: readonly string[]; readonly value: string }[];
  readonly mssClamps: readonly MssClamp[];
}
