/** Addresses and routes of this host that would contradict each other. */
import type { Problem } from '../../diagnostic.ts';
import { earliestOverlap, type NetworkEntry } from '../../earliest-overlap.ts';
import { networkOf, prefixLength } from '../../ipv4.ts';
import type { ResourceOf } from '../../resource.ts';
import { firstByKey, oncePerIndex, type ResourceIndex } from '../resource-index.ts';
import { errorAt, rule, type Rule } from '../rule.ts';

type StaticAddress = ResourceOf<'IPv4StaticAddress'>;

const quadOf = ({ spec }: StaticAddress): string => spec.address.slice(0, spec.address.indexOf('/'));

/** The same address on several interfaces is how tunnels without a network of their own are numbered: as a /32. */
const firstOnInterface = firstByKey('IPv4StaticAddress', (address) => [`${address.spec.interface} ${quadOf(address)}`]);

function networkEntry(address: StaticAddress): NetworkEntry<StaticAddress> {
  return { prefix: address.spec.address, group: address.spec.interface, value: address };
}

function isShared({ spec }: StaticAddress): boolean {
  return spec.allowOverlap || prefixLength(networkOf(spec.address)) === 32;
}

const overlapOfAddresses = oncePerIndex((index) => {
  const alone = index.ofKind('IPv4StaticAddress').filter((address) => !isShared(address));
  return earliestOverlap(alone.map(networkEntry));
});

function* addressOnce(address: StaticAddress, index: ResourceIndex): Iterable<Problem> {
  const twin = firstOnInterface(index).get(`${address.spec.interface} ${quadOf(address)}`);
  if (twin === undefined || twin === address) return;
  yield errorAt(['spec', 'address'], {
    code: 'address.twice',
    message: `IPv4StaticAddress/${twin.metadata.name} gives ${quadOf(address)} to "${address.spec.interface}" already.`,
  });
}

/** Two interfaces in one network: the kernel sends by one of them, whatever is meant. */
function* networksApart(address: StaticAddress, index: ResourceIndex): Iterable<Problem> {
  if (isShared(address)) return;
  const rival = overlapOfAddresses(index).before(networkEntry(address));
  if (rival === undefined) return;
  yield errorAt(['spec', 'address'], {
    code: 'address.overlap',
    message: `${address.spec.address} on "${address.spec.interface}" and ${rival.spec.address} of IPv4StaticAddress/${rival.metadata.name} on "${rival.spec.interface}" are in one network.`,
    remedy: 'Give one of them a longer prefix (/32), or write allowOverlap: true.',
  });
}

/** The kernel has one route for a destination and metric. */
function routeKey({ spec }: ResourceOf<'IPv4Route'>): readonly string[] {
  return [`${spec.destination} ${spec.metric}`];
}

const firstRoute = firstByKey('IPv4Route', routeKey);

function* routeOnce(route: ResourceOf<'IPv4Route'>, index: ResourceIndex): Iterable<Problem> {
  const twin = firstRoute(index).get(routeKey(route)[0] ?? '');
  if (twin === undefined || twin === route) return;
  yield errorAt(['spec', 'destination'], {
    code: 'route.twice',
    message: `IPv4Route/${twin.metadata.name} leads to ${route.spec.destination} with metric ${route.spec.metric} already.`,
    remedy: 'Give one of the two another metric.',
  });
}

export const hostNetworkRules: readonly Rule[] = [
  rule('IPv4StaticAddress', addressOnce, { brokenBy: ['IPv4StaticAddress'] }),
  rule('IPv4StaticAddress', networksApart, { brokenBy: ['IPv4StaticAddress'] }),
  rule('IPv4Route', routeOnce, { brokenBy: ['IPv4Route'] }),
];
