/** A journal in memory: the twin of the store's, for tests and simulation. Lost with the process. */
import type { ActionProposal } from '@routerd/mobility';
import type { Instant } from '@routerd/resources';
import { FINISHED_STATUSES, refreshedProposal } from '../../action-row.ts';
import type { ActionRow, ActionStatus, AttemptRow, Journal } from '../../ports.ts';

export function createMemoryJournal(): Journal {
  const rows = new Map<number, ActionRow>();
  let attempts: AttemptRow[] = [];
  let lastId = 0;
  const replace = (row: ActionRow): ActionRow => {
    rows.set(row.id, row);
    return row;
  };
  const byKey = (key: string): ActionRow | undefined =>
    [...rows.values()].find((row) => row.proposal.idempotencyKey === key);
  return {
    importProposal(proposal, now) {
      const existing = byKey(proposal.idempotencyKey);
      if (existing === undefined) {
        lastId += 1;
        return { row: replace(newRow(lastId, proposal, now)), isNew: true };
      }
      const refreshed = refreshedProposal(existing, proposal);
      const isUnchanged = refreshed === existing.proposal;
      return {
        row: isUnchanged ? existing : replace({ ...existing, proposal: refreshed, updatedAt: now }),
        isNew: false,
      };
    },
    get: (id) => rows.get(id),
    byKey,
    list: (filter = {}) =>
      [...rows.values()].filter(
        ({ status, proposal }) =>
          (filter.status === undefined || status === filter.status) &&
          (filter.provider === undefined || proposal.provider === filter.provider),
      ),
    transition(ids, from, change, now) {
      const changed = ids.flatMap((id) => rows.get(id) ?? []).filter((row) => isOneOf(row.status, from));
      for (const row of changed) replace({ ...row, ...change, updatedAt: now });
      return changed.map(({ id }) => id);
    },
    openAttempt(actionIds, attempt, now) {
      attempts.push({ actionIds, attempt, startedAt: now, endedAt: undefined, outcome: undefined });
    },
    closeAttempt(attempt, outcome, now) {
      const index = attempts.findIndex((row) => row.attempt === attempt && row.endedAt === undefined);
      const open = attempts[index];
      if (open !== undefined) attempts[index] = { ...open, outcome, endedAt: now };
    },
    attempts: (actionId) => attempts.filter(({ actionIds }) => actionIds.includes(actionId)),
    prune({ olderThan, keepRows, except }) {
      const finished = [...rows.values()]
        .filter(({ status }) => isOneOf(status, FINISHED_STATUSES))
        .toSorted((a, b) => b.updatedAt - a.updatedAt || b.id - a.id);
      const gone = finished
        .filter((row, index) => (row.updatedAt < olderThan || index >= keepRows) && !except.has(row.id))
        .map(({ id }) => id)
        .toSorted((a, b) => a - b);
      for (const id of gone) rows.delete(id);
      attempts = attempts.flatMap((row) => {
        const actionIds = row.actionIds.filter((id) => rows.has(id));
        return actionIds.length === 0 ? [] : [{ ...row, actionIds }];
      });
      return gone;
    },
  };
}

/** A row as it is first imported. */
function newRow(id: number, proposal: ActionProposal, now: Instant): ActionRow {
  return {
    id,
    proposal,
    status: 'pending',
    approvedBy: undefined,
    attempts: 0,
    nextAttemptAt: undefined,
    errorClass: undefined,
    message: '',
    observed: {},
    createdAt: now,
    updatedAt: now,
  };
}

function isOneOf(status: ActionStatus, statuses: readonly ActionStatus[]): boolean {
  return statuses.includes(status);
}
