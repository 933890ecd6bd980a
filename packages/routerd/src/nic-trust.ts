/**
 * Which part of a NIC's reading a new tenure may rely on. While another router held an address it may have taken it off this node's NIC,
 * of which a reading from before says nothing: a tenure that believed it would call a capture verified that is not there.
 *
 * An address whose tenure changed is taken for absent until the NIC was read again, but only while this node acquires it: assigning what
 * is there already changes nothing, and its answer is a new reading. Whoever releases believes the worse, that it is still there.
 */
import type { CaptureRecord, NicObservation } from '@routerd/mobility';
import type { HostAddress } from '@routerd/resources';
import type { PoolState } from './pool-state.ts';

export class NicTrust {
  /** Of each address the reading that was the last one when its tenure changed. A newer one is another object. */
  readonly #outdated = new Map<PoolState, Map<HostAddress, NicObservation>>();

  /** Before the pool takes the record in. What is read for the first time, as after a restart, is no change. */
  accept(pool: PoolState, record: CaptureRecord | undefined, reading: NicObservation): void {
    if (record === undefined || record.pool !== pool.context.name) return;
    if (record.domain !== pool.context.selfMember?.domain || reading.kind === 'unknown') return;
    const before = pool.record(record.address, record.domain);
    if (before === undefined || before.epoch === record.epoch) return;
    const outdated = this.#outdated.get(pool) ?? new Map<HostAddress, NicObservation>();
    this.#outdated.set(pool, outdated.set(record.address, reading));
  }

  /**
   * The reading shows an address that another router has verified on its own NIC: it was taken from this one, and only a new reading shows
   * what is left to do here.
   */
  isOvertaken(pool: PoolState, record: CaptureRecord | undefined, reading: NicObservation): boolean {
    const { self, selfMember, name } = pool.context;
    return (
      record?.phase === 'held' &&
      record.pool === name &&
      record.holder !== self &&
      record.domain === selfMember?.domain &&
      reading.kind === 'known' &&
      reading.addresses.has(record.address)
    );
  }

  /** @returns the reading itself when all of it may be relied on. Cost: the addresses whose tenure changed since it was made */
  trusted(pool: PoolState, reading: NicObservation): NicObservation {
    const outdated = this.#outdated.get(pool);
    if (outdated === undefined || reading.kind === 'unknown') return reading;
    const doubted = new Set<HostAddress>();
    for (const [address, then] of outdated) {
      if (then !== reading) outdated.delete(address);
      else if (reading.addresses.has(address) && isAcquiring(pool, address)) doubted.add(address);
    }
    return doubted.size === 0 ? reading : { ...reading, addresses: reading.addresses.difference(doubted) };
  }
}

function isAcquiring(pool: PoolState, address: HostAddress): boolean {
  const { self, selfMember } = pool.context;
  const record = selfMember === undefined ? undefined : pool.record(address, selfMember.domain);
  return record?.holder === self && (record.phase === 'acquiring' || record.phase === 'confirmed');
}
