/** Which addresses news of the host or of a NIC concerns. Pure. */
import type { NicObservation } from '@routerd/mobility';
import type { HostAddress } from '@routerd/resources';
import type { PoolState } from './pool-state.ts';

export function symmetricDifference<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): readonly T[] {
  return [...a].filter((item) => !b.has(item)).concat([...b].filter((item) => !a.has(item)));
}

/** A NIC reading concerns the addresses it added or lost, and those whose capture by this node is still moving. */
export function addressesConcernedBy(
  pool: PoolState,
  before: NicObservation | undefined,
  nic: NicObservation,
): Iterable<HostAddress> {
  if (before?.kind !== 'known' || nic.kind !== 'known' || before.forwarding !== nic.forwarding) return pool.addresses();
  return new Set([...symmetricDifference(before.addresses, nic.addresses), ...pool.movingOnSelf()]);
}
