/** Whatever is delivered leaves by an interface. */
import type { FieldPath, Problem } from '../../diagnostic.ts';
import type { ResourceOf } from '../../resource.ts';
import { nearestSpelling } from '../../spelling.ts';
import { selfOf, type ResourceIndex } from '../resource-index.ts';
import { errorAt, rule, warningAt, type Rule } from '../rule.ts';

interface Delivery {
  readonly peerRef: string;
  readonly tunnelInterface?: string | undefined;
}

function* hasInterface(delivery: Delivery, index: ResourceIndex, path: FieldPath): Iterable<Problem> {
  const peer = index.get('OverlayPeer', delivery.peerRef);
  if (peer === undefined || (delivery.tunnelInterface ?? peer.spec.underlay.interface) !== undefined) return;
  yield errorAt([...path, 'peerRef'], {
    code: 'delivery.no-interface',
    message: `OverlayPeer/${delivery.peerRef} has no underlay.interface, and no tunnelInterface is given here: nothing says where packets leave.`,
    remedy: 'Add tunnelInterface here, or underlay.interface to the OverlayPeer.',
  });
}

function* ownMember(pool: ResourceOf<'MobilityPool'>, index: ResourceIndex): Iterable<Problem> {
  const self = selfOf(index, pool.spec.groupRef);
  for (const [position, member] of pool.spec.members.entries()) {
    if (member.nodeRef !== self) continue;
    const path = ['spec', 'members', position];
    if (member.delivery !== undefined) yield* hasInterface(member.delivery, index, [...path, 'delivery']);
    for (const [entry, delivery] of member.deliveryTo.entries()) {
      yield* hasInterface(delivery, index, [...path, 'deliveryTo', entry]);
    }
  }
}

const SELECTORS = ['nodeRef', 'site', 'role'] as const;

/** Of two entries for the same members one would never count; one for nobody is a misspelling. */
function* selectorsMeanSomebody({ spec }: ResourceOf<'MobilityPool'>): Iterable<Problem> {
  const known = SELECTORS.map((field) => [field, new Set<string>(spec.members.map((other) => other[field]))] as const);
  for (const [position, member] of spec.members.entries()) {
    const seen = new Set<string>();
    for (const [entry, selector] of member.deliveryTo.entries()) {
      const path = ['spec', 'members', position, 'deliveryTo', entry];
      const key = SELECTORS.map((field) => selector[field] ?? '').join(' ');
      if (seen.has(key)) {
        yield errorAt(path, {
          code: 'delivery.twice',
          message: 'An entry before this one has the same nodeRef, site and role already: it would never count.',
          at: 'key',
        });
      }
      seen.add(key);
      for (const [field, names] of known) yield* meansSomebody(field, selector[field], names, path);
    }
  }
}

function* meansSomebody(
  field: string,
  wanted: string | undefined,
  known: ReadonlySet<string>,
  path: FieldPath,
): Iterable<Problem> {
  if (wanted === undefined || known.has(wanted)) return;
  const nearest = nearestSpelling(wanted, [...known]);
  yield warningAt([...path, field], {
    code: 'delivery.to-nobody',
    message: `No member has ${field} "${wanted}".`,
    ...(nearest === undefined ? {} : { remedy: `Did you mean "${nearest}"?` }),
  });
}

/** A peer over a plain route may be a gateway instead. */
function* hybridRoute({ spec }: ResourceOf<'HybridRoute'>, index: ResourceIndex): Iterable<Problem> {
  const underlay = index.get('OverlayPeer', spec.peerRef)?.spec.underlay;
  if (underlay === undefined || underlay.interface !== undefined) return;
  if (underlay.type === 'route' && underlay.address !== undefined) return;
  yield errorAt(['spec', 'peerRef'], {
    code: 'delivery.no-interface',
    message: `OverlayPeer/${spec.peerRef} has no underlay.interface${underlay.type === 'route' ? ' and no underlay.address' : ''}: nothing says where packets leave.`,
    remedy: 'Add underlay.interface to the OverlayPeer.',
  });
}

export const deliveryRules: readonly Rule[] = [
  // A derived claim without a way costs itself alone when it is lowered; here it would cost its whole part.
  rule('RemoteAddressClaim', ({ spec }, index) => hasInterface(spec.delivery, index, ['spec', 'delivery']), {
    appliesTo: 'authored',
  }),
  rule('MobilityPool', ownMember),
  rule('MobilityPool', selectorsMeanSomebody),
  rule('HybridRoute', hybridRoute),
];
