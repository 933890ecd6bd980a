import type { HostOp } from '../host-op.ts';

/** What one part of the host needs, activation apart from deactivation. */
export interface Changes {
  readonly add: readonly HostOp[];
  readonly remove: readonly HostOp[];
}
