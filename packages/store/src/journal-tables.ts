/** The journal of provider actions: one row per action, one per attempt. */
import {
  FINISHED_STATUSES,
  refreshedProposal,
  type ActionRow,
  type ActionStatus,
  type AttemptRow,
  type ErrorClass,
  type Journal,
} from '@routerd/actions';
import type { ActionProposal } from '@routerd/mobility';
import type { Instant } from '@routerd/resources';
import { decode, encode } from './row-codec.ts';
import type { StateFile } from './state-file.ts';

interface ActionColumns {
  readonly id: number;
  readonly proposal: string;
  readonly status: ActionStatus;
  readonly approved_by: string | null;
  readonly attempts: number;
  readonly next_attempt_at: Instant | null;
  readonly error_class: ErrorClass | null;
  readonly message: string;
  readonly observed: string;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

interface AttemptColumns {
  readonly attempt: string;
  readonly actionIds: string;
  readonly started_at: Instant;
  readonly ended_at: Instant | null;
  readonly outcome: string | null;
}

type Change = Parameters<Journal['transition']>[2];

const COLUMN_OF = {
  status: 'status',
  approvedBy: 'approved_by',
  attempts: 'attempts',
  nextAttemptAt: 'next_attempt_at',
  errorClass: 'error_class',
  message: 'message',
  observed: 'observed',
} as const satisfies Record<keyof Change, string>;

export function journalOn(file: StateFile): Journal {
  return { ...actionsOn(file), ...attemptsOn(file), prune: pruningOn(file) };
}

type Actions = Pick<Journal, 'importProposal' | 'get' | 'byKey' | 'list' | 'transition'>;

function actionsOn(file: StateFile): Actions {
  const { durable, relaxed } = file;
  const byId = durable.prepare<[number], ActionColumns>('SELECT * FROM actions WHERE id = ?');
  const byKey = durable.prepare<[string], ActionColumns>('SELECT * FROM actions WHERE idempotency_key = ?');
  const list = durable.prepare<[{ status: string | null; provider: string | null }], ActionColumns>(
    'SELECT * FROM actions WHERE status = coalesce($status, status) AND provider = coalesce($provider, provider) ORDER BY id',
  );
  const listStatus = durable.prepare<[string], ActionColumns>('SELECT * FROM actions WHERE status = ? ORDER BY id');
  const insert = relaxed.prepare<[string, string, string, number, number], ActionColumns>(
    `INSERT INTO actions (idempotency_key, provider, status, proposal, attempts, message, observed, created_at, updated_at)
     VALUES (?, ?, 'pending', ?, 0, '', '{}', ?, ?) RETURNING *`,
  );
  const refresh = relaxed.prepare<[string, number, number], ActionColumns>(
    'UPDATE actions SET proposal = ?, updated_at = ? WHERE id = ? RETURNING *',
  );
  const get = (id: number): ActionRow | undefined => file.read(() => rowOf(byId.get(id)));
  const find = (key: string): ActionRow | undefined => file.read(() => rowOf(byKey.get(key)));
  return {
    importProposal(proposal, now) {
      const { idempotencyKey: key, provider } = proposal;
      const existing = find(key);
      if (existing === undefined) {
        const row = file.write('relaxed', () => rowOf(insert.get(key, provider, encode(proposal), now, now)));
        if (row === undefined) throw new Error('an insert without a conflict returns its row');
        return { row, isNew: true };
      }
      const refreshed = refreshedProposal(existing, proposal);
      if (refreshed === existing.proposal) return { row: existing, isNew: false };
      const row = file.write('relaxed', () => rowOf(refresh.get(encode(refreshed), now, existing.id)));
      return { row: row ?? existing, isNew: false };
    },
    get,
    byKey: find,
    list: ({ status, provider } = {}) =>
      file.read(() => {
        const isByStatus = status !== undefined && provider === undefined;
        const columns = isByStatus
          ? listStatus.all(status)
          : list.all({ status: status ?? null, provider: provider ?? null });
        return columns.flatMap((each) => rowOf(each) ?? []);
      }),
    transition: (ids, from, change, now) => (ids.length === 0 ? [] : transition(file, { ids, from, change, now })),
  };
}

function transition(
  file: StateFile,
  { ids, from, change, now }: { ids: readonly number[]; from: readonly ActionStatus[]; change: Change; now: Instant },
): readonly number[] {
  const entries = Object.entries(change) as [keyof Change, Change[keyof Change]][];
  const assignments = [...entries.map(([field]) => `${COLUMN_OF[field]} = ?`), 'updated_at = ?'];
  const values = [...entries.map(([, value]) => columnValue(value)), now];
  const allowed = from.map(() => '?').join(', ');
  const connection = change.status === undefined ? 'relaxed' : 'durable';
  return file.write(connection, () => {
    const statement = file[connection].prepare(
      `UPDATE actions SET ${assignments.join(', ')} WHERE id = ? AND status IN (${allowed})`,
    );
    return ids.filter((id) => statement.run(...values, id, ...from).changes > 0);
  });
}

function columnValue(value: Change[keyof Change]): string | number | null {
  if (value === undefined) return null;
  return typeof value === 'object' ? encode(value) : value;
}

function attemptsOn(file: StateFile): Pick<Journal, 'openAttempt' | 'closeAttempt' | 'attempts'> {
  const { durable } = file;
  const open = durable.prepare<[string, number]>('INSERT INTO attempts (attempt, started_at) VALUES (?, ?)');
  const link = durable.prepare<[number, string]>('INSERT INTO attempt_actions (action_id, attempt) VALUES (?, ?)');
  const close = durable.prepare<[number, string, string]>(
    'UPDATE attempts SET ended_at = ?, outcome = ? WHERE attempt = ? AND ended_at IS NULL',
  );
  const ofAction = durable.prepare<[number], AttemptColumns>(
    `SELECT attempts.*, (SELECT json_group_array(action_id) FROM
       (SELECT action_id FROM attempt_actions WHERE attempt = attempts.attempt ORDER BY action_id)) AS actionIds
     FROM attempts JOIN attempt_actions USING (attempt) WHERE attempt_actions.action_id = ? ORDER BY attempts.rowid`,
  );
  return {
    openAttempt: (actionIds, attempt, now) =>
      file.write('durable', () => {
        open.run(attempt, now);
        for (const id of actionIds) link.run(id, attempt);
      }),
    closeAttempt: (attempt, outcome, now) => {
      file.write('durable', () => close.run(now, outcome, attempt));
    },
    attempts: (actionId) => file.read(() => ofAction.all(actionId).map(attemptOf)),
  };
}

/** One transaction. What is freed is used again by later rows: the file stays as large as it was at its fullest. */
function pruningOn(file: StateFile): Journal['prune'] {
  const { durable } = file;
  const finished = FINISHED_STATUSES.map((status) => `'${status}'`).join(', ');
  const old = durable.prepare<[number, number], { readonly id: number }>(
    `SELECT id FROM (SELECT id, updated_at, row_number() OVER (ORDER BY updated_at DESC, id DESC) AS place
       FROM actions WHERE status IN (${finished}))
     WHERE updated_at < ? OR place > ? ORDER BY id`,
  );
  const unlink = durable.prepare<[number]>('DELETE FROM attempt_actions WHERE action_id = ?');
  const remove = durable.prepare<[number]>('DELETE FROM actions WHERE id = ?');
  const removeAttempts = durable.prepare<[]>(
    'DELETE FROM attempts WHERE NOT EXISTS (SELECT 1 FROM attempt_actions WHERE attempt_actions.attempt = attempts.attempt)',
  );
  return ({ olderThan, keepRows, except }) => {
    const gone = file.read(() => old.all(olderThan, keepRows)).flatMap(({ id }) => (except.has(id) ? [] : [id]));
    if (gone.length === 0) return gone;
    return file.write('durable', () => {
      for (const id of gone) {
        unlink.run(id);
        remove.run(id);
      }
      removeAttempts.run();
      return gone;
    });
  };
}

function attemptOf(columns: AttemptColumns): AttemptRow {
  return {
    attempt: columns.attempt,
    actionIds: decode<readonly number[]>(columns.actionIds),
    startedAt: columns.started_at,
    endedAt: columns.ended_at ?? undefined,
    outcome: columns.outcome ?? undefined,
  };
}

function rowOf(columns: ActionColumns | undefined): ActionRow | undefined {
  if (columns === undefined) return undefined;
  return {
    id: columns.id,
    proposal: proposalOf(columns.proposal),
    status: columns.status,
    approvedBy: columns.approved_by ?? undefined,
    attempts: columns.attempts,
    nextAttemptAt: columns.next_attempt_at ?? undefined,
    errorClass: columns.error_class ?? undefined,
    message: columns.message,
    observed: decode<ActionRow['observed']>(columns.observed),
    createdAt: columns.created_at,
    updatedAt: columns.updated_at,
  };
}

/** JSON drops undefined members; the type has `seize` always. */
function proposalOf(text: string): ActionProposal {
  const proposal = decode<ActionProposal>(text);
  return { ...proposal, seize: proposal.seize ?? undefined };
}
