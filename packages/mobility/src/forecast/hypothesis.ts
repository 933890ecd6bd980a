/** What is assumed to happen, and the present that it happens to. */
import type { HostAddress, Instant, NodeName } from '@routerd/resources';
import type { CaptureRecord } from '../capture-record.ts';
import type { AddressLease, MemberState, PoolContext, Sighting, VrrpRole } from '../model.ts';
import type { AddressOrder } from '../operator-order.ts';

export type Hypothesis =
  /** The router is asked to hand over everything, and keeps forwarding. */
  | { readonly kind: 'drain'; readonly node: NodeName }
  /** The router dies, and everybody has noticed. */
  | { readonly kind: 'fail'; readonly node: NodeName }
  /** The router says that an address lives at its site, or does not any more; with it, if asked, all routers of the site that said so. */
  | {
      readonly kind: 'fact';
      readonly node: NodeName;
      readonly address: HostAddress;
      readonly says: Sighting['kind'];
      readonly isOfSite?: boolean;
    }
  /** All nodes are given this configuration of the pool. */
  | { readonly kind: 'apply'; readonly context: PoolContext };

/** One pool as this node knows it. */
export interface Present {
  readonly context: PoolContext;
  readonly now: Instant;
  readonly members: ReadonlyMap<NodeName, MemberState>;
  readonly leases: Iterable<AddressLease>;
  readonly sightings: Iterable<Sighting>;
  readonly records: Iterable<CaptureRecord>;
  readonly orderOf: (address: HostAddress) => AddressOrder | undefined;
  /** This node's own role where VRRP is the authority on its LAN. */
  readonly vrrp?: VrrpRole | undefined;
}

/** When the facts of those who live end, in a forecast. */
export const NEVER = Number.MAX_SAFE_INTEGER as Instant;

/** Who lives and drains once it has happened. A drain by order outlasts a new configuration; one that the pool declares is that one's. */
export function membersAfter(
  { context, members }: Present,
  hypothesis: Hypothesis,
): ReadonlyMap<NodeName, MemberState> {
  const next = hypothesis.kind === 'apply' ? hypothesis.context : context;
  return new Map(
    [...next.members.values()].map(({ node, spec }) => {
      const now = members.get(node) ?? { node, liveness: 'unheard' as const, draining: false };
      const isOrdered = now.draining && context.members.get(node)?.spec.maintenance?.drain !== true;
      const isDeclared = spec.maintenance?.drain === true;
      const isNamed = 'node' in hypothesis && hypothesis.node === node;
      return [
        node,
        {
          node,
          liveness: isNamed && hypothesis.kind === 'fail' ? 'dead' : now.liveness,
          draining: isOrdered || isDeclared || (isNamed && hypothesis.kind === 'drain'),
        },
      ];
    }),
  );
}
