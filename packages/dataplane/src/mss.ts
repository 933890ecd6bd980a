/** How large a TCP segment fits through a tunnel: the one place that knows. */
import type { Resource } from '@routerd/resources';

type UnderlayType = Extract<Resource, { kind: 'OverlayPeer' }>['spec']['underlay']['type'];

/** Bytes that each underlay adds to a packet. */
const OVERHEAD: Readonly<Record<UnderlayType, number>> = {
  wireguard: 80,
  tailscale: 80,
  ipsec: 74,
  route: 0,
  ipip: 20,
  gre: 24,
};
/** MTU of a device that no resource describes. */
const DEFAULT_MTU: Readonly<Record<UnderlayType, number>> = {
  wireguard: 1420,
  tailscale: 1280,
  ipsec: 1500,
  route: 1500,
  ipip: 1480,
  gre: 1476,
};
export const DEFAULT_INTERFACE_MTU = 1500;
/** A GRE header with a key is four bytes longer (RFC 2890, section 2.1). */
const GRE_KEY_BYTES = 4;
/** Every IPv6 link carries packets of this size (RFC 8200, section 5), and much of the Internet's software relies on it. */
const ESTIMATED_MTU_MIN = 1280;
/** IPv4 header and TCP header, each without options. */
const IPV4_TCP_HEADERS = 40;
/** Every IPv4 host accepts segments of this size (RFC 9293, section 3.7.1): smaller clamps help nobody. */
const MSS_MIN = 536;

/** What is known of a path through a tunnel, in bytes. */
export interface PathMtu {
  /** MTU of the tunnel's device as its resource says; undefined when no resource describes it. */
  readonly underlayMtu: number | undefined;
  readonly tunnelOverhead: number;
  /** `underlayMtu − tunnelOverhead`; undefined with it. */
  readonly estimatedMtu: number | undefined;
  /** Why the estimate is a problem; undefined when it is none. */
  readonly warning: string | undefined;
}

/** @param hasKey of a GRE tunnel */
export function pathMtuOf(type: UnderlayType, deviceMtu: number | undefined, hasKey = false): PathMtu {
  const tunnelOverhead = OVERHEAD[type] + (type === 'gre' && hasKey ? GRE_KEY_BYTES : 0);
  const estimatedMtu = deviceMtu === undefined ? undefined : deviceMtu - tunnelOverhead;
  return {
    underlayMtu: deviceMtu,
    tunnelOverhead,
    estimatedMtu,
    warning:
      estimatedMtu !== undefined && estimatedMtu < ESTIMATED_MTU_MIN
        ? `packets of at most ${estimatedMtu} bytes pass the tunnel for certain, fewer than the ${ESTIMATED_MTU_MIN} that much software relies on`
        : undefined,
  };
}

/**
 * Bytes of an inner packet that pass the tunnel for certain: `MTU of the device − overhead of the underlay`.
 *
 * Conservative on purpose. The MTU of a WireGuard device already leaves room for its overhead, and it is taken off once more: a WAN
 * path that is up to 80 bytes smaller than the device believes (PPPoE, a cloud's own encapsulation; WireGuard's outer packets carry DF)
 * then still carries full segments. The price is 6 % more packets of bulk traffic; the alternative that lost is `rt mtu`, which trusts the device.
 */
export function estimateTunnelMtu(type: UnderlayType, deviceMtu: number | undefined, hasKey = false): number {
  const mtu = deviceMtu ?? DEFAULT_MTU[type];
  return mtu - pathMtuOf(type, mtu, hasKey).tunnelOverhead;
}

/** `estimate − 40`, never under 536. With WireGuard's usual 1420: 1340 − 40 = 1300. */
export function mssFor(tunnelMtu: number): number {
  return Math.max(MSS_MIN, tunnelMtu - IPV4_TCP_HEADERS);
}
