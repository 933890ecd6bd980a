/** The last accepted fact of each (source, address). */
import type { HostAddress, Instant, NodeName } from '@routerd/resources';
import type { AcceptedFact, Fact } from './ports.ts';

export class AcceptedFacts {
  readonly #bySource = new Map<NodeName, Map<HostAddress, AcceptedFact>>();

  get(source: NodeName, address: HostAddress): AcceptedFact | undefined {
    return this.#bySource.get(source)?.get(address);
  }

  all(): readonly AcceptedFact[] {
    return [...this.#bySource.values()].flatMap((facts) => [...facts.values()]);
  }

  of(source: NodeName): readonly AcceptedFact[] {
    return [...(this.#bySource.get(source)?.values() ?? [])];
  }

  /** Takes over what was accepted before a restart. */
  restore(accepted: AcceptedFact): void {
    const { source, address } = accepted.fact;
    const facts = this.#bySource.get(source) ?? new Map<HostAddress, AcceptedFact>();
    facts.set(address, accepted);
    this.#bySource.set(source, facts);
  }

  accept(fact: Fact, acceptedAt: Instant): AcceptedFact {
    const firstAcceptedAt = startOfRun(this.get(fact.source, fact.address), fact, acceptedAt);
    const accepted: AcceptedFact = { fact, acceptedAt, firstAcceptedAt };
    this.restore(accepted);
    return accepted;
  }
}

/** A run of `observed` is interrupted by `expired`, and by a silence longer than the TTL of its last fact. */
function startOfRun(last: AcceptedFact | undefined, next: Fact, acceptedAt: Instant): Instant {
  const continues =
    last !== undefined &&
    last.fact.type === 'routerd.client.ipv4.observed' &&
    next.type === 'routerd.client.ipv4.observed' &&
    acceptedAt <= last.acceptedAt + last.fact.ttl;
  return continues ? last.firstAcceptedAt : acceptedAt;
}
