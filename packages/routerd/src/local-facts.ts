/**
 * What this node asserts about addresses of its own site, kept fresh for as long as their source stands by it.
 *
 * 1. One `observed` fact when an address is first asserted, and another each half TTL while it stays so; never more. What is due about the same
 *    time is said together: one write to the disk and one signature for many.
 * 2. Withdrawing publishes `expired`; an assertion that merely ends with the process publishes nothing.
 * 3. A refused fact (captured here, outside the pool) is reported once and tried again only when it is asserted anew.
 */
import type { AcceptedFact, FactBus, FactDraft, FactType } from '@routerd/federation';
import type { StaticDuty } from '@routerd/mobility';
import {
  type DurationMs,
  type HostAddress,
  type Monotonic,
  type NodeName,
  type PoolName,
  type SiteName,
} from '@routerd/resources';
import { Alarm, steadyClock, type Clock, type Log } from '@routerd/runtime';

export interface LocalFactsPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly facts: Pick<FactBus, 'recordAll' | 'accepted' | 'latest'>;
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

/** Of the time between two facts about an address, this much may be missing when others are due. */
const TOGETHER_SHARE = 0.1;

interface Assertion {
  readonly origin: string;
  /** When it is said again. */
  readonly dueAt: Monotonic;
}

interface Word {
  readonly address: HostAddress;
  readonly origin: string;
  readonly type: FactType;
}

export class LocalFacts {
  readonly #ports: LocalFactsPorts;
  readonly #options: LocalFactsOptions;
  readonly #assertions = new Map<HostAddress, Assertion>();
  readonly #alarm: Alarm;
  readonly #listeners = new Set<(address: HostAddress) => void>();
  #nextDue = Number.POSITIVE_INFINITY as Monotonic;

  constructor(ports: LocalFactsPorts, options: LocalFactsOptions) {
    this.#ports = { ...ports, clock: steadyClock(ports.clock) };
    this.#options = options;
    this.#alarm = new Alarm(this.#ports.clock, () => this.#renew());
  }

  /** The address is seen here. Cheap when it is asserted already. */
  assert(address: HostAddress, origin: string): void {
    this.#assertAll([address], origin);
  }

  /** Positive evidence that the address is gone from here. */
  withdraw(address: HostAddress, origin: string): void {
    if (this.#assertions.delete(address)) this.#record([{ address, origin, type: 'routerd.client.ipv4.expired' }]);
  }

  /** Does what pool and orders have this node do: says that addresses are here, or gone, or nothing yet. Safe to repeat. */
  follow(duties: readonly (readonly [HostAddress, StaticDuty])[]): void {
    this.#assertAll(
      duties.filter(([, { verb }]) => verb === 'assert').map(([address]) => address),
      STATIC,
    );
    for (const [address, { verb }] of duties) if (verb === 'withdraw') this.release(address, STATIC);
  }

  /** The address is gone from here for good: says so unless that was this node's last word, also of what it never said was here. */
  release(address: HostAddress, origin: string): void {
    this.#assertions.delete(address);
    for (const listener of this.#listeners) listener(address);
    if (this.#lastOwnWord(address)?.fact.type !== 'routerd.client.ipv4.expired')
      this.#record([{ address, origin, type: 'routerd.client.ipv4.expired' }]);
  }

  /**
   * A router of this site captures the addresses: what was seen of them here is repeated no more, also when the registry is lost later and
   * nobody knows of the capture. Says nothing; what was said stands to its TTL.
   */
  hush(addresses: readonly HostAddress[]): void {
    for (const address of addresses) {
      const asserted = this.#assertions.get(address);
      if (asserted === undefined || asserted.origin === STATIC) continue;
      this.#assertions.delete(address);
      for (const listener of this.#listeners) listener(address);
    }
  }

  /** Told of an address that this node speaks of no more, whatever was seen of it: who sees it again has news. */
  onReleased(listener: (address: HostAddress) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
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
    this.#alarm.set(undefined);
    this.#assertions.clear();
  }

  #assertAll(addresses: readonly HostAddress[], origin: string): void {
    const { clock } = this.#ports;
    const half = this.#options.ttl / 2;
    const fresh = addresses.filter((address) => !this.#assertions.has(address) && this.#options.isMobile(address));
    if (fresh.length === 0) return;
    const unsaid: Word[] = [];
    for (const address of fresh) {
      const last = this.#lastOwnFact(address);
      const age = last === undefined ? Number.POSITIVE_INFINITY : clock.now() - last;
      if (age < half) this.#keep(address, origin, half - age);
      else unsaid.push({ address, origin, type: 'routerd.client.ipv4.observed' });
    }
    this.#say(unsaid);
    this.#schedule();
  }

  #renew(): void {
    const due = this.#ports.clock.monotonic() + (this.#options.ttl / 2) * TOGETHER_SHARE;
    const words: Word[] = [];
    this.#nextDue = Number.POSITIVE_INFINITY as Monotonic;
    for (const [address, { origin, dueAt }] of this.#assertions) {
      if (dueAt <= due) words.push({ address, origin, type: 'routerd.client.ipv4.observed' });
      else if (dueAt < this.#nextDue) this.#nextDue = dueAt;
    }
    this.#say(words);
    this.#schedule();
  }

  #schedule(): void {
    this.#alarm.set(this.#assertions.size === 0 ? undefined : this.#nextDue);
  }

  /** What may not be said is asserted no more. */
  #say(words: readonly Word[]): void {
    const said = this.#record(words);
    for (const [index, { address, origin }] of words.entries()) {
      if (said[index] === true) this.#keep(address, origin, this.#options.ttl / 2);
      else this.#assertions.delete(address);
    }
  }

  #keep(address: HostAddress, origin: string, wait: number): void {
    const dueAt = (this.#ports.clock.monotonic() + wait) as Monotonic;
    this.#assertions.set(address, { origin, dueAt });
    if (dueAt < this.#nextDue) this.#nextDue = dueAt;
  }

  /** When this node last said `observed` about the address, by the steady clock that facts are accepted by; undefined if its last word was another. */
  #lastOwnFact(address: HostAddress): number | undefined {
    const own = this.#lastOwnWord(address);
    return own?.fact.type === 'routerd.client.ipv4.observed' ? own.acceptedAt : undefined;
  }

  #lastOwnWord(address: HostAddress): AcceptedFact | undefined {
    return this.#ports.facts.latest(this.#options.self, address);
  }

  /** @returns whether each was recorded */
  #record(words: readonly Word[]): readonly boolean[] {
    if (words.length === 0) return [];
    const { pool, site, ttl } = this.#options;
    const { facts, log } = this.#ports;
    const drafts = words.map(({ address, origin, type }): FactDraft => ({ type, address, pool, site, ttl, origin }));
    return facts.recordAll(drafts).map((recorded, index) => {
      const word = words[index];
      if (recorded.ok)
        log.info('fact recorded', {
          event: 'federation.fact.recorded',
          ...word,
          sequence: recorded.value.sequence,
        });
      else log.info('fact refused', { event: 'federation.fact.refused-local', ...word, code: recorded.error.code });
      return recorded.ok;
    });
  }
}
