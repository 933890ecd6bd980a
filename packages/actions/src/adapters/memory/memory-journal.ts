/** A journal in memory: the twin of the store's, for tests and simulation. Lost with the process. */
import type { ActionProposal } from '@routerd/mobility';
import type { Instant } from '@routerd/resources';
import { refreshedProposal } from '../../action-row.ts';
import type { ActionRow, ActionStatus, AttemptRow, Journal } from '../../ports.ts';

export function createMemoryJournal(): Journal {
  const rows: ActionRow[] = [];
  const attempts: AttemptRow[] = [];
  const replace = (row: ActionRow): ActionRow => {
    rows[row.id - 1] = row;
    return row;
  };
  return {
    importProposal(proposal, now) {
      const existing = rows.find((row) => row.proposal.idempotencyKey === proposal.idempotencyKey);
      if (existing === undefined) {
        const row = newRow(rows.length + 1, proposal, now);
        rows.push(row);
        return { row, isNew: true };
      }
      const refreshed = refreshedProposal(existing, proposal);
      const isUnchanged = refreshed === existing.proposal;
      return {
        row: isUnchanged ? existing : replace({ ...existing, proposal: refreshed, updatedAt: now }),
        isNew: false,
      };
    },
    get: (id) => rows[id - 1],
    byKey: (idempotencyKey) => rows.find((row) => row.proposal.idempotencyKey === idempotencyKey),
    list: (filter = {}) =>
      rows.filter(
        ({ status, proposal }) =>
          (filter.status === undefined || status === filter.status) &&
          (filter.provider === undefined || proposal.provider === filter.provider),
      ),
    transition(ids, from, change, now) {
      const changed = ids.flatMap((id) => rows[id - 1] ?? []).filter((row) => isOneOf(row.status, from));
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
