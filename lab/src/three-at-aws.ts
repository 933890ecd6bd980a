/**
 * The LAN and AWS with three equal routers, each of whose NICs has room for a part of what is to be captured there:
 *
 *                 hub .10
 *                    │
 *        ┌──── WAN 198.51.100.0/24 ────┐
 *        │.1 .2                        │.30
 *   onprem-router-a/b              aws fabric (.31 .32 .33)
 *        │.2 .3                        ├ aws-router-a .4, -b .5, -c .6
 *   LAN bridge .1                      └ aws-client   .11
 *        │.10 and many more
 *   onprem-client                10.77.60.0/24 at both
 */
import { FABRICS, FOUR_SITES, ROUTERS, routersAt, type Router, type Topology } from './topology.ts';

/** A c6i.4xlarge has 30 addresses on a NIC; the first is its own. */
export const CAPACITY = 29;

const [pattern] = routersAt('aws');
if (pattern === undefined) throw new Error('no router at AWS');

export const THREE: readonly Router[] = (['a', 'b', 'c'] as const).map((letter, index) => ({
  ...pattern,
  letter,
  name: `aws-router-${letter}`,
  number: pattern.number + index,
  address: `10.77.60.${4 + index}`,
  wanAddress: `198.51.100.${31 + index}`,
  overlay: `10.255.0.${pattern.number + index}`,
  priority: 10,
  capacity: CAPACITY,
}));

const federated = [...ROUTERS.filter(({ site }) => site === 'onprem'), ...THREE];

export const THREE_AT_AWS: Topology = {
  ...FOUR_SITES,
  id: 'three-at-aws',
  fabrics: FABRICS.filter(({ cloud }) => cloud === 'aws'),
  routers: federated,
  federated,
  clients: FOUR_SITES.clients.filter(({ site }) => site === 'onprem' || site === 'aws'),
};
