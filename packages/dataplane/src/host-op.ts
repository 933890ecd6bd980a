/** Changes to a host as data: what `plan` prints and `apply` performs. */
import type { HostAddress } from '@routerd/resources';
import type { HostRoute, MssClamp, ProxyNeighbor, WireGuardDevice } from './host-state.ts';

export type HostOp =
  | { readonly verb: 'wireguard-create'; readonly device: WireGuardDevice }
  | { readonly verb: 'wireguard-configure'; readonly device: WireGuardDevice }
  | { readonly verb: 'wireguard-remove'; readonly name: string }
  | { readonly verb: 'address-add'; readonly interface: string; readonly address: string }
  | {
      readonly verb: 'address-remove';
      readonly interface: string;
      readonly address: string;
      readonly because: 'captured' | 'surplus';
    }
  | { readonly verb: 'route-replace'; readonly route: HostRoute }
  | { readonly verb: 'route-remove'; readonly route: HostRoute }
  | { readonly verb: 'sysctl-set'; readonly path: readonly string[]; readonly value: string; readonly prior: string }
  | { readonly verb: 'sysctl-restore'; readonly path: readonly string[]; readonly value: string }
  | { readonly verb: 'mss-replace'; readonly clamps: readonly MssClamp[] }
  | { readonly verb: 'mss-remove' }
  | { readonly verb: 'proxy-neighbor-add'; readonly neighbor: ProxyNeighbor }
  | { readonly verb: 'proxy-neighbor-remove'; readonly neighbor: ProxyNeighbor }
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

export interface ObservedHost {
  readonly links: readonly ObservedLink[];
  readonly addresses: readonly { readonly interface: string; readonly address: string }[];
  /** Only routes with our protocol number. */
  readonly routes: readonly HostRoute[];
  readonly proxyNeighbors: readonly { readonly address: HostAddress; readonly interface: string }[];
  readonly wireGuard: readonly {
    readonly name: string;
    readonly publicKey: string;
    readonly listenPort: number;
    readonly peers: readonly ObservedWireGuardPeer[];
  }[];
  /** By path joined with `/`; only keys that `lower` may name. */
  readonly sysctls: ReadonlyMap<string, string>;
  /** The clamps in table `inet routerd_mss`; undefined when the table does not exist. */
  readonly mssClamps: readonly MssClamp[] | undefined;
}
