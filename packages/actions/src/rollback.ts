/**
 * What an operator may undo. Pure.
 *
 * 1. Only what succeeded, and only where its policies all have `allowUndo`.
 * 2. Only what it changed: the state that the NIC had before is restored, never guessed. Without a reading from before there is no undo.
 * 3. Under the epoch that stands now, and never what this node holds: that is the plan's, and would come back as drift within a minute.
 */
import {
  fenceAction,
  type ActionProposal,
  type ActionVerb,
  type CaptureRecord,
  type NicObservation,
} from '@routerd/mobility';
import type { NodeName } from '@routerd/resources';
import { isInEffect, PRIOR_KEY, undoKeyOf } from './action-row.ts';
import type { ActionFault } from './operator-orders.ts';
import { policiesFor, type ActionPolicy } from './policy.ts';
import type { ActionRow } from './ports.ts';

export interface UndoQuestion {
  readonly row: ActionRow;
  readonly reading: NicObservation;
  /** As far as the registry was read; the confirmed fence comes before the call. */
  readonly record: CaptureRecord | undefined;
  readonly self: NodeName;
  readonly policies: readonly ActionPolicy[];
}

export type UndoPlan =
  | { readonly kind: 'undo'; readonly proposal: ActionProposal }
  | { readonly kind: 'nothing-to-restore'; readonly message: string }
  | { readonly kind: 'refused'; readonly fault: ActionFault };

const OPPOSITE: Readonly<Record<ActionVerb, ActionVerb>> = {
  'assign-secondary-ip': 'unassign-secondary-ip',
  'unassign-secondary-ip': 'assign-secondary-ip',
  'ensure-forwarding-enabled': 'ensure-forwarding-disabled',
  'ensure-forwarding-disabled': 'ensure-forwarding-enabled',
};

export function planUndo({ row, reading, record, self, policies }: UndoQuestion): UndoPlan {
  const { proposal, status, observed } = row;
  const refused = (code: ActionFault['code'], message: string, remedy: string): UndoPlan => ({
    kind: 'refused',
    fault: { code, message, remedy },
  });
  if (status !== 'succeeded')
    return refused(
      'action.not-succeeded',
      `action is ${status}, not succeeded`,
      'Only what took effect can be undone.',
    );
  const asked = policiesFor(policies, proposal);
  const strict = asked.find(({ spec }) => !spec.allowUndo);
  if (strict !== undefined || asked.length === 0) {
    const name = strict?.metadata.name ?? 'a ProviderActionPolicy that covers it';
    const message = `policy gate denied action ${row.id}: refused: policy.allowUndo is false`;
    return refused('action.gate-denied', message, `Set spec.allowUndo: true in ${name}.`);
  }
  const prior = observed[PRIOR_KEY];
  if (prior === 'true') return { kind: 'nothing-to-restore', message: 'nothing to restore: it was so before' };
  if (prior === undefined)
    return refused(
      'action.no-prior-state',
      `nobody knows what the NIC was like before action ${row.id}`,
      'Change it at the provider by hand if it has to be changed.',
    );
  if (reading.kind === 'known' && !isInEffect(proposal, reading))
    return { kind: 'nothing-to-restore', message: 'nothing to restore: it is not in effect any more' };
  const verb = OPPOSITE[proposal.verb];
  const captureEpoch = record?.epoch ?? proposal.captureEpoch;
  const undo: ActionProposal = {
    ...proposal,
    idempotencyKey: undoKeyOf(proposal.idempotencyKey),
    verb,
    captureEpoch,
    captureHolder: self,
    seize: undefined,
    because: [],
  };
  const fenced = fenceAction(undo, record);
  if (fenced.ok) return { kind: 'undo', proposal: undo };
  return refused(
    'action.still-held',
    `${verb} of ${proposal.address} is fenced: ${fenced.error.detail}`,
    'What a node holds the plan would do again. Move the capture first: `routerctl drain`, or change the pool.',
  );
}
