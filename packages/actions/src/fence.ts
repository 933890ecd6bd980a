/**
 * The two epoch fences. The cached one is mobility's pure predicate over what was read of the registry; it sorts out early what is
 * certainly stale. The one that admits a provider call is confirmed by a quorum write (ADR 0005): reading never is.
 */
import {
  fenceAction,
  type ActionProposal,
  type CaptureKey,
  type CaptureRecord,
  type CaptureTransition,
} from '@routerd/mobility';
import type { NodeName } from '@routerd/resources';
import type { FenceAppendOutcome, FenceRegistry } from './ports.ts';

export type FenceVerdict =
  /** `record` was won in the total order: at that point the proposal's epoch was current. */
  | { readonly kind: 'admitted'; readonly record: CaptureRecord }
  | { readonly kind: 'stale'; readonly current: CaptureRecord | undefined }
  /** No quorum, or other writers came first twice. Nothing was admitted; try again later. */
  | { readonly kind: 'later'; readonly detail: string };

/** What the journal keeps for a fenced action: the words of mobility's `fenceAction`, which other tools look for. */
export const STALE_MESSAGE = 'stale mobility capture epoch';

/** How often one confirmation is written: a record of the same tenure may come in between once, as when the planner writes too. */
const WRITES_MAX = 2;

/**
 * Confirms that this node may still do what each proposal says: appends the next revision of its key, same epoch, and sees it come back.
 * All keys of a batch go in one append. Never throws; cancellation is `later`.
 * @returns one verdict per proposal, in the order given
 */
export async function confirmFence(
  registry: FenceRegistry,
  self: NodeName,
  proposals: readonly ActionProposal[],
  signal: AbortSignal,
): Promise<readonly FenceVerdict[]> {
  const verdicts = new Map<CaptureKey, FenceVerdict>();
  for (let writes = 1; writes <= WRITES_MAX; writes += 1) {
    const open = distinctByKey(proposals).filter(
      ({ captureKey }) => (verdicts.get(captureKey)?.kind ?? 'later') === 'later',
    );
    const transitions: CaptureTransition[] = [];
    for (const proposal of open) {
      const current = registry.records().get(proposal.captureKey);
      if (current === undefined || isFenced(proposal, current, self))
        verdicts.set(proposal.captureKey, { kind: 'stale', current });
      else transitions.push(confirmationOf(proposal, current));
    }
    if (transitions.length === 0) break;
    const outcomes = await registry.append(transitions, signal);
    for (const [index, { key }] of transitions.entries()) verdicts.set(key, verdictOf(outcomes[index]));
    if (![...verdicts.values()].some(({ kind }) => kind === 'later') || wasUnreachable(outcomes)) break;
  }
  return proposals.map(({ captureKey }) => verdicts.get(captureKey) ?? { kind: 'stale', current: undefined });
}

/** The cached fence. An action for another node's capture is never ours to execute. */
export function isFenced(proposal: ActionProposal, current: CaptureRecord | undefined, self: NodeName): boolean {
  return proposal.captureHolder !== self || !fenceAction(proposal, current).ok;
}

/** Same tenure, next revision. An acquiring holder becomes `confirmed`: from here on the provider may have been changed. */
function confirmationOf(proposal: ActionProposal, current: CaptureRecord): CaptureTransition {
  const acquires = proposal.verb === 'assign-secondary-ip' || proposal.verb === 'ensure-forwarding-enabled';
  return {
    key: current.key,
    pool: current.pool,
    address: current.address,
    domain: current.domain,
    basedOn: current.revision,
    epoch: current.epoch,
    holder: current.holder,
    phase: acquires && current.phase === 'acquiring' ? 'confirmed' : current.phase,
    previous: current.previous,
    reason: `fence confirmed for ${proposal.verb}`,
  };
}

function verdictOf(outcome: FenceAppendOutcome | undefined): FenceVerdict {
  if (outcome?.kind === 'won') return { kind: 'admitted', record: outcome.record };
  if (outcome?.kind === 'lost') return { kind: 'later', detail: `another record came first: ${outcome.because}` };
  return { kind: 'later', detail: outcome?.detail ?? 'the registry gave no outcome' };
}

function wasUnreachable(outcomes: readonly FenceAppendOutcome[]): boolean {
  return outcomes.some(({ kind }) => kind === 'unreachable');
}

function distinctByKey(proposals: readonly ActionProposal[]): readonly ActionProposal[] {
  return [...new Map(proposals.map((proposal) => [proposal.captureKey, proposal])).values()];
}
