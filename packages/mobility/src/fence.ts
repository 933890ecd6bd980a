/** The fence predicate: may this action still be carried out, judging by the record that stands? */
import { err, ok, type NodeName, type Result } from '@routerd/resources';
import type { CaptureEpoch, CaptureKey, CaptureRecord } from './capture-record.ts';
import type { ActionVerb } from './model.ts';

export interface FenceFault {
  readonly code: 'provider.stale-epoch';
  /** Exactly `stale mobility capture epoch`; other tools look for it. */
  readonly message: string;
  readonly detail: string;
}

export interface FencedAction {
  readonly verb: ActionVerb;
  readonly captureKey: CaptureKey;
  readonly captureEpoch: CaptureEpoch;
  /** The node that carries the action out. */
  readonly captureHolder: NodeName;
}

/** An unknown key is stale: an action of ours always has a record. */
export function fenceAction(
  action: FencedAction,
  record: CaptureRecord | undefined,
): Result<CaptureRecord, FenceFault> {
  const stale = (detail: string): Result<CaptureRecord, FenceFault> =>
    err({ code: 'provider.stale-epoch', message: 'stale mobility capture epoch', detail });
  if (record === undefined) return stale(`the registry has no record of ${action.captureKey}`);
  if (record.epoch !== action.captureEpoch)
    return stale(`epoch ${action.captureEpoch} was offered, ${record.epoch} stands`);
  const isHolder = record.holder === action.captureHolder;
  const acquires = action.verb === 'assign-secondary-ip' || action.verb === 'ensure-forwarding-enabled';
  // Forwarding attracts nothing: a router that stands by may have it while somebody holds.
  const standsBy = action.verb === 'ensure-forwarding-enabled' && record.phase === 'held';
  if (acquires && !isHolder && !standsBy)
    return stale(`${record.holder ?? 'nobody'} holds, not ${action.captureHolder}`);
  if (acquires && record.phase === 'releasing') return stale(`${action.captureHolder} is releasing`);
  if (!acquires && isHolder && record.phase !== 'releasing')
    return stale(`${action.captureHolder} holds and is not releasing`);
  return ok(record);
}
