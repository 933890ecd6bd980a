/** Which changes would cut the people off who manage this host. Pure; the daemon withholds them, `apply --once` asks first. */
import type { HostOp, ObservedHost, Withhold, WithheldOp } from '@routerd/dataplane';
import {
  networkOf,
  ofKind,
  parseInterfaceAddress,
  parseIpv4Prefix,
  prefixContains,
  unreachable,
  type HostAddress,
  type Ipv4Prefix,
  type ReconcileSettings,
  type Resource,
} from '@routerd/resources';
import { zoneLockout } from './management-zones.ts';
import type { SshSession } from './ssh-session.ts';

export interface ManagementAccess {
  /** Interfaces of FirewallZones of role mgmt, and those that a Router protects. */
  readonly interfaces: ReadonlySet<string>;
  /** Of those the protected ones, whatever their zone. */
  readonly protectedInterfaces: ReadonlySet<string>;
  /** The SSH session that asks for the change; undefined at a console, and for the daemon. */
  readonly session: SshSession | undefined;
}

/** What an operator does who wants it all the same. */
export const WITHHELD_REMEDY =
  'Change the configuration, or stop the daemon and run `routerd apply --once --allow-mgmt-lockout`.';

/** What a lockout is judged by. */
type Before = Pick<ObservedHost, 'addresses' | 'links' | 'wireGuard'>;

/** @param reconcile what a Router says, where there is one */
export function managementAccess(
  resources: readonly Resource[],
  reconcile: ReconcileSettings | undefined,
  session: SshSession | undefined,
): ManagementAccess {
  const kept = protectedInterfaces(resources, reconcile);
  return { interfaces: new Set([...managementInterfaces(resources), ...kept]), protectedInterfaces: kept, session };
}

function managementInterfaces(resources: readonly Resource[]): ReadonlySet<string> {
  const zones = ofKind(resources, 'FirewallZone').filter(({ spec }) => spec.role === 'mgmt');
  return new Set(zones.flatMap(({ spec }) => spec.interfaces));
}

/** What `spec.reconcile` protects, by itself or as part of a zone. */
function protectedInterfaces(
  resources: readonly Resource[],
  reconcile: ReconcileSettings | undefined,
): ReadonlySet<string> {
  const zones = new Set(reconcile?.protectedZones);
  return new Set([
    ...(reconcile?.protectedInterfaces ?? []),
    ...ofKind(resources, 'FirewallZone').flatMap(({ metadata, spec }) =>
      zones.has(metadata.name) ? spec.interfaces : [],
    ),
  ]);
}

/**
 * For the daemon: what is withheld, and why.
 * @returns undefined where there is nothing to protect, so that nothing is asked
 */
export function withholding(
  resources: readonly Resource[],
  reconcile: ReconcileSettings | undefined,
): Withhold | undefined {
  const access = managementAccess(resources, reconcile, undefined);
  if (access.interfaces.size === 0) return undefined;
  return (ops, before) => withheldOps(ops, before, access, resources, reconcile?.mode ?? 'progressive');
}

/**
 * In mode `strict` no interface is left half changed: with an op that is withheld goes every op that sets up the same interface. What
 * keeps the host from answering for others (a proxy neighbour, a captured address that leaves) is never held back with it.
 */
export function withheldOps(
  ops: readonly HostOp[],
  before: Before,
  access: ManagementAccess,
  resources: readonly Resource[],
  mode: ReconcileSettings['mode'],
): readonly WithheldOp[] {
  const cuts = ops.flatMap((op) => lockout(op, before, access, resources).map((reason) => ({ op, reason })));
  if (cuts.length === 0 || mode === 'progressive') return cuts;
  const cut = new Set(cuts.map(({ op }) => op));
  const halved = new Map(cuts.flatMap(({ op, reason }) => (placeOf(op) === undefined ? [] : [[placeOf(op), reason]])));
  return ops.flatMap((op) => {
    if (cut.has(op)) return cuts.filter((entry) => entry.op === op).slice(0, 1);
    const place = placeOf(op);
    if (place === undefined || !halved.has(place)) return [];
    return [{ op, reason: `It belongs to ${place}, which would be half changed: ${halved.get(place) ?? ''}` }];
  });
}

/** The interface that an op sets up; undefined for what only leads by one, or answers on it. */
function placeOf(op: HostOp): string | undefined {
  switch (op.verb) {
    case 'address-add':
      return op.interface;
    case 'address-remove':
      return op.because === 'surplus' ? op.interface : undefined;
    case 'wireguard-create':
    case 'wireguard-configure':
      return op.device.name;
    case 'tunnel-create':
    case 'tunnel-change':
      return op.tunnel.name;
    case 'wireguard-remove':
    case 'tunnel-remove':
      return op.name;
    case 'link-set':
    case 'link-restore':
      return op.setting.name;
    case 'announce':
    case 'mss-remove':
    case 'mss-replace':
    case 'proxy-neighbor-add':
    case 'proxy-neighbor-remove':
    case 'route-add':
    case 'route-remove':
    case 'route-replace':
    case 'sysctl-file-remove':
    case 'sysctl-file-write':
    case 'sysctl-restore':
    case 'sysctl-set':
    case 'table-remove':
    case 'table-replace':
      return undefined;
    default:
      return unreachable(op);
  }
}

/** @returns why each op that cuts management access does, as full sentences */
export function lockouts(
  ops: readonly HostOp[],
  before: Before,
  access: ManagementAccess,
  resources: readonly Resource[],
): readonly string[] {
  return ops.flatMap((op) => lockout(op, before, access, resources));
}

function lockout(
  op: HostOp,
  before: Before,
  access: ManagementAccess,
  resources: readonly Resource[],
): readonly string[] {
  const { session } = access;
  const link = linkOf(session, before);
  const isManaged = (name: string): boolean => name === link || access.interfaces.has(name);
  const goesBy = (name: string, what: string): readonly string[] =>
    isManaged(name) ? [`${what}, which management goes by.`] : [];
  switch (op.verb) {
    case 'address-remove':
      return addressLockout(op, before, access);
    case 'address-add':
      return newAddressLockout(op, session, link);
    case 'wireguard-remove':
    case 'tunnel-remove':
      return goesBy(op.name, `${op.name} goes`);
    case 'tunnel-change':
      return goesBy(op.tunnel.name, `The ends of ${op.tunnel.name} change`);
    case 'wireguard-configure':
      if (!isManaged(op.device.name)) return [];
      return [...peerLockout(op, before), ...mtuLockout(op.device.name, op.device.mtu, before)];
    case 'link-set':
    case 'link-restore': {
      const { name, property, value } = op.setting;
      if (property === 'mtu') return isManaged(name) ? mtuLockout(name, Number(value), before) : [];
      return value === 'down' ? goesBy(name, `${name} goes down`) : [];
    }
    case 'sysctl-set':
      return settingLockout(op, (name) =>
        name === 'all' ? link !== undefined || access.interfaces.size > 0 : isManaged(name),
      );
    case 'table-replace':
      if (op.table.name !== 'routerd_filter') return [];
      return [...new Set([...(link === undefined ? [] : [link]), ...access.interfaces])].flatMap((name) =>
        zoneLockout(resources, name, name === link ? session : undefined),
      );
    case 'route-add':
    case 'route-replace':
    case 'route-remove':
      return routeLockout(op, before, access, link);
    // These add a way, take a limit away, put back what was there, or are for the next start.
    case 'announce':
    case 'mss-remove':
    case 'mss-replace':
    case 'proxy-neighbor-add':
    case 'proxy-neighbor-remove':
    case 'sysctl-file-remove':
    case 'sysctl-file-write':
    case 'sysctl-restore':
    case 'table-remove':
    case 'tunnel-create':
    case 'wireguard-create':
      return [];
    default:
      return unreachable(op);
  }
}

/** The interface that the session comes by. */
function linkOf(session: SshSession | undefined, { addresses }: Before): string | undefined {
  if (session?.family === 'ipv6') return session.interface;
  return addresses.find(({ address }) => isLocal(address, session))?.interface;
}

/** RFC 8200, section 5. */
const IPV6_MTU_MIN = 1280;

/** The kernel takes IPv6 off an interface whose MTU is too small for it (addrconf_notify in net/ipv6/addrconf.c). */
function mtuLockout(name: string, mtu: number, { links }: Before): readonly string[] {
  const prior = links.find((link) => link.name === name)?.mtu ?? 0;
  if (prior < IPV6_MTU_MIN || mtu >= IPV6_MTU_MIN) return [];
  return [
    `With an MTU of ${mtu}, less than ${IPV6_MTU_MIN}, ${name} loses its IPv6 addresses, which management may go by.`,
  ];
}

/** The network of an address is reached by its interface, from the moment that it has it. */
function newAddressLockout(
  { address, interface: name }: Extract<HostOp, { readonly verb: 'address-add' }>,
  session: SshSession | undefined,
  link: string | undefined,
): readonly string[] {
  const own = parseInterfaceAddress(address);
  if (session?.family !== 'ipv4' || name === link || !own.ok) return [];
  if (!prefixContains(networkOf(own.value), session.client)) return [];
  return [`${address} on ${name} would lead answers to ${quadOf(session.client)} away from ${link ?? 'their way'}.`];
}

/** A captured address is on no interface by right: taking it off cuts nobody, unless somebody is connected to it or nothing else is there. */
function addressLockout(
  op: Extract<HostOp, { readonly verb: 'address-remove' }>,
  before: Before,
  { interfaces, session }: ManagementAccess,
): readonly string[] {
  const isLast = before.addresses.filter((entry) => entry.interface === op.interface).length === 1;
  const isKept = interfaces.has(op.interface) && (op.because === 'surplus' || isLast);
  return isKept || isLocal(op.address, session)
    ? [`${op.address} leaves ${op.interface}, which management goes by.`]
    : [];
}

/** Peers that are there and not wanted any more, and those of which a prefix goes. */
function peerLockout(
  { device }: Extract<HostOp, { readonly verb: 'wireguard-configure' }>,
  { wireGuard }: Before,
): readonly string[] {
  const peers = wireGuard.find(({ name }) => name === device.name)?.peers ?? [];
  const wanted = new Map(device.peers.map(({ publicKey, allowedIPs }) => [publicKey, new Set<string>(allowedIPs)]));
  return peers.flatMap(({ publicKey, allowedIPs }) => {
    const kept = wanted.get(publicKey);
    if (kept === undefined) return [`${device.name} loses a peer, and management goes by it.`];
    const gone = allowedIPs.filter((prefix) => !kept.has(prefix));
    return gone.length === 0 ? [] : [`${device.name} loses ${gone.join(', ')} of a peer, and management goes by it.`];
  });
}

/** Settings with which a host hears or answers less than before, by their name, and from which value on. */
const DEAFENING: readonly (readonly [
  family: string,
  name: string,
  isDeafer: (value: number) => boolean,
  what: string,
])[] = [
  ['ipv4', 'rp_filter', (value) => value === 1, 'drops packets whose answer would go another way'],
  ['ipv4', 'arp_ignore', (value) => value >= 3, 'does not answer ARP for its addresses'],
  ['ipv6', 'disable_ipv6', (value) => value === 1, 'loses its IPv6 addresses'],
  // addrconf_fixup_forwarding and rt6_purge_dflt_routers: what was learned is forgotten at once.
  ['ipv6', 'forwarding', (value) => value >= 1, 'forgets gateways that IPv6 routers announce, unless accept_ra is 2'],
  ['ipv6', 'accept_ra', (value) => value <= 0, 'no longer learns IPv6 gateways and addresses that routers announce'],
];

/** What was set before we came is not ours to judge: a restore is never withheld. */
function settingLockout(
  { path, value, prior }: Extract<HostOp, { readonly verb: 'sysctl-set' }>,
  isManaged: (name: string) => boolean,
): readonly string[] {
  const [, family, group, name = '', key] = path;
  if (group !== 'conf' || !isManaged(name)) return [];
  return DEAFENING.flatMap(([of, setting, isDeafer, what]) =>
    of === family && setting === key && isDeafer(Number(value)) && !isDeafer(Number(prior))
      ? [`With ${path.join('.')}=${value} ${name === 'all' ? 'every interface' : name} ${what}.`]
      : [],
  );
}

function routeLockout(
  op: Extract<HostOp, { readonly route: unknown }>,
  before: Before,
  { protectedInterfaces: kept, session }: ManagementAccess,
  link: string | undefined,
): readonly string[] {
  const { destination, device, blackhole } = op.route;
  if (op.verb === 'route-remove') {
    if (kept.has(device ?? '')) return [`${destination} leads by ${device ?? ''}, which is protected.`];
    if (session?.family !== 'ipv4' || !leadsTo(destination, session.client)) return [];
    return [`${destination} leads to ${quadOf(session.client)}, which this session comes from.`];
  }
  const stolen = before.addresses.find(
    (entry) => kept.has(entry.interface) && entry.interface !== device && isPartOf(destination, entry.address),
  );
  if (stolen !== undefined)
    return [`${destination} would lead part of the network of ${stolen.interface}, which is protected, elsewhere.`];
  if (session?.family !== 'ipv4' || !leadsTo(destination, session.client)) return [];
  if (device === link && !blackhole) return [];
  return [`${destination} would lead answers to ${quadOf(session.client)} away from ${link ?? 'their way'}.`];
}

/** Several addresses of the network that is reached without a gateway; single ones are captured on purpose. */
function isPartOf(destination: Ipv4Prefix | HostAddress, address: string): boolean {
  const own = parseInterfaceAddress(address);
  return !destination.endsWith('/32') && own.ok && prefixContains(networkOf(own.value), destination);
}

function isLocal(address: string, session: SshSession | undefined): boolean {
  return session?.family === 'ipv4' && quadOf(address) === quadOf(session.local);
}

function leadsTo(destination: string, client: HostAddress): boolean {
  const prefix = parseIpv4Prefix(destination);
  return prefix.ok && prefixContains(prefix.value, client);
}

function quadOf(address: string): string {
  return address.split('/')[0] ?? '';
}
