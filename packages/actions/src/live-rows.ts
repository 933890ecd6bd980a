/**
 * The journal as the engine works with it: rows that are not finished are kept in memory, so that deciding reads no disk.
 * Every write goes through; nothing is remembered that the journal did not accept, and a refused change is read again.
 */
import type { ActionRow, ActionStatus, Journal } from './ports.ts';

/** Statuses whose rows are all in memory from the start. */
const LIVE: readonly ActionStatus[] = ['pending', 'approved', 'running', 'failed'];

export function liveRows(journal: Journal): Journal {
  const rows = new Map<number, ActionRow>();
  const byStatus = new Map<ActionStatus, Map<number, ActionRow>>(LIVE.map((status) => [status, new Map()]));
  const keep = (row: ActionRow): ActionRow => {
    const before = rows.get(row.id);
    if (before !== undefined) byStatus.get(before.status)?.delete(row.id);
    rows.set(row.id, row);
    byStatus.get(row.status)?.set(row.id, row);
    return row;
  };
  for (const status of LIVE) for (const row of journal.list({ status })) keep(row);

  return {
    ...journal,
    importProposal(proposal, now) {
      const { row, isNew } = journal.importProposal(proposal, now);
      return { row: keep(row), isNew };
    },
    get(id) {
      const row = rows.get(id) ?? journal.get(id);
      return row === undefined || rows.has(id) ? row : keep(row);
    },
    list(filter = {}) {
      const live =
        filter.provider === undefined && filter.status !== undefined ? byStatus.get(filter.status) : undefined;
      return live === undefined ? journal.list(filter) : [...live.values()].toSorted((a, b) => a.id - b.id);
    },
    transition(ids, from, change, now) {
      const changed = journal.transition(ids, from, change, now);
      const isChanged = new Set(changed);
      for (const id of ids) {
        const known = rows.get(id);
        // A row that was not in one of `from` is not as we thought: somebody else wrote, and the journal is right.
        const row =
          isChanged.has(id) && known !== undefined ? { ...known, ...change, updatedAt: now } : journal.get(id);
        if (row !== undefined) keep(row);
      }
      return changed;
    },
    prune(limits) {
      const gone = journal.prune(limits);
      for (const id of gone) {
        byStatus.get(rows.get(id)?.status ?? 'succeeded')?.delete(id);
        rows.delete(id);
      }
      return gone;
    },
  };
}
