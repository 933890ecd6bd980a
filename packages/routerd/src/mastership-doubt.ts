/**
 * Which of two masters is the later one. A router hears of its own role from VRRP and of other routers' claims from the hub, each in its
 * own time: a new master may have claimed an address before the old one reads that it is none any more. One that believed its role then would
 * claim back what was just taken from it, and the address would move three times in place of one.
 *
 * Whoever is overtaken while it takes itself for the master doubts that role until VRRP says something new, or has said nothing for a
 * while: then both are masters, because they do not hear each other, and the addresses may not be left to a router that VRRP does not prefer.
 */
import type { CaptureRecord, PoolContext } from '@routerd/mobility';
import { instant, type Instant } from '@routerd/resources';
import { roleForPool, type RoleOf } from './vrrp-gates.ts';

/** A change of role is there within milliseconds; a busy daemon reads it somewhat later. Milliseconds. */
const NEWS_WITHIN_MS = 1000;

export interface HeldRecords {
  readonly context: PoolContext;
  record(address: CaptureRecord['address'], domain: CaptureRecord['domain']): CaptureRecord | undefined;
}

export class MastershipDoubt {
  readonly #until = new Map<HeldRecords, Instant>();

  /** Before the pool takes the record in. What is read for the first time overtakes nobody. @returns whether a doubt begins with it */
  accept(pool: HeldRecords, record: CaptureRecord | undefined, roleOf: RoleOf, now: Instant): boolean {
    const { self, selfMember, name } = pool.context;
    if (record === undefined || record.pool !== name || record.domain !== selfMember?.domain) return false;
    if (record.holder === undefined || record.holder === self || roleForPool(pool.context, roleOf) !== 'master')
      return false;
    const before = pool.record(record.address, record.domain);
    if (before?.holder !== self || before.epoch >= record.epoch || this.has(pool, now)) return false;
    this.#until.set(pool, instant(now + NEWS_WITHIN_MS));
    return true;
  }

  has(pool: HeldRecords, now: Instant): boolean {
    return now < (this.#until.get(pool) ?? now);
  }

  /** When the first of them is over by itself. */
  endsAt(): Instant | undefined {
    return [...this.#until.values()].toSorted((a, b) => a - b)[0];
  }

  /** Those that are over. */
  forget(now: Instant): void {
    for (const [pool, until] of this.#until) if (until <= now) this.#until.delete(pool);
  }

  /** VRRP has said something new: it is believed again. */
  clear(): void {
    this.#until.clear();
  }
}
