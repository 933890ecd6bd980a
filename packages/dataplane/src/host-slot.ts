/** Names of places in a kernel that hold one object each, and canonical text of what is in them. Diff, events and ledger compare by these. */
import { textDigest } from './text-digest.ts';
import { compareText } from './text-order.ts';
import type { HostRoute, LinkSetting, MssClamp, NftTable, SysctlState, WireGuardDevice } from './host-state.ts';
import type { ObservedLink, ObservedTunnel, ObservedWireGuard } from './host-op.ts';

/** The main table has one route of ours for a destination and metric (fib_table_insert compares these, and the type of service). */
export function slotOfRoute({ destination, metric }: Pick<HostRoute, 'destination' | 'metric'>): string {
  return `route:${destination} metric ${metric}`;
}

export function slotOfAddress(interfaceName: string, address: string): string {
  return `address:${interfaceName}/${address}`;
}

export function slotOfProxyNeighbor(neighbor: { readonly interface: string; readonly address: string }): string {
  return `proxy-neighbor:${neighbor.interface}/${neighbor.address}`;
}

export function slotOfSysctl(path: readonly string[]): string {
  return `sysctl:${path.join('/')}`;
}

export function slotOfSysctlFile(name: string): string {
  return `sysctl-file:${name}`;
}

export function slotOfTable({ family, name }: Pick<NftTable, 'family' | 'name'>): string {
  return `table:${family}/${name}`;
}

/** What tells two tables of one name apart. */
export function digestOfTable({ lines }: Pick<NftTable, 'lines'>): string {
  return textDigest(lines.join('\n'));
}

/** True if a reading of the setting needs no change. The kernel separates several numbers by tabs. */
export function isAcceptedValue({ value, accepts }: SysctlState, observed: string): boolean {
  const { compare, value: wanted } = accepts ?? { compare: 'exact', value };
  const shown = observed.trim().replaceAll(/\s+/g, ' ');
  if (compare === 'atLeast') return Number(shown) >= Number(wanted);
  return shown === wanted.trim().replaceAll(/\s+/g, ' ');
}

export function slotOfWireGuard(name: string): string {
  return `wireguard:${name}`;
}

export function slotOfTunnel(name: string): string {
  return `tunnel:${name}`;
}

/** Everything of a tunnel but the MTU of its link. */
export function textOfTunnel({ mode, local, remote, ttl, key }: ObservedTunnel): string {
  return `${mode} ${local} ${remote} ttl ${ttl}${key === undefined ? '' : ` key ${key}`}`;
}

export function slotOfLink({ name, property }: Pick<LinkSetting, 'name' | 'property'>): string {
  return `link-${property}:${name}`;
}

/** What a link shows, as a setting of it is written. */
export function linkSettingOf({ up, mtu }: ObservedLink, property: LinkSetting['property']): string {
  if (property === 'mtu') return `${mtu}`;
  return up ? 'up' : 'down';
}

/** What makes a route differ from another in its slot, in the words of `ip route`. */
export function textOfRoute(route: HostRoute): string {
  if (route.blackhole) return 'blackhole';
  return [
    ...(route.gateway === undefined ? [] : ['via', route.gateway]),
    ...(route.device === undefined ? [] : ['dev', route.device]),
    ...(route.preferredSource === undefined ? [] : ['src', route.preferredSource]),
  ].join(' ');
}

/** True if the observed route is what the desired one asks for: a gateway alone leaves the device to the kernel. */
export function isSameRoute(desired: HostRoute, observed: HostRoute): boolean {
  if (desired.blackhole || observed.blackhole) return desired.blackhole && observed.blackhole;
  const device = desired.device ?? (desired.gateway === undefined ? undefined : observed.device);
  return (
    device === observed.device &&
    desired.gateway === observed.gateway &&
    desired.preferredSource === observed.preferredSource
  );
}

export function textOfClamps(clamps: readonly MssClamp[]): string {
  return clamps
    .map(({ captureInterface, tunnelInterface, mss }) => `${captureInterface} ${tunnelInterface} ${mss}`)
    .toSorted(compareText)
    .join('\n');
}

/** Everything of a device that is ours to set, but for the endpoints, which WireGuard learns. */
export function textOfWireGuard(device: WireGuardDevice | ObservedWireGuard): string {
  const peers = device.peers.map(
    ({ publicKey, allowedIPs, persistentKeepalive }) =>
      `${publicKey} ${allowedIPs.toSorted(compareText).join(',')} ${persistentKeepalive}`,
  );
  return [`${device.listenPort}`, ...peers.toSorted(compareText)].join('\n');
}
