/** Whether the firewall that is wanted lets management in by an interface. Pure. */
import { ofKind, prefixContains, type HostAddress, type Resource, type ResourceOf } from '@routerd/resources';
import type { SshSession } from './ssh-session.ts';

type Rule = ResourceOf<'FirewallRule'>;
type Zone = ResourceOf<'FirewallZone'>;

/**
 * From an untrusted zone nothing reaches the router itself, but what a rule accepts; and a rule may drop all that comes from a zone.
 * @param session the one that comes by `link`, if one does: whether it could come again
 * @returns why it is cut off, as a full sentence
 */
export function zoneLockout(
  resources: readonly Resource[],
  link: string,
  session: SshSession | undefined,
): readonly string[] {
  const zone = ofKind(resources, 'FirewallZone').find(({ spec }) => spec.interfaces.includes(link));
  if (zone === undefined) return [];
  // A rule without toZone is about what is forwarded.
  const rules = ofKind(resources, 'FirewallRule')
    .filter(({ spec }) => (spec.fromZone ?? zone.metadata.name) === zone.metadata.name && spec.toZone === 'self')
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const cause = session === undefined ? whyNothingPasses(zone, rules) : whySessionIsDropped(zone, rules, session);
  const who = `${link}, ${session === undefined ? 'which management goes by' : 'which this session comes by'}, may not reach the router.`;
  return cause === undefined ? [] : [`${cause}: ${who}`];
}

/** Nobody knows how management comes: only where nothing at all is let in it is certainly cut off. */
function whyNothingPasses(zone: Zone, rules: readonly Rule[]): string | undefined {
  if (rules.some(({ spec }) => spec.action === 'accept')) return undefined;
  const dropsAll = rules.find(({ spec }) => spec.protocol === undefined && isUnlimited(spec) && isFromAll(spec));
  return dropsAll === undefined ? byRole(zone) : `FirewallRule/${dropsAll.metadata.name} drops everything`;
}

/** The first rule that its packets match decides, in the order of names as in the table. */
function whySessionIsDropped(zone: Zone, rules: readonly Rule[], session: SshSession): string | undefined {
  const first = rules.find(
    ({ spec }) =>
      (spec.protocol === undefined || spec.protocol === 'tcp') &&
      isAmong(spec, session.port) &&
      (isFromAll(spec) || (session.family === 'ipv4' && isBetween(spec, session))) &&
      (spec.action === 'accept' || isUnlimited(spec)),
  );
  if (first === undefined) return byRole(zone);
  return first.spec.action === 'accept' ? undefined : `FirewallRule/${first.metadata.name} drops it`;
}

function byRole({ metadata, spec }: Zone): string | undefined {
  return spec.role === 'untrust' ? `FirewallZone/${metadata.name} is untrusted` : undefined;
}

function isUnlimited({ rateLimit, connLimit }: Rule['spec']): boolean {
  return rateLimit === undefined && (connLimit?.maxPerSource ?? 0) === 0;
}

/** Prefixes are of IPv4: with one of them nothing of IPv6 matches. */
function isFromAll({ srcCIDRs, destinationCIDRs }: Rule['spec']): boolean {
  return srcCIDRs.length === 0 && destinationCIDRs.length === 0;
}

function isBetween(
  { srcCIDRs, destinationCIDRs }: Rule['spec'],
  { client, local }: { readonly client: HostAddress; readonly local: HostAddress },
): boolean {
  return (
    (srcCIDRs.length === 0 || srcCIDRs.some((prefix) => prefixContains(prefix, client))) &&
    (destinationCIDRs.length === 0 || destinationCIDRs.some((prefix) => prefixContains(prefix, local)))
  );
}

function isAmong({ port, destinationPorts }: Rule['spec'], sessionPort: number): boolean {
  const ports = destinationPorts ?? (port === undefined ? [] : [port]);
  return ports.length === 0 || ports.includes(sessionPort);
}
