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
  const changed = changes.filter(({ before, after }) => contentOf(before?.lease) !== contentOf(after.lease));
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

function contentOf(lease: AddressLease | undefined): string {
  if (lease === undefined) return '';
  const { status, site, ownerNode, leaseEpoch, expiresAt, challenger, moves, frozen, handingTo } = lease;
  return [
    status,
    site,
    ownerNode,
    leaseEpoch,
    expiresAt,
    challenger?.site ?? '',
    moves?.length ?? 0,
    frozen?.since ?? '',
    handingTo ?? '',
  ].join('|');
}
