/** What one MobilityPool must be, by itself and next to the federation and other pools. */
import type { Problem } from '../../diagnostic.ts';
import { earliestOverlap, type NetworkEntry } from '../../earliest-overlap.ts';
import { parsePoolName } from '../../node-name.ts';
import type { ResourceOf } from '../../resource.ts';
import { oncePerIndex, peersOfGroup, selfOf, type ResourceIndex } from '../resource-index.ts';
import { errorAt, rule, warningAt, type Rule } from '../rule.ts';
import { unusablePrefix } from './reserved-ranges.ts';

type Pool = ResourceOf<'MobilityPool'>;

function* poolItself(pool: Pool): Iterable<Problem> {
  const { name } = pool.metadata;
  if (!parsePoolName(name).ok) {
    yield errorAt(['metadata', 'name'], {
      code: 'pool.name',
      message: `"${name}" is not a pool name: it becomes part of message subjects, so only lower-case letters, digits and "-" (at most 63) are allowed.`,
    });
  }
  yield* unusablePrefix(pool.spec.prefix, ['spec', 'prefix']);
  if (pool.spec.leasePolicy.ttl === 0) {
    yield errorAt(['spec', 'leasePolicy', 'ttl'], {
      code: 'pool.ttl-zero',
      message: 'A lease with a ttl of zero ends before it begins; expected more than 0s.',
    });
  }
}

function* selfAndPeers(pool: Pool, index: ResourceIndex): Iterable<Problem> {
  const { groupRef, members } = pool.spec;
  const self = selfOf(index, groupRef);
  if (self === undefined) return;
  if (!members.some(({ nodeRef }) => nodeRef === self)) {
    yield warningAt(['spec', 'members'], {
      code: 'pool.self-not-member',
      message: `This node, "${self}" (EventGroup/${groupRef}), is not a member: it derives leases and captures nothing.`,
      at: 'key',
    });
  }
  const heard = peersOfGroup(index, groupRef);
  for (const [position, { nodeRef }] of members.entries()) {
    if (nodeRef === self || heard.has(nodeRef)) continue;
    yield warningAt(['spec', 'members', position, 'nodeRef'], {
      code: 'pool.member-without-event-peer',
      message: `No EventPeer of EventGroup/${groupRef} has nodeName "${nodeRef}": its facts cannot be verified and are refused.`,
      remedy: 'Declare an EventPeer with its public key.',
    });
  }
}

const peerNodes = oncePerIndex((index) => new Set<string>(index.ofKind('OverlayPeer').map(({ spec }) => spec.nodeID)));

/** Without `delivery` and `deliveryTo` the OverlayPeer whose `nodeID` is the other member carries the packets. */
function* deliveryExists(pool: Pool, index: ResourceIndex): Iterable<Problem> {
  const self = selfOf(index, pool.spec.groupRef);
  const own = pool.spec.members.find(({ nodeRef }) => nodeRef === self);
  if (own === undefined || own.delivery !== undefined) return;
  const peers = peerNodes(index);
  for (const [position, member] of pool.spec.members.entries()) {
    if (member.site === own.site || peers.has(member.nodeRef)) continue;
    const named = own.deliveryTo.some(
      (entry) => entry.nodeRef === member.nodeRef || entry.site === member.site || entry.role === member.role,
    );
    if (named) continue;
    yield warningAt(['spec', 'members', position, 'nodeRef'], {
      code: 'pool.member-unreachable',
      message: `Nothing delivers from "${own.nodeRef}" to "${member.nodeRef}": no OverlayPeer has nodeID "${member.nodeRef}", and no delivery or deliveryTo covers it.`,
      remedy: `Declare an OverlayPeer with nodeID: ${member.nodeRef}.`,
    });
  }
}

function* providerMode(pool: Pool, index: ResourceIndex): Iterable<Problem> {
  const self = selfOf(index, pool.spec.groupRef);
  for (const [position, { nodeRef, capture }] of pool.spec.members.entries()) {
    if (nodeRef !== self || capture.type !== 'provider-secondary-ip') continue;
    yield* modeInCapabilities(capture, index, ['spec', 'members', position, 'capture', 'providerMode']);
  }
}

/** The capabilities are free words of the operator: a mode that is not among them is only suspicious. */
export function* modeInCapabilities(
  capture: { readonly providerRef: string; readonly providerMode: string },
  index: ResourceIndex,
  path: readonly (string | number)[],
): Iterable<Problem> {
  const capabilities = index.get('CloudProviderProfile', capture.providerRef)?.spec.capabilities;
  if (capabilities === undefined || capabilities.includes(capture.providerMode)) return;
  yield warningAt(path, {
    code: 'capture.mode-not-a-capability',
    message: `"${capture.providerMode}" is not among the capabilities of CloudProviderProfile/${capture.providerRef}: ${capabilities.join(', ')}.`,
  });
}

/** A pool is no rival of itself: each is a group of its own. */
function networkOfPool(pool: Pool): NetworkEntry<Pool> {
  return { prefix: pool.spec.prefix, group: pool.metadata.name, value: pool };
}

const overlapOfPools = oncePerIndex((index) => earliestOverlap(index.ofKind('MobilityPool').map(networkOfPool)));

/** Each pair is reported once, at the one declared later; of many the one declared first is named. */
function* overlapping(pool: Pool, index: ResourceIndex): Iterable<Problem> {
  const earliest = overlapOfPools(index).before(networkOfPool(pool));
  if (earliest === undefined) return;
  yield errorAt(['spec', 'prefix'], {
    code: 'pool.overlap',
    message: `${pool.spec.prefix} overlaps ${earliest.spec.prefix} of MobilityPool/${earliest.metadata.name}; an address may belong to one pool.`,
  });
}

export const poolRules: readonly Rule[] = [
  rule('MobilityPool', poolItself),
  rule('MobilityPool', selfAndPeers),
  rule('MobilityPool', deliveryExists),
  rule('MobilityPool', providerMode),
  rule('MobilityPool', overlapping, { brokenBy: ['MobilityPool'] }),
];
