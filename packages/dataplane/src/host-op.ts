/** Changes to a host as data: what `plan` prints and `apply` performs. */
import type { HostAddress } from '@routerd/resources';
import type {
  HostRoute,
  LinkSetting,
  MssClamp,
  NftTable,
  ProxyNeighbor,
  SysctlFileState,
  TunnelState,
  WireGuardDevice,
} from './host-state.ts';

export type HostOp =
  | { readonly verb: 'wireguard-create'; readonly device: WireGuardDevice }
  /** Peers that exist keep the endpoint that they have, except those named in `endpointsOf` (public keys). */
  | { readonly verb: 'wireguard-configure'; readonly device: WireGuardDevice; readonly endpointsOf: readonly string[] }
  | { readonly verb: 'wireguard-remove'; readonly name: string }
  /** Refused where a link of that name is no tunnel of that mode. */
  | { readonly verb: 'tunnel-create'; readonly tunnel: TunnelState }
  | { readonly verb: 'tunnel-change'; readonly tunnel: TunnelState }
  | { readonly verb: 'tunnel-remove'; readonly name: string }
  | { readonly verb: 'link-set'; readonly setting: LinkSetting; readonly prior: string }
  | { readonly verb: 'link-restore'; readonly setting: LinkSetting }
  | { readonly verb: 'address-add'; readonly interface: string; readonly address: string }
  | {
      readonly verb: 'address-remove';
      readonly interface: string;
      readonly address: string;
      readonly because: 'captured' | 'surplus';
    }
  /** Refused where a route that is not ours has the same destination and metric. */
  | { readonly verb: 'route-add'; readonly route: HostRoute }
  /** Atomic change of a route of ours: no packet sees a moment without one. */
  | { readonly verb: 'route-replace'; readonly route: HostRoute }
  | { readonly verb: 'route-remove'; readonly route: HostRoute }
  | { readonly verb: 'sysctl-set'; readonly path: readonly string[]; readonly value: string; readonly prior: string }
  | { readonly verb: 'sysctl-restore'; readonly path: readonly string[]; readonly value: string }
  /** Refused where a file of that name does not carry our mark. */
  | { readonly verb: 'sysctl-file-write'; readonly file: SysctlFileState }
  | { readonly verb: 'sysctl-file-remove'; readonly name: string }
  /** One transaction: no packet meets half a table. Refused where a table of that name is not ours. */
  | { readonly verb: 'table-replace'; readonly table: NftTable }
  | { readonly verb: 'table-remove'; readonly family: NftTable['family']; readonly name: NftTable['name'] }
  | { readonly verb: 'mss-replace'; readonly clamps: readonly MssClamp[] }
  | { readonly verb: 'mss-remove' }
  | { readonly verb: 'proxy-neighbor-add'; readonly neighbor: ProxyNeighbor }
  | { readonly verb: 'proxy-neighbor-remove'; readonly neighbor: ProxyNeighbor }
  /** Starts announcing and does not wait for it; its residual means that it could not be started. */
  | { readonly verb: 'announce'; readonly interface: string; readonly address: HostAddress };

export interface ObservedLink {
  readonly name: string;
  readonly up: boolean;
  readonly mtu: number;
  readonly mac: string | undefined;
}

export interface ObservedWireGuardPeer {
  readonly publicKey: string;
  readonly allowedIPs: readonly string[];
  readonly endpoint: string | undefined;
  readonly persistentKeepalive: number;
  /** Seconds since 1970; 0 when there was none. */
  readonly latestHandshake: number;
}

export interface ObservedWireGuard {
  readonly name: string;
  /** Undefined while the device has no private key: it was made and never configured. */
  readonly publicKey: string | undefined;
  readonly listenPort: number;
  readonly peers: readonly ObservedWireGuardPeer[];
}

/** A tunnel with two ends, ours or not; its MTU is that of its link. */
export type ObservedTunnel = Omit<TunnelState, 'mtu'>;

export interface ObservedProxyNeighbor {
  readonly address: HostAddress;
  readonly interface: string;
  /** Carries our protocol number. */
  readonly ours: boolean;
}

export interface ObservedTable {
  readonly family: NftTable['family'];
  readonly name: NftTable['name'];
  /** Of the table that was asked for, as `digestOfTable` writes it; undefined when somebody changed what is there. */
  readonly digest: string | undefined;
}

export interface ObservedHost {
  readonly links: readonly ObservedLink[];
  readonly addresses: readonly { readonly interface: string; readonly address: string }[];
  /** Only routes with our protocol number. */
  readonly routes: readonly HostRoute[];
  readonly proxyNeighbors: readonly ObservedProxyNeighbor[];
  readonly wireGuard: readonly ObservedWireGuard[];
  readonly tunnels: readonly ObservedTunnel[];
  /** By path joined with `/`; only keys that `lower` may name, of interfaces that exist. */
  readonly sysctls: ReadonlyMap<string, string>;
  /** The clamps in our table `inet routerd_mss`; undefined when the table does not exist. */
  readonly mssClamps: readonly MssClamp[] | undefined;
  /** Tables of ours for firewall and translation. */
  readonly tables: readonly ObservedTable[];
  /** Contents by name; only files with our mark. */
  readonly sysctlFiles: ReadonlyMap<string, string>;
}

/** What a host without any configuration shows. */
export const EMPTY_OBSERVED_HOST: ObservedHost = {
  links: [],
  addresses: [],
  routes: [],
  proxyNeighbors: [],
  wireGuard: [],
  tunnels: [],
  sysctls: new Map(),
  mssClamps: undefined,
  tables: [],
  sysctlFiles: new Map(),
};
