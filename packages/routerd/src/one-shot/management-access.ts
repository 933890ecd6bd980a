/** Which changes would cut the people off who make them. Pure. */
import type { HostOp, ObservedHost } from '@routerd/dataplane';
import {
  hostAddressOf,
  ofKind,
  parseIpv4,
  parseIpv4Prefix,
  prefixContains,
  type HostAddress,
  type Ipv4Prefix,
  type ReconcileSettings,
  type Resource,
} from '@routerd/resources';

export interface ManagementAccess {
  /** Interfaces of FirewallZones of role mgmt, and those that a Router protects. */
  readonly interfaces: ReadonlySet<string>;
  /** Of those the protected ones, whatever their zone. */
  readonly protectedInterfaces: ReadonlySet<string>;
  /** The SSH session that asks for the change; undefined at a console. */
  readonly session: SshSession | undefined;
}

export interface SshSession {
  readonly client: HostAddress;
  readonly local: HostAddress;
}

/** @param connection `$SSH_CONNECTION`: client address and port, own address and port. IPv6 is not ours to cut. */
export function sshSession(connection: string | undefined): SshSession | undefined {
  const [client, , local] = connection?.split(' ') ?? [];
  const [parsedClient, parsedLocal] = [parseIpv4(client ?? ''), parseIpv4(local ?? '')];
  if (!parsedClient.ok || !parsedLocal.ok) return undefined;
  return { client: hostAddressOf(parsedClient.value), local: hostAddressOf(parsedLocal.value) };
}

export function managementInterfaces(resources: readonly Resource[]): ReadonlySet<string> {
  const zones = ofKind(resources, 'FirewallZone').filter(({ spec }) => spec.role === 'mgmt');
  return new Set(zones.flatMap(({ spec }) => spec.interfaces));
}

/** @returns what `spec.reconcile` protects, by itself or as part of a zone */
export function protectedInterfaces(
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

/** @returns why each op that cuts management access does, as full sentences */
export function lockouts(
  ops: readonly HostOp[],
  before: Pick<ObservedHost, 'addresses'>,
  access: ManagementAccess,
  resources: readonly Resource[],
): readonly string[] {
  const { session } = access;
  const link = before.addresses.find(({ address }) => isLocal(address, session))?.interface;
  const isManaged = (name: string): boolean => name === link || access.interfaces.has(name);
  return ops.flatMap((op): readonly string[] => {
    if (op.verb === 'address-remove' && (isLocal(op.address, session) || access.interfaces.has(op.interface)))
      return [`${op.address} leaves ${op.interface}, which management goes by.`];
    if (op.verb === 'wireguard-remove' && isManaged(op.name)) return [`${op.name} goes, which management goes by.`];
    if (op.verb === 'route-remove' && access.protectedInterfaces.has(op.route.device ?? ''))
      return [`${op.route.destination} leads by ${op.route.device}, which is protected.`];
    if (op.verb === 'table-replace' && op.table.name === 'routerd_filter')
      return [...new Set([...(link === undefined ? [] : [link]), ...access.protectedInterfaces])].flatMap((name) =>
        zoneLockout(resources, name, name === link),
      );
    return session !== undefined && 'route' in op ? routeLockout(op, session.client, link) : [];
  });
}

function routeLockout(
  { verb, route }: Extract<HostOp, { readonly route: unknown }>,
  client: HostAddress,
  link: string | undefined,
): readonly string[] {
  const { destination, device, blackhole } = route;
  if (!leadsTo(destination, client)) return [];
  if (verb === 'route-remove') return [`${destination} leads to ${quadOf(client)}, which this session comes from.`];
  if (device === link && !blackhole) return [];
  return [`${destination} would lead answers to ${quadOf(client)} away from ${link ?? 'their way'}.`];
}

function isLocal(address: string, session: SshSession | undefined): boolean {
  return session !== undefined && quadOf(address) === quadOf(session.local);
}

/** From an untrusted zone nothing reaches the router itself, but what a rule accepts. */
function zoneLockout(resources: readonly Resource[], link: string, hasSession: boolean): readonly string[] {
  const zone = ofKind(resources, 'FirewallZone').find(({ spec }) => spec.interfaces.includes(link));
  if (zone?.spec.role !== 'untrust') return [];
  const accepted = ofKind(resources, 'FirewallRule').some(
    ({ spec }) => spec.fromZone === zone.metadata.name && spec.toZone === 'self' && spec.action === 'accept',
  );
  if (accepted) return [];
  return [
    `FirewallZone/${zone.metadata.name} is untrusted: ${link}, ${hasSession ? 'which this session comes by' : 'which is protected'}, may not reach the router.`,
  ];
}

function leadsTo(destination: Ipv4Prefix | HostAddress, client: HostAddress): boolean {
  const prefix = parseIpv4Prefix(destination);
  return prefix.ok && prefixContains(prefix.value, client);
}

function quadOf(address: string): string {
  return address.split('/')[0] ?? '';
}
