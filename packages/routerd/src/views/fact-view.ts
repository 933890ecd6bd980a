import type { AcceptedFact } from '@routerd/federation';
import { compareAddresses } from '@routerd/resources';

/** GET /v1/federation/events: the last accepted fact of each node about each address, in address order. */
export function factsView(facts: readonly AcceptedFact[]) {
  const items = facts
    .map(({ fact, acceptedAt }) => ({
      id: fact.id,
      type: fact.type,
      source: fact.source,
      site: fact.site,
      pool: fact.pool,
      subject: fact.address,
      sequence: fact.sequence,
      origin: fact.origin,
      observedAt: fact.observedAt,
      acceptedAt,
      expiresAt: acceptedAt + fact.ttl,
    }))
    .toSorted((a, b) => compareAddresses(a.subject, b.subject) || (a.source < b.source ? -1 : 1));
  return { items };
}
