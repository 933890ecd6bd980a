/** The world of one pool as facts of the federation make it known. */
import type { AcceptedFact } from '@routerd/federation';
import { PoolWorld, type Sighting } from '@routerd/mobility';
import { instant, type HostAddress } from '@routerd/resources';

export class PoolState extends PoolWorld {
  /** Takes in accepted facts of this pool. @returns the addresses they are about */
  accept(facts: readonly AcceptedFact[]): readonly HostAddress[] {
    const touched: HostAddress[] = [];
    for (const accepted of facts) {
      if (accepted.fact.pool !== this.context.name) continue;
      this.acceptSighting(sightingOf(accepted));
      touched.push(accepted.fact.address);
    }
    return touched;
  }
}

function sightingOf({ fact, acceptedAt, firstAcceptedAt }: AcceptedFact): Sighting {
  return {
    address: fact.address,
    source: fact.source,
    site: fact.site,
    kind: fact.type === 'routerd.client.ipv4.observed' ? 'observed' : 'expired',
    sequence: fact.sequence,
    observedAt: fact.observedAt,
    firstAcceptedAt,
    acceptedAt,
    expiresAt: instant(acceptedAt + fact.ttl),
    eventId: fact.id,
  };
}
