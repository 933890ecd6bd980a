/** Zones, rules between them, and translation. */
import type { Problem } from '../../diagnostic.ts';
import type { ResourceOf } from '../../resource.ts';
import { firstByKey, type ResourceIndex } from '../resource-index.ts';
import { errorAt, rule, type Rule } from '../rule.ts';
import { overlayInterfaces } from './overlay.ts';
import { poolsByPrefix } from './pool-prefixes.ts';
import { declaredInterface, resolve } from './references.ts';

/** Names this router in `toZone`, so no zone can be called so. */
const SELF = 'self';

const zoneOfInterface = firstByKey('FirewallZone', ({ spec }) => spec.interfaces);

function* firewallZone(zone: ResourceOf<'FirewallZone'>, index: ResourceIndex): Iterable<Problem> {
  if (zone.metadata.name === SELF) {
    yield errorAt(['metadata', 'name'], {
      code: 'zone.name',
      message: 'The zone "self" is this router; expected another name.',
    });
  }
  const own = new Set<string>();
  for (const [position, name] of zone.spec.interfaces.entries()) {
    const other = own.has(name) ? zone : zoneOfInterface(index).get(name);
    own.add(name);
    if (other === undefined || (other === zone && zone.spec.interfaces.indexOf(name) === position)) continue;
    yield errorAt(['spec', 'interfaces', position], {
      code: 'zone.interface-twice',
      message: `FirewallZone/${other.metadata.name} has the interface "${name}" already; an interface is in one zone.`,
    });
  }
}

function* firewallRule({ spec }: ResourceOf<'FirewallRule'>, index: ResourceIndex): Iterable<Problem> {
  yield* resolve(index, 'FirewallZone', spec.fromZone, ['spec', 'fromZone']);
  if (spec.toZone !== SELF) yield* resolve(index, 'FirewallZone', spec.toZone, ['spec', 'toZone']);
}

/** Mobile addresses reach each other unchanged, or not at all. */
function* natRule({ spec }: ResourceOf<'NAT44Rule'>, index: ResourceIndex): Iterable<Problem> {
  if (!overlayInterfaces(index).has(spec.outboundInterface)) {
    yield* declaredInterface(index, spec.outboundInterface, ['spec', 'outboundInterface']);
    return;
  }
  for (const [position, source] of spec.sourceCIDRs.entries()) {
    const [pool] = poolsByPrefix(index).overlapping(source);
    if (pool === undefined) continue;
    yield errorAt(['spec', 'sourceCIDRs', position], {
      code: 'nat.translates-pool',
      message: `${source} overlaps ${pool.spec.prefix} of MobilityPool/${pool.metadata.name}, and "${spec.outboundInterface}" is part of the overlay: mobile addresses are not translated on the way to each other.`,
    });
  }
}

export const firewallRules: readonly Rule[] = [
  rule('FirewallZone', firewallZone, { brokenBy: ['FirewallZone'] }),
  rule('FirewallRule', firewallRule),
  rule('NAT44Rule', natRule, { brokenBy: ['MobilityPool', 'OverlayPeer', 'WireGuardInterface', 'TunnelInterface'] }),
];
