/** Everything that must change for a host to be as desired, in order, and what it shows afterwards. Pure. */
import {
  diffHost,
  MemoryLedger,
  observedAfter,
  OwnershipMirror,
  type HostOp,
  type HostState,
  type ObservedHost,
  type OwnedObject,
} from '@routerd/dataplane';
import { unreachable } from '@routerd/resources';

export interface HostPlan {
  readonly ops: readonly HostOp[];
  /** What the host shows now, and once all ops landed. */
  readonly before: ObservedHost;
  readonly after: ObservedHost;
}

export interface PlanInput {
  readonly desired: HostState;
  readonly observed: ObservedHost;
  readonly owned: readonly OwnedObject[];
  /** Remove nothing of ours: the desired state is known to be incomplete. */
  readonly retainSurplus: boolean;
}

/** What one round makes possible (a device that now exists) is planned in the next; more than a few rounds would be a defect. */
const ROUNDS_MAX = 4;

/** Plans until nothing is left, so that a plan that landed is followed by an empty one. */
export function planHost({ desired, observed, owned, retainSurplus }: PlanInput): HostPlan {
  const ledger = new MemoryLedger();
  ledger.record(owned);
  const ownership = new OwnershipMirror(ledger);
  const planned: HostOp[] = [];
  let after = observed;
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const ops = diffHost(desired, after, ownership.entries(), { retainSurplus });
    if (ops.length === 0) break;
    ownership.recordBefore(ops);
    ownership.forgetAfter(ops);
    after = observedAfter(after, ops);
    planned.push(...ops);
  }
  return { ops: planned, before: observed, after };
}

export const OP_EFFECTS = ['add', 'change', 'remove', 'announce'] as const;
export type OpEffect = (typeof OP_EFFECTS)[number];

/**
 * What the op does to the host, as people count changes: what is written as a whole is added where there was nothing of
 * ours. An announcement is heard on the wire and leaves nothing behind.
 */
export function effectOf(op: HostOp, before: ObservedHost): OpEffect {
  switch (op.verb) {
    case 'wireguard-create':
    case 'tunnel-create':
    case 'address-add':
    case 'route-add':
    case 'proxy-neighbor-add':
      return 'add';
    case 'wireguard-configure':
    case 'tunnel-change':
    case 'link-set':
    case 'link-restore':
    case 'route-replace':
    case 'sysctl-set':
    case 'sysctl-restore':
      return 'change';
    case 'mss-replace':
      return before.mssClamps === undefined ? 'add' : 'change';
    case 'sysctl-file-write':
      return before.sysctlFiles.has(op.file.name) ? 'change' : 'add';
    case 'table-replace':
      return before.tables.some(({ family, name }) => family === op.table.family && name === op.table.name)
        ? 'change'
        : 'add';
    case 'wireguard-remove':
    case 'tunnel-remove':
    case 'address-remove':
    case 'route-remove':
    case 'mss-remove':
    case 'sysctl-file-remove':
    case 'table-remove':
    case 'proxy-neighbor-remove':
      return 'remove';
    case 'announce':
      return 'announce';
    default:
      return unreachable(op);
  }
}
