/** Facts in the words that subscriptions match on and plugins are told. Pure. */
import type { AcceptedFact } from '@routerd/federation';
import { instant, type Instant, type NodeName, type ResourceOf } from '@routerd/resources';

export interface FactEvent {
  readonly id: string;
  readonly group: string;
  readonly sourceNode: NodeName;
  readonly type: string;
  /** The address, `10.77.60.10/32`. */
  readonly subject: string;
  /** Of the events with one key the latest says all: `<sourceNode>/<subject>`. */
  readonly dedupeKey: string;
  readonly payload: Readonly<Record<string, string>>;
  readonly observedAt: Instant;
  /** By this node's clock: acceptance plus TTL. */
  readonly expiresAt: Instant;
}

export function eventOf({ fact, acceptedAt }: AcceptedFact): FactEvent {
  const { id, group, source, type, address, pool, site, origin, observedAt, ttl } = fact;
  return {
    id,
    group,
    sourceNode: source,
    type,
    subject: address,
    dedupeKey: `${source}/${address}`,
    payload: { address, pool, site, origin },
    observedAt,
    expiresAt: instant(acceptedAt + ttl),
  };
}

type Subscription = Pick<ResourceOf<'EventSubscription'>['spec'], 'groupRef' | 'match'>;

/** Every member of `match` must hold; an empty one holds always. */
export function isMatch({ groupRef, match }: Subscription, event: FactEvent): boolean {
  return (
    event.group === groupRef &&
    match.types.includes(event.type) &&
    holds(match.subjectPrefixes, (prefix) => event.subject.startsWith(prefix)) &&
    holds(match.sourceNodes, (node) => event.sourceNode === node) &&
    Object.entries(match.payload).every(
      ([key, value]) => Object.hasOwn(event.payload, key) && event.payload[key] === value,
    )
  );
}

function holds<T>(allowed: readonly T[], isSo: (item: T) => boolean): boolean {
  return allowed.length === 0 || allowed.some(isSo);
}
