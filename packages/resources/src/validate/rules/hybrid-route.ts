/** Networks behind a peer: never everything, never a mobile prefix, and each routed once. */
import type { FieldPath, Problem } from '../../diagnostic.ts';
import { parseIpv4, prefixContains, type Ipv4Prefix } from '../../ipv4.ts';
import type { ResourceOf } from '../../resource.ts';
import { firstByKey, type ResourceIndex } from '../resource-index.ts';
import { errorAt, rule, warningAt, type Rule } from '../rule.ts';
import { wireGuardPeersBehind } from './overlay.ts';
import { poolsByPrefix } from './pool-prefixes.ts';
import { resolve } from './references.ts';

type HybridRoute = ResourceOf<'HybridRoute'>;

/** The name of the IPv4Route that one destination of a HybridRoute becomes: `office-10-20-0-0-16`. */
export function loweredRouteName(route: string, destination: Ipv4Prefix): string {
  return `${route}-${destination.replaceAll(/[./]/g, '-')}`;
}

const routeTo = firstByKey('IPv4Route', ({ spec }) => [spec.destination]);
const hybridRouteTo = firstByKey('HybridRoute', ({ spec }) => [...spec.destinationCIDRs]);
function* destinations(route: HybridRoute, index: ResourceIndex): Iterable<Problem> {
  const own = new Set<string>();
  for (const [position, destination] of route.spec.destinationCIDRs.entries()) {
    const path = ['spec', 'destinationCIDRs', position];
    if (destination === '0.0.0.0/0') {
      yield errorAt(path, {
        code: 'prefix.default-route',
        message: 'Default routes are not allowed in a HybridRoute; expected the networks behind the peer.',
      });
      continue;
    }
    const [pool] = poolsByPrefix(index).containing(destination);
    if (pool !== undefined) {
      yield errorAt(path, {
        code: 'hybrid-route.inside-pool',
        message: `${destination} is inside ${pool.spec.prefix} of MobilityPool/${pool.metadata.name}, whose addresses are routed one by one to where they live.`,
      });
    }
    yield* routedOnce(route, destination, own.has(destination), index, path);
    own.add(destination);
  }
}

function* routedOnce(
  route: HybridRoute,
  destination: Ipv4Prefix,
  isRepeated: boolean,
  index: ResourceIndex,
  path: FieldPath,
): Iterable<Problem> {
  const hybrid = hybridRouteTo(index).get(destination);
  const direct = routeTo(index).get(destination);
  let other: string | undefined;
  if (isRepeated) other = 'This HybridRoute';
  else if (direct !== undefined) other = `IPv4Route/${direct.metadata.name}`;
  else if (hybrid !== undefined && hybrid !== route) other = `HybridRoute/${hybrid.metadata.name}`;
  if (other !== undefined) {
    yield errorAt(path, {
      code: 'hybrid-route.twice',
      message: `${other} leads to ${destination} already; a destination has one route.`,
    });
  }
  const name = loweredRouteName(route.metadata.name, destination);
  if (index.get('IPv4Route', name) === undefined || direct?.metadata.name === name) return;
  yield errorAt(path, {
    code: 'hybrid-route.name-taken',
    message: `The route to ${destination} is made as IPv4Route/${name}, which is declared already.`,
    remedy: 'Rename the HybridRoute or the IPv4Route.',
  });
}

/** Packets of the tunnel would be led into the tunnel that they carry. */
function* leavesTheTunnelOut(route: HybridRoute, index: ResourceIndex): Iterable<Problem> {
  const underlay = index.get('OverlayPeer', route.spec.peerRef)?.spec.underlay;
  if (underlay?.interface === undefined) return;
  const tunnel = index.get('TunnelInterface', underlay.interface);
  const ends = tunnel === undefined ? [] : [tunnel.spec.remote];
  for (const { spec } of wireGuardPeersBehind(index).get(underlay.interface) ?? []) {
    if (spec.endpoint === undefined) continue;
    const end = parseIpv4(spec.endpoint.slice(0, spec.endpoint.lastIndexOf(':')));
    if (end.ok) ends.push(end.value);
  }
  for (const [position, destination] of route.spec.destinationCIDRs.entries()) {
    const end = ends.find((address) => prefixContains(destination, address));
    if (end === undefined || destination === '0.0.0.0/0') continue;
    yield warningAt(['spec', 'destinationCIDRs', position], {
      code: 'hybrid-route.covers-endpoint',
      message: `${destination} contains ${end}, the other end of the tunnel "${underlay.interface}" itself: without a narrower route its packets would be led into it.`,
    });
  }
}

export const hybridRouteRules: readonly Rule[] = [
  rule('HybridRoute', (route, index) => resolve(index, 'OverlayPeer', route.spec.peerRef, ['spec', 'peerRef'])),
  rule('HybridRoute', ({ spec }, index) =>
    resolve(index, 'HealthCheck', spec.healthCheckRef, ['spec', 'healthCheckRef']),
  ),
  rule('HybridRoute', destinations, { brokenBy: ['MobilityPool', 'HybridRoute', 'IPv4Route'] }),
  rule('HybridRoute', leavesTheTunnelOut),
];
