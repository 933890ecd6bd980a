/**
 * FirewallZones and FirewallRules → table `inet routerd_filter`.
 *
 * 1. What no zone names is none of our business: its packets pass, unless they come from a zone that may not reach it.
 * 2. Replies pass, and what is merely not understood as part of a connection is not dropped for that: after a hand-over the new router
 *    sees connections from their middle.
 * 3. Rules come before what the roles say, in the order of their names; mobile addresses are met as literal /32s, like any other.
 * 4. The ports of WireGuard tunnels that are declared here stay open, and IPv6 neighbours are found: a firewall must not cut off the
 *    router that it stands on.
 * 5. Overlay paths are measured inside their tunnels, and nowhere else.
 */
import { ofKind, prefixContains, type Ipv4Prefix, type Resource, type ResourceOf } from '@routerd/resources';
import type { NftTable } from '../host-state.ts';
import { byText, compareText } from '../text-order.ts';
import { PATH_PORT } from '../overlay/path-message.ts';
import type { LoweringProblem } from './claim-lowering.ts';
import type { OverlayPath } from './overlay-paths.ts';

type Zone = ResourceOf<'FirewallZone'>;
type Rule = ResourceOf<'FirewallRule'>;

export interface LoweredTables {
  readonly tables: readonly NftTable[];
  readonly problems: readonly LoweringProblem[];
}

/** Names this router in `toZone`. */
const SELF = 'self';
const CONNECTIONS_COUNTED_MAX = 65_535;

export function lowerFirewall(resources: readonly Resource[], paths: readonly OverlayPath[] = []): LoweredTables {
  const zones = ofKind(resources, 'FirewallZone').toSorted(byText(({ metadata }) => metadata.name));
  const rules = ofKind(resources, 'FirewallRule').toSorted(byText(({ metadata }) => metadata.name));
  if (zones.length === 0)
    return {
      tables: [],
      problems: rules.map((rule) => problem(rule, 'there is no FirewallZone, so nothing is filtered')),
    };
  const interfaces = interfacesByZone(zones);
  const lowered = rules.map((rule) => lowerRule(rule, interfaces));
  const of = (chain: 'input' | 'forward'): readonly string[] =>
    lowered.flatMap((rule) => (rule.ok && rule.chain === chain ? rule.lines : []));
  const roles = interfacesByRole(zones, interfaces);
  const lines = [
    ...lowered.flatMap((rule) => (rule.ok ? rule.sets : [])),
    'chain input {',
    '  type filter hook input priority filter; policy accept;',
    '  iifname "lo" accept',
    '  ct state established,related accept',
    '  icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert } accept',
    ...tunnelPorts(resources),
    ...pathPort(paths),
    ...of('input').map((line) => `  ${line}`),
    ...dropFrom(roles.untrust, 'FirewallZone role untrust'),
    '}',
    'chain forward {',
    '  type filter hook forward priority filter; policy accept;',
    '  ct state established,related accept',
    ...of('forward').map((line) => `  ${line}`),
    ...dropFrom(roles.untrust, 'FirewallZone role untrust'),
    ...dropBetween(roles.trust, roles.mgmt),
    '}',
  ];
  const problems = lowered.flatMap((rule) => (rule.ok ? [] : [rule.problem]));
  return { tables: [{ family: 'inet', name: 'routerd_filter', lines }], problems };
}

/** An interface is in one zone: the first by name has it. */
function interfacesByZone(zones: readonly Zone[]): ReadonlyMap<string, readonly string[]> {
  const taken = new Set<string>();
  return new Map(
    zones.map(({ metadata, spec }) => {
      const own = [...new Set(spec.interfaces)].filter((name) => !taken.has(name)).toSorted(compareText);
      for (const name of own) taken.add(name);
      return [metadata.name, own];
    }),
  );
}

function interfacesByRole(
  zones: readonly Zone[],
  interfaces: ReadonlyMap<string, readonly string[]>,
): Readonly<Record<Zone['spec']['role'], readonly string[]>> {
  const of = (role: Zone['spec']['role']): readonly string[] =>
    zones
      .filter(({ spec }) => spec.role === role)
      .flatMap(({ metadata }) => interfaces.get(metadata.name) ?? [])
      .toSorted(compareText);
  return { untrust: of('untrust'), trust: of('trust'), mgmt: of('mgmt') };
}

function tunnelPorts(resources: readonly Resource[]): readonly string[] {
  const ports = ofKind(resources, 'WireGuardInterface').map(({ spec }) => spec.listenPort);
  return ports.length === 0
    ? []
    : [`  udp dport ${nftSet([...new Set(ports)].toSorted((a, b) => a - b))} accept comment "WireGuardInterface"`];
}

function pathPort(paths: readonly OverlayPath[]): readonly string[] {
  if (paths.length === 0) return [];
  const devices = [...new Set(paths.map(({ device }) => device))].toSorted(compareText);
  return [
    `  iifname ${interfaceSet(devices)} udp dport ${PATH_PORT} accept comment "OverlayPeer paths"`,
    `  udp dport ${PATH_PORT} drop comment "OverlayPeer paths, from outside the overlay"`,
  ];
}

function dropFrom(interfaces: readonly string[], comment: string): readonly string[] {
  return interfaces.length === 0 ? [] : [`  iifname ${interfaceSet(interfaces)} drop comment "${comment}"`];
}

function dropBetween(from: readonly string[], to: readonly string[]): readonly string[] {
  if (from.length === 0 || to.length === 0) return [];
  return [`  iifname ${interfaceSet(from)} oifname ${interfaceSet(to)} drop comment "FirewallZone role trust to mgmt"`];
}

type LoweredRule =
  | { readonly ok: false; readonly problem: LoweringProblem }
  | {
      readonly ok: true;
      readonly chain: 'input' | 'forward';
      readonly sets: readonly string[];
      readonly lines: readonly string[];
    };

function lowerRule(rule: Rule, zones: ReadonlyMap<string, readonly string[]>): LoweredRule {
  const { metadata, spec } = rule;
  const from =
    spec.fromZone === undefined ? [...zones.values()].flat().toSorted(compareText) : zones.get(spec.fromZone);
  const to = spec.toZone === undefined || spec.toZone === SELF ? [] : zones.get(spec.toZone);
  if (from === undefined || to === undefined) {
    const missing = from === undefined ? spec.fromZone : spec.toZone;
    return { ok: false, problem: problem(rule, `there is no FirewallZone ${missing ?? ''}`) };
  }
  if (from.length === 0 || (to.length === 0 && spec.toZone !== undefined && spec.toZone !== SELF))
    return { ok: false, problem: problem(rule, 'one of its zones has no interface of its own') };
  const match = [
    `iifname ${interfaceSet(from)}`,
    ...(to.length === 0 ? [] : [`oifname ${interfaceSet(to)}`]),
    ...addressMatch('saddr', spec.srcCIDRs),
    ...addressMatch('daddr', spec.destinationCIDRs),
    ...protocolMatch(rule),
  ];
  const comment = `comment "${`FirewallRule/${metadata.name}`.slice(0, COMMENT_BYTES_MAX)}"`;
  const effect = [
    ...(spec.rateLimit === undefined
      ? []
      : [`limit rate ${spec.rateLimit.perSecond}/second burst ${spec.rateLimit.burst} packets`]),
    ...(spec.log ? [`log prefix "routerd ${metadata.name.slice(0, LOG_NAME_BYTES_MAX)} "`] : []),
  ];
  const verdict = spec.action === 'reject' ? 'reject with icmpx admin-prohibited' : spec.action;
  const chain = spec.toZone === SELF ? 'input' : 'forward';
  const connectionsMax = spec.connLimit?.maxPerSource ?? 0;
  if (connectionsMax === 0)
    return { ok: true, chain, sets: [], lines: [[...match, ...effect, verdict, comment].join(' ')] };
  const set = `connections_${metadata.name.replaceAll(/[^A-Za-z0-9_]/g, '_')}`;
  const over = [...match, 'ct state new', `add @${set} { ip saddr ct count over ${connectionsMax} }`];
  return {
    ok: true,
    chain,
    sets: [`set ${set} { type ipv4_addr; size ${CONNECTIONS_COUNTED_MAX}; flags dynamic; }`],
    // What may pass is refused above the limit; what may not is only refused above it.
    lines:
      spec.action === 'accept'
        ? [[...over, 'drop', comment].join(' '), [...match, ...effect, verdict, comment].join(' ')]
        : [[...over, ...effect, verdict, comment].join(' ')],
  };
}

/** NFT_USERDATA_MAXLEN leaves 128 bytes for a comment, its end included. */
const COMMENT_BYTES_MAX = 120;
/** NF_LOG_PREFIXLEN is 128. */
const LOG_NAME_BYTES_MAX = 100;

function protocolMatch({ spec }: Rule): readonly string[] {
  const { protocol, port, destinationPorts } = spec;
  const ports = [...new Set(destinationPorts ?? (port === undefined ? [] : [port]))].toSorted((a, b) => a - b);
  switch (protocol) {
    case undefined:
      return [];
    case 'tcp':
    case 'udp':
      return ports.length === 0 ? [`meta l4proto ${protocol}`] : [`${protocol} dport ${nftSet(ports)}`];
    case 'icmp':
      return ['meta l4proto icmp'];
    case 'icmpv6':
    case 'ipv6-icmp':
      return ['meta l4proto ipv6-icmp'];
    case 'ipip':
      return ['meta l4proto 4']; // nft calls it ipencap
  }
}

export function addressMatch(field: 'saddr' | 'daddr', prefixes: readonly Ipv4Prefix[]): readonly string[] {
  return prefixes.length === 0 ? [] : [`ip ${field} ${nftSet(withoutContained(prefixes))}`];
}

/** nft refuses a set whose intervals overlap. */
function withoutContained(prefixes: readonly Ipv4Prefix[]): readonly string[] {
  const unique = [...new Set(prefixes)].toSorted(compareText);
  return unique.filter((prefix) => !unique.some((other) => other !== prefix && prefixContains(other, prefix)));
}

export function interfaceSet(names: readonly string[]): string {
  return nftSet(names.map((name) => `"${name}"`));
}

function nftSet(items: readonly (string | number)[]): string {
  return items.length === 1 ? `${items[0] ?? ''}` : `{ ${items.join(', ')} }`;
}

function problem({ metadata }: Rule, reason: string): LoweringProblem {
  return { resource: `FirewallRule/${metadata.name}`, reason };
}
