/** An executor's answer, per address, sorted into what the journal is told: one entry for all rows that fared alike. Pure. */
import type { ActionRow, ErrorClass, ExecuteOutcome } from './ports.ts';

export interface RowOutcome {
  readonly rows: readonly ActionRow[];
  readonly message: string;
  readonly status: 'succeeded' | 'skipped' | 'failed';
  /** Set exactly where the status is `failed`. */
  readonly errorClass: ErrorClass | undefined;
}

type Answer = ExecuteOutcome['results'][number];

/** Every row is in exactly one outcome; an address that was not answered for, or in two ways, is of unknown outcome. */
export function rowOutcomes(rows: readonly ActionRow[], outcome: ExecuteOutcome): readonly RowOutcome[] {
  const groups = new Map<string, RowOutcome & { readonly rows: ActionRow[] }>();
  const answers = answersOf(outcome);
  for (const row of rows) {
    const result = answers.get(row.proposal.address);
    const status = result?.status ?? 'failed';
    const message = result?.message ?? 'the executor did not answer for this address';
    const failure = result === undefined ? 'unknown-outcome' : (result.errorClass ?? 'invalid');
    const errorClass = status === 'failed' ? failure : undefined;
    const key = JSON.stringify([status, errorClass, message]);
    const group = groups.get(key) ?? { rows: [], message, status, errorClass };
    group.rows.push(row);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function answersOf({ results }: ExecuteOutcome): ReadonlyMap<string, Answer> {
  const answers = new Map<string, Answer>();
  for (const result of results) {
    const other = answers.get(result.address);
    const agrees = other === undefined || (other.status === result.status && other.errorClass === result.errorClass);
    const message = 'the executor answered for this address in two ways';
    answers.set(
      result.address,
      agrees ? result : { ...result, status: 'failed', errorClass: 'unknown-outcome', message },
    );
  }
  return answers;
}

/** How an attempt stands in the journal: `1,2: succeeded: assigned; 3: held-elsewhere: …`. */
export function describeOutcomes(outcomes: readonly RowOutcome[]): string {
  return outcomes
    .map(({ rows, status, errorClass, message }) => {
      const ids = rows.map(({ id }) => id).join(',');
      return `${ids}: ${errorClass ?? status}${message === '' ? '' : `: ${message}`}`;
    })
    .join('; ');
}
