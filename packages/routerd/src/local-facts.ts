/**
 * What this node asserts about addresses of its own site, kept fresh for as long as their source stands by it.
 *
 * 1. One `observed` fact when an address is first asserted, and another each half TTL while it stays so; never more.
 * 2. Withdrawing publishes `expired`; an assertion that merely ends with the process publishes nothing.
 * 3. A refused fact (captured here, outside the pool) is reported once and tried again only when it is asserted anew.
 */
import type { AcceptedFact, FactBus } from '@routerd/federation';
import type { StaticDuty } from '@routerd/mobility';
import {
  unreachable,
  type DurationMs,
  type HostAddress,
  type Monotonic,
  type NodeName,
  type PoolName,
  type SiteName,
} from '@routerd/resources';
import { steadyClock, type Clock, type Log } from '@routerd/runtime';

export interface LocalFactsPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly facts: Pick<FactBus, 'record' | 'accepted'>;
}

export interface LocalFactsOptions {
  readonly self: NodeName;
  readonly pool: PoolName;
  readonly site: SiteName;
  readonly ttl: DurationMs;
  /** Whether the pool lets the address move at all; of others nothing is said. */
  readonly isMobile: (address: HostAddress) => boolean;
}

/** The origin of what the pool declares. */
const STATIC = 'static';

interface Assertion {
  readonly origin: string;
  readonly ends: AbortController;
}

export class LocalFacts {
  readonly #ports: LocalFactsPorts;
  readonly #options: LocalFactsOptions;
  readonly #assertions = new Map<HostAddress, Assertion>();

  constructor(ports: LocalFactsPorts, options: LocalFactsOptions) {
    this.#ports = { ...ports, clock: steadyClock(ports.clock) };
    this.#options = options;
  }

  /** The address is seen here. Cheap when it is asserted already. */
  assert(address: HostAddress, origin: string): void {
    if (this.#assertions.has(address) || !this.#options.isMobile(address)) return;
    const assertion = { origin, ends: new AbortController() };
    this.#assertions.set(address, assertion);
    const last = this.#lastOwnFact(address);
    const half = this.#options.ttl / 2;
    const age = last === undefined ? Number.POSITIVE_INFINITY : this.#ports.clock.now() - last;
    if (age < half) void this.#keepFresh(address, assertion, half - age);
    else if (this.#record(address, origin, 'routerd.client.ipv4.observed'))
      void this.#keepFresh(address, assertion, half);
    else this.#assertions.delete(address);
  }

  /** Positive evidence that the address is gone from here. */
  withdraw(address: HostAddress, origin: string): void {
    const assertion = this.#assertions.get(address);
    if (assertion === undefined) return;
    assertion.ends.abort();
    this.#assertions.delete(address);
    this.#record(address, origin, 'routerd.client.ipv4.expired');
  }

  /** Does what the pool declares: says that the address is here, or gone, or nothing yet. Safe to repeat. */
  follow(address: HostAddress, { verb }: StaticDuty): void {
    switch (verb) {
      case 'assert':
        return this.assert(address, STATIC);
      case 'withdraw':
        return this.release(address, STATIC);
      case 'wait':
        return;
      default:
        return unreachable(verb);
    }
  }

  /** The address is gone from here for good: says so unless that was this node's last word, also of what it never said was here. */
  release(address: HostAddress, origin: string): void {
    this.#assertions.get(address)?.ends.abort();
    this.#assertions.delete(address);
    if (this.#lastOwnWord(address)?.fact.type !== 'routerd.client.ipv4.expired')
      this.#record(address, origin, 'routerd.client.ipv4.expired');
  }

  /** Addresses of this pool that this node last said were here, by its own memory, from that origin. */
  lastAsserted(origin: string): readonly HostAddress[] {
    return this.#ports.facts
      .accepted()
      .filter(({ fact }) => fact.source === this.#options.self && fact.pool === this.#options.pool)
      .filter(({ fact }) => fact.origin === origin && fact.type === 'routerd.client.ipv4.observed')
      .map(({ fact }) => fact.address);
  }

  /** Whether the pool lets the address move at all. */
  isMobile(address: HostAddress): boolean {
    return this.#options.isMobile(address);
  }

  asserted(): ReadonlySet<HostAddress> {
    return new Set(this.#assertions.keys());
  }

  stop(): void {
    for (const { ends } of this.#assertions.values()) ends.abort();
    this.#assertions.clear();
  }

  async #keepFresh(address: HostAddress, assertion: Assertion, firstWait: number): Promise<void> {
    const { clock } = this.#ports;
    let wait = firstWait;
    for (;;) {
      await clock.sleepUntil((clock.monotonic() + wait) as Monotonic, assertion.ends.signal);
      if (assertion.ends.signal.aborted) return;
      if (!this.#record(address, assertion.origin, 'routerd.client.ipv4.observed'))
        return void this.#assertions.delete(address);
      wait = this.#options.ttl / 2;
    }
  }

  /** When this node last said `observed` about the address, by the steady clock that facts are accepted by; undefined if its last word was another. */
  #lastOwnFact(address: HostAddress): number | undefined {
    const own = this.#lastOwnWord(address);
    return own?.fact.type === 'routerd.client.ipv4.observed' ? own.acceptedAt : undefined;
  }

  #lastOwnWord(address: HostAddress): AcceptedFact | undefined {
    const { self } = this.#options;
    return this.#ports.facts.accepted().find(({ fact }) => fact.address === address && fact.source === self);
  }

  #record(
    address: HostAddress,
    origin: string,
    type: 'routerd.client.ipv4.observed' | 'routerd.client.ipv4.expired',
  ): boolean {
    const { pool, site, ttl } = this.#options;
    const recorded = this.#ports.facts.record({ type, address, pool, site, ttl, origin });
    if (recorded.ok)
      this.#ports.log.info('fact recorded', {
        event: 'federation.fact.recorded',
        type,
        address,
        origin,
        sequence: recorded.value.sequence,
      });
    else
      this.#ports.log.info('fact refused', {
        event: 'federation.fact.refused-local',
        type,
        address,
        origin,
        code: recorded.error.code,
      });
    return recorded.ok;
  }
}
