/**
 * What operators order through any node, as level-triggered records: the last one about a subject stands until the next. Kept beside
 * the capture records, in the same totally ordered log, so that all nodes obey the same order; the fold is pure.
 */
import type { Brand, HostAddress, Instant, NodeName, PoolName, SiteName } from '@routerd/resources';
import type { ClaimId } from './capture-record.ts';

/** `node/<node>` or `address/<pool>/<address>`. */
export type OrderSubject = Brand<string, 'OrderSubject'>;
/** Counts the orders about one subject; first is 1. Never compared with an epoch. */
export type OrderVersion = Brand<number, 'OrderVersion'>;

/** What is ordered. Each pair undoes itself: `undrain` a `drain`, `release` a `freeze` or a `hand-over`. */
export type Order =
  | { readonly verb: 'drain' | 'undrain'; readonly node: NodeName }
  | {
      readonly verb: 'freeze' | 'hand-over';
      readonly pool: PoolName;
      readonly address: HostAddress;
      /** Where the address is kept, or goes as soon as that site asserts it. */
      readonly site: SiteName;
    }
  | { readonly verb: 'release'; readonly pool: PoolName; readonly address: HostAddress };

export interface OperatorOrder {
  readonly subject: OrderSubject;
  readonly version: OrderVersion;
  readonly order: Order;
  /** Who ordered it, as given; for people. A node that froze an address by itself says so. */
  readonly who: string;
  readonly why: string;
  /** By the writer's clock; for people, never compared. */
  readonly when: Instant;
  /** The node that wrote it; proven by the subject it was published on. */
  readonly writer: NodeName;
  /** Unique per attempted write. */
  readonly claim: ClaimId;
}

/** An order about an address, as planning that address needs it. */
export interface AddressOrder {
  readonly version: OrderVersion;
  readonly order: Exclude<Order, { readonly node: NodeName }>;
  readonly who: string;
  readonly why: string;
}

export function orderSubjectOf(order: Order): OrderSubject {
  return ('node' in order ? `node/${order.node}` : `address/${order.pool}/${order.address}`) as OrderSubject;
}

export type OrderRefusal =
  | 'malformed: versions count from 1'
  | 'malformed: the subject is not what is ordered about'
  | 'the order is about another subject'
  | 'version is taken';

export type OrderFold =
  | { readonly kind: 'accepted'; readonly order: OperatorOrder }
  | { readonly kind: 'refused'; readonly because: OrderRefusal };

/**
 * The first order of a version wins, in the order of the log; two operators who order at once see one of them win. A gap is allowed:
 * compaction may have dropped what lies between, and only who saw a version writes the next.
 */
export function foldOrder(current: OperatorOrder | undefined, next: OperatorOrder): OrderFold {
  const because = refusal(current, next);
  return because === undefined ? { kind: 'accepted', order: next } : { kind: 'refused', because };
}

function refusal(current: OperatorOrder | undefined, next: OperatorOrder): OrderRefusal | undefined {
  if (!Number.isSafeInteger(next.version) || next.version < 1) return 'malformed: versions count from 1';
  if (next.subject !== orderSubjectOf(next.order)) return 'malformed: the subject is not what is ordered about';
  if (current === undefined) return undefined;
  if (next.subject !== current.subject) return 'the order is about another subject';
  return next.version <= current.version ? 'version is taken' : undefined;
}

/** The nodes that are ordered to drain. `maintenance.drain` in a pool says the same of a node to that node, and is not undone by an order. */
export function drainedNodes(standing: Iterable<OperatorOrder>): ReadonlySet<NodeName> {
  const drained = new Set<NodeName>();
  for (const { order } of standing) if (order.verb === 'drain') drained.add(order.node);
  return drained;
}

/** What stands about one address. */
export function addressOrderOf(standing: OperatorOrder | undefined): AddressOrder | undefined {
  if (standing === undefined || 'node' in standing.order) return undefined;
  const { version, order, who, why } = standing;
  return { version, order, who, why };
}
