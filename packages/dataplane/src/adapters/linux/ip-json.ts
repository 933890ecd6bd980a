/** Reads what `ip -j` prints, iproute2 6.1. */
import {
  addressRange,
  hostAddressOf,
  parseHostAddress,
  parseIpv4,
  parseIpv4Prefix,
  type HostAddress,
  type Ipv4,
  type Ipv4Prefix,
} from '@routerd/resources';
import { z } from 'zod';
import type { ObservedHost, ObservedLink, ObservedProxyNeighbor, ObservedTunnel } from '../../host-op.ts';
import { ROUTE_PROTOCOL, type HostRoute } from '../../host-state.ts';

const linksShown = z.array(
  z.object({
    ifname: z.string().optional(),
    flags: z.array(z.string()).default([]),
    mtu: z.number().default(0),
    link_type: z.string().optional(),
    address: z.string().optional(),
    addr_info: z
      .array(
        z.object({ family: z.string().optional(), local: z.string().optional(), prefixlen: z.number().optional() }),
      )
      .default([]),
  }),
);

const routesShown = z.array(
  z.object({
    type: z.string().optional(),
    dst: z.string(),
    gateway: z.string().optional(),
    dev: z.string().optional(),
    prefsrc: z.string().optional(),
    metric: z.number().default(0),
    protocol: z.string().optional(),
  }),
);

const neighborsShown = z.array(
  z.object({ dst: z.string().optional(), dev: z.string().optional(), protocol: z.string().optional() }),
);

export interface LinksAndAddresses extends Pick<ObservedHost, 'links' | 'addresses'> {
  /** There are links of a type that tunnels of ours have: it takes another look to know which. */
  readonly hasTunnels: boolean;
}

/** Names of ARPHRD_TUNNEL and ARPHRD_IPGRE, as `ip` prints them. */
const TUNNEL_TYPES: readonly (string | undefined)[] = ['ipip', 'gre'];

/** `ip -j addr show` */
export function parseAddresses(json: unknown): LinksAndAddresses {
  const links: ObservedLink[] = [];
  let hasTunnels = false;
  const addresses: { interface: string; address: string }[] = [];
  for (const link of linksShown.parse(json)) {
    const name = link.ifname;
    if (name === undefined) continue; // `ip` prints an empty object for what it filtered out
    if (TUNNEL_TYPES.includes(link.link_type)) hasTunnels = true;
    const mac = link.link_type === 'ether' ? link.address : undefined;
    links.push({ name, up: link.flags.includes('UP'), mtu: link.mtu, mac });
    for (const { family, local, prefixlen } of link.addr_info)
      if (family === 'inet' && local !== undefined && prefixlen !== undefined)
        addresses.push({ interface: name, address: `${local}/${prefixlen}` });
  }
  return { links, addresses, hasTunnels };
}

export interface ShownRoute extends HostRoute {
  /** As `ip` prints it; undefined where the listing was filtered by it. */
  readonly protocol: string | undefined;
}

const detailsShown = z.array(
  z.object({
    ifname: z.string().optional(),
    linkinfo: z
      .object({
        info_kind: z.string().optional(),
        info_data: z
          .object({
            local: z.string().optional(),
            remote: z.string().optional(),
            ttl: z.union([z.number(), z.string()]).optional(),
            okey: z.string().optional(),
          })
          .optional(),
      })
      .optional(),
  }),
);

/** Tunnels of the modes that we make, with two ends, from `ip -j -d link show`; the kernel's own `tunl0` and `gre0` have none. */
export function parseTunnels(json: unknown): readonly ObservedTunnel[] {
  return detailsShown.parse(json).flatMap(({ ifname, linkinfo }) => {
    const [mode, data] = [linkinfo?.info_kind, linkinfo?.info_data];
    const [local, remote] = [ipv4Of(data?.local), ipv4Of(data?.remote)];
    if (ifname === undefined || (mode !== 'ipip' && mode !== 'gre') || local === undefined || remote === undefined)
      return [];
    // 0 and `inherit` are one: the time to live of the inner packet.
    const ttl = typeof data?.ttl === 'number' ? data.ttl : 0;
    // `ip` writes a key as if it were an address: 5 is `0.0.0.5`.
    const key = ipv4Of(data?.okey);
    return [{ name: ifname, mode, local, remote, ttl, key: key && addressRange(key).first }];
  });
}

/** `ip -j -4 route show …`; routes of kinds that this program never makes (multipath, unreachable) are left out. */
export function parseRoutes(json: unknown): readonly ShownRoute[] {
  return routesShown.parse(json).flatMap((route) => {
    const destination = destinationOf(route.dst);
    const type = route.type ?? 'unicast';
    if (destination === undefined || !['unicast', 'blackhole'].includes(type)) return [];
    return [
      {
        destination,
        device: route.dev,
        gateway: ipv4Of(route.gateway),
        preferredSource: ipv4Of(route.prefsrc),
        metric: route.metric,
        blackhole: type === 'blackhole',
        protocol: route.protocol,
      },
    ];
  });
}

/** `ip -j neigh show proxy` */
export function parseProxyNeighbors(json: unknown): readonly ObservedProxyNeighbor[] {
  return neighborsShown.parse(json).flatMap(({ dst, dev, protocol }) => {
    const address = ipv4Of(dst);
    if (address === undefined || dev === undefined) return [];
    return [{ address: hostAddressOf(address), interface: dev, ours: protocol === `${ROUTE_PROTOCOL}` }];
  });
}

/** `ip` writes `default`, and a host without its `/32`. */
export function destinationOf(text: string): Ipv4Prefix | HostAddress | undefined {
  const full = text === 'default' ? '0.0.0.0/0' : text.includes('/') ? text : `${text}/32`;
  const host = parseHostAddress(full);
  if (host.ok) return host.value;
  const prefix = parseIpv4Prefix(full);
  return prefix.ok ? prefix.value : undefined;
}

function ipv4Of(text: string | undefined): Ipv4 | undefined {
  const parsed = text === undefined ? undefined : parseIpv4(text);
  return parsed?.ok === true ? parsed.value : undefined;
}
