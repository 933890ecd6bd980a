/** The cached fence as a pure predicate. */
import type { ActionProposal, CaptureRecord } from '@routerd/mobility';

/** The exact words that the journal keeps for a fenced action. */
export const STALE_MESSAGE = 'stale mobility capture epoch';

/** An unknown key is stale: what the registry does not know was never admitted by it. */
export function isStale(proposal: ActionProposal, current: CaptureRecord | undefined): boolean {
  if (current === undefined || proposal.captureEpoch !== current.epoch) return true;
  const acquires = proposal.verb === 'assign-secondary-ip' || proposal.verb === 'ensure-forwarding-enabled';
  if (acquires) return proposal.captureHolder !== current.holder || current.phase === 'releasing';
  return proposal.captureHolder === current.holder && current.phase !== 'releasing';
}
