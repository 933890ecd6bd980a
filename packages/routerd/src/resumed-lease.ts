/** Leases as a new process takes them up again. */
import type { AddressLease } from '@routerd/mobility';
import type { Instant } from '@routerd/resources';

/**
 * The clock may have been set while nobody ran: nothing began later than now, and a hold begins anew, because this process has not heard
 * what would have ended it.
 */
export function resumedLease({ lapsingSince: _lapsingSince, ...lease }: AddressLease, now: Instant): AddressLease {
  return { ...lease, since: Math.min(lease.since, now) as Instant };
}
