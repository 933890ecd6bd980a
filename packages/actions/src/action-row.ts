/** Rules about single rows of the journal. Pure; both journals and the engine build on them. */
import type { ActionProposal } from '@routerd/mobility';
import { unreachable } from '@routerd/resources';
import type { ActionRow, ActionStatus, NicState } from './ports.ts';

/** Not begun yet: may still be approved, skipped or changed. */
export const WAITING_STATUSES = ['pending', 'approved'] as const satisfies readonly ActionStatus[];

/** Over, unless the plan wants it again. `failed` is not: it is tried again, or stands there for an operator. */
export const FINISHED_STATUSES = ['succeeded', 'skipped', 'rolledBack'] as const satisfies readonly ActionStatus[];

/** In `observed` of a row that succeeded: whether the NIC was as the action wants it before the call, `true` or `false`. */
export const PRIOR_KEY = 'wasInEffect';

/** What an operator's undo of an action has for a key, after the action's own. */
const UNDO_SUFFIX = ':undo';

export function undoKeyOf(idempotencyKey: string): string {
  return `${idempotencyKey}${UNDO_SUFFIX}`;
}

/** @returns the key of the action that this one undoes; undefined for every other */
export function undoneKeyOf(idempotencyKey: string): string | undefined {
  return idempotencyKey.endsWith(UNDO_SUFFIX) ? idempotencyKey.slice(0, -UNDO_SUFFIX.length) : undefined;
}

/** The message of a row that the plan dropped before it ran. Proposed again, it is opened again. */
export const UNWANTED_MESSAGE = 'no longer wanted by the plan';

/** Whether the NIC is already as the action wants it. */
export function isInEffect(
  { verb, address }: ActionProposal,
  nic: Pick<NicState, 'forwarding'> & AddressList,
): boolean {
  switch (verb) {
    case 'assign-secondary-ip':
      return holds(nic, address);
    case 'unassign-secondary-ip':
      return !holds(nic, address);
    case 'ensure-forwarding-enabled':
      return nic.forwarding;
    case 'ensure-forwarding-disabled':
      return !nic.forwarding;
    default:
      return unreachable(verb);
  }
}

interface AddressList {
  readonly addresses: readonly ActionProposal['address'][] | ReadonlySet<ActionProposal['address']>;
}

function holds({ addresses }: AddressList, address: ActionProposal['address']): boolean {
  return addresses instanceof Set ? addresses.has(address) : [...addresses].includes(address);
}

/**
 * What a row says after the planner proposed its key again: the newest proposal, but a seize stays once it was there.
 * (A plan that forgets it on its second pass would turn the take-over into an assign that the provider refuses.)
 * @returns the row's own proposal, the same object, when nothing changes or the row is past changing
 */
export function refreshedProposal(row: ActionRow, proposal: ActionProposal): ActionProposal {
  if (!['pending', 'approved', 'failed', 'skipped'].includes(row.status)) return row.proposal;
  const isSameCapture = row.proposal.captureKey === proposal.captureKey;
  const seize = proposal.seize ?? (isSameCapture ? row.proposal.seize : undefined);
  const refreshed = seize === proposal.seize ? proposal : { ...proposal, seize };
  return isSameProposal(row.proposal, refreshed) ? row.proposal : refreshed;
}

/** True if both say the same; the reasons are not compared, they are for people. */
export function isSameProposal(a: ActionProposal, b: ActionProposal): boolean {
  if (a === b) return true;
  return SAID.every((field) => a[field] === b[field]) && a.seize?.from === b.seize?.from && isSameTarget(a, b);
}

/** Asked for every action of a pool whenever one of them changes, so nothing is built to compare. */
const SAID = [
  'idempotencyKey',
  'pool',
  'provider',
  'providerRef',
  'nicRef',
  'verb',
  'address',
  'captureKey',
  'captureDomain',
  'captureEpoch',
  'captureHolder',
  'riskLevel',
] as const satisfies readonly (keyof ActionProposal)[];

function isSameTarget({ target: a }: ActionProposal, { target: b }: ActionProposal): boolean {
  if (a === b) return true;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

/** True if an approval of `a` does not cover `b`: another address, another NIC, or an address taken from somebody. */
export function isMaterialChange(a: ActionProposal, b: ActionProposal): boolean {
  return a.address !== b.address || a.nicRef !== b.nicRef || a.seize?.from !== b.seize?.from || !isSameTarget(a, b);
}
