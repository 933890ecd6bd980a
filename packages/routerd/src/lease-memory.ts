/** Leases outlive the process: what changed is told and kept. */
import type { AddressLease, PlanChange } from '@routerd/mobility';
import type { Log } from '@routerd/runtime';

export interface LeaseMemory {
  loadLeases(): readonly AddressLease[];
  saveLeases(changed: readonly AddressLease[], gone: readonly AddressLease[]): void;
}

/** Logs and saves those leases that are not as they were. */
export function rememberLeases(
  { log, leases }: { readonly log: Log; readonly leases: LeaseMemory },
  changes: readonly PlanChange[],
): void {
  const changed = changes.filter(({ before, after }) => !isSameLease(before?.lease, after.lease));
  if (changed.length === 0) return;
  for (const { after } of changed) {
    const { status = 'none', site, ownerNode, leaseEpoch } = after.lease ?? {};
    log.info('lease changed', {
      event: 'mobility.lease.changed',
      address: after.address,
      status,
      site,
      ownerNode,
      leaseEpoch,
    });
  }
  leases.saveLeases(
    changed.flatMap(({ after }) => after.lease ?? []),
    changed.flatMap(({ before, after }) =>
      after.lease === undefined && before?.lease !== undefined ? [before.lease] : [],
    ),
  );
}

/** By what is kept; when it was looked at, and for how long a rival has been there, is news of no change. */
function isSameLease(a: AddressLease | undefined, b: AddressLease | undefined): boolean {
  if (a === b || a === undefined || b === undefined) return a === b;
  return (
    a.status === b.status &&
    a.site === b.site &&
    a.ownerNode === b.ownerNode &&
    a.leaseEpoch === b.leaseEpoch &&
    a.expiresAt === b.expiresAt &&
    a.challenger?.site === b.challenger?.site &&
    (a.moves?.length ?? 0) === (b.moves?.length ?? 0) &&
    a.frozen?.since === b.frozen?.since &&
    a.handingTo === b.handingTo
  );
}
