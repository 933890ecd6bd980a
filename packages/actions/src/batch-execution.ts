/**
 * Carries out one batch: approve by policy → cached fence → fence confirmed by a quorum write → journal → provider → journal.
 *
 * 1. Nothing is called before the rows are `running` and the attempt is open, both on disk (invariant I4).
 * 2. A failure that may be tried again leaves the row `approved` with a back-off; it passes both fences again.
 * 3. An attempt is closed before its rows change: of a crash in between the rows are left, and they are resolved.
 * 4. An answer that never came leaves the row `running`: the worker reads the NIC and decides by what it finds.
 */
import type { NicObservation } from '@routerd/mobility';
import { instant, type Instant } from '@routerd/resources';
import { isInEffect, PRIOR_KEY, undoneKeyOf, WAITING_STATUSES } from './action-row.ts';
import type { Backoff } from './backoff.ts';
import { withDeadline } from './deadline.ts';
import type { EngineLimits, EnginePorts } from './engine-parts.ts';
import { confirmFence, isFenced, STALE_MESSAGE } from './fence.ts';
import { AUTO_APPROVER } from './policy.ts';
import type { ActionRow, ErrorClass, ExecuteOutcome, ExecutorFault, NicState, NicTarget } from './ports.ts';
import { remedyOf, treatmentOf } from './retry.ts';
import { describeOutcomes, rowOutcomes } from './row-outcomes.ts';
import type { Batch } from './run.ts';
import { fieldsOf } from './wanted-actions.ts';

export interface BatchReport {
  /** The NIC as read back after the call; undefined where it was not. */
  readonly nic: NicState | undefined;
  readonly succeeded: readonly ActionRow[];
  /** The NIC may have changed and was not read back. */
  readonly mustRead: boolean;
}

/** Whatever class the executor gave: after these the call may have reached the provider. */
const ENDED_UNSEEN: ReadonlySet<ExecutorFault['code']> = new Set([
  'executor.cancelled',
  'executor.timed-out',
  'executor.crashed',
  'executor.bad-output',
]);

const NOTHING: BatchReport = { nic: undefined, succeeded: [], mustRead: false };

export class BatchExecution {
  readonly #ports: EnginePorts;
  readonly #limits: EngineLimits;
  readonly #backoff: Backoff<number>;
  #attempts = 0;

  constructor(ports: EnginePorts, limits: EngineLimits, backoff: Backoff<number>) {
    this.#ports = ports;
    this.#limits = limits;
    this.#backoff = backoff;
  }

  /** Throws only what the journal throws; then the provider was not called, or its answer is unknown and the rows say `running`. */
  async run(nic: NicTarget, batch: Batch, before: NicObservation, stop: AbortSignal): Promise<BatchReport> {
    const rows = await this.#admitted(batch.rows, stop);
    if (rows.length === 0 || stop.aborted) return NOTHING;
    const attempt = this.#begin(rows);
    if (attempt === undefined) return NOTHING;
    const { executor, clock } = this.#ports;
    const request = {
      nic: { ...nic, target: sharedTarget(rows) },
      verb: batch.verb,
      addresses: rows.map(({ proposal: { address, captureKey, captureEpoch, seize } }) => ({
        address,
        captureKey,
        captureEpoch,
        seizeFrom: seize?.from,
      })),
      mode: 'execute',
      attempt,
    } as const;
    const answer = await withDeadline(clock, this.#limits.executeLimit, stop, async (signal) =>
      executor.execute(request, signal),
    );
    if (answer.kind === 'answered' && answer.value.ok) return this.#settle(rows, attempt, answer.value.value, before);
    const fault = answer.kind === 'answered' && !answer.value.ok ? answer.value.error : silence(answer.kind);
    return this.#fail(rows, attempt, fault, stop);
  }

  /** Passes rows through approval and both fences. */
  async #admitted(batch: readonly ActionRow[], stop: AbortSignal): Promise<readonly ActionRow[]> {
    const { journal, fence, self, clock } = this.#ports;
    const byPolicy = { status: 'approved', approvedBy: AUTO_APPROVER } as const;
    const pending = batch.filter(({ status }) => status === 'pending').map(({ id }) => id);
    if (pending.length > 0) journal.transition(pending, ['pending'], byPolicy, clock.now());
    const isFencedNow = ({ proposal }: ActionRow): boolean =>
      isFenced(proposal, fence.records().get(proposal.captureKey), self);
    this.#skipStale(batch.filter(isFencedNow));
    const rows = batch.filter((row) => !isFencedNow(row));
    if (rows.length === 0) return [];

    const verdicts = await confirmFence(
      fence,
      self,
      rows.map(({ proposal }) => proposal),
      stop,
    );
    if (stop.aborted) return [];
    // What was confirmed may have been overtaken while the append came back; the last look costs nothing.
    const isStaleNow = (row: ActionRow, index: number): boolean =>
      verdicts[index]?.kind === 'stale' || isFencedNow(row);
    this.#skipStale(rows.filter(isStaleNow));
    const admitted = rows.filter((row, index) => verdicts[index]?.kind === 'admitted' && !isStaleNow(row, index));
    const later = rows.filter((row, index) => verdicts[index]?.kind === 'later' && !isStaleNow(row, index));
    const detail = verdicts.flatMap((verdict) => (verdict.kind === 'later' ? [verdict.detail] : []))[0] ?? '';
    if (later.length > 0) this.#retry(later, 'transport', `capture registry: ${detail}`, WAITING_STATUSES);
    return admitted;
  }

  /** @returns the attempt's name; undefined if every row was taken by somebody else meanwhile */
  #begin(rows: readonly ActionRow[]): string | undefined {
    const { journal, clock, random, log } = this.#ports;
    const now = clock.now();
    const begun: number[] = [];
    for (const attempts of new Set(rows.map((row) => row.attempts))) {
      const ids = rows.filter((row) => row.attempts === attempts).map(({ id }) => id);
      const change = {
        status: 'running',
        attempts: attempts + 1,
        nextAttemptAt: undefined,
        errorClass: undefined,
      } as const;
      begun.push(...journal.transition(ids, ['approved'], change, now));
    }
    if (begun.length < rows.length) {
      // Never in one process. Whoever else has the rows now has not called for ours.
      journal.transition(begun, ['running'], { status: 'approved' }, now);
      return undefined;
    }
    this.#attempts += 1;
    const attempt = `${now.toString(36)}-${this.#attempts}-${Math.floor(random() * 2 ** 32).toString(36)}`;
    journal.openAttempt(begun, attempt, now);
    for (const row of rows) log.info('action started', { event: 'provider.action.started', ...fieldsOf(row), attempt });
    return attempt;
  }

  #settle(rows: readonly ActionRow[], attempt: string, outcome: ExecuteOutcome, before: NicObservation): BatchReport {
    const { journal, clock, log } = this.#ports;
    const now = clock.now();
    const { nic } = outcome;
    // What was so before is for a reading to say: an undo goes by it.
    const { [PRIOR_KEY]: _, ...observed } = outcome.observed;
    const outcomes = rowOutcomes(rows, outcome);
    journal.closeAttempt(attempt, describeOutcomes(outcomes), now);
    for (const { rows: alike, status, message, errorClass } of outcomes) {
      if (errorClass !== undefined) {
        this.#treat(alike, errorClass, message);
        continue;
      }
      for (const [prior, same] of groupByPrior(alike, before)) {
        const seen = { ...observed, ...prior };
        const change = { status, message, observed: seen, errorClass: undefined, nextAttemptAt: undefined };
        journal.transition(idsOf(same), ['running'], change, now);
      }
      if (status === 'succeeded') this.#markUndone(alike);
      for (const row of alike) {
        this.#backoff.clear(row.id);
        log.info('action ended', { event: `provider.action.${status}`, ...fieldsOf(row), attempt });
      }
    }
    const succeeded = outcomes.flatMap((each) => (each.status === 'succeeded' ? each.rows : []));
    return { nic, succeeded, mustRead: nic === undefined };
  }

  #fail(rows: readonly ActionRow[], attempt: string, fault: ExecutorFault, stop: AbortSignal): BatchReport {
    const { journal, clock, log } = this.#ports;
    if (stop.aborted) {
      // The rows stay `running`: the next start looks at the NIC and decides.
      journal.closeAttempt(attempt, 'cancelled: the daemon stopped during the call', clock.now());
      return NOTHING;
    }
    const text = `${fault.code}: ${fault.detail}`;
    log.warn('provider call failed', {
      event: 'provider.call.failed',
      attempt,
      code: fault.code,
      errorClass: fault.errorClass,
      detail: fault.detail,
    });
    const errorClass = ENDED_UNSEEN.has(fault.code) ? 'unknown-outcome' : fault.errorClass;
    journal.closeAttempt(attempt, `${errorClass}: ${text}`, clock.now());
    this.#treat(rows, errorClass, text, fault.retryAfterMs);
    return NOTHING; // where the call may have taken effect the rows are `running`, and the worker reads the NIC for them
  }

  #treat(rows: readonly ActionRow[], errorClass: ErrorClass, message: string, retryAfterMs?: number): void {
    const { journal, clock, log } = this.#ports;
    const ids = idsOf(rows);
    switch (treatmentOf(errorClass)) {
      case 'retry':
        return this.#retry(rows, errorClass, withRemedy(message, errorClass), ['running'], retryAfterMs);
      case 'look':
        journal.transition(ids, ['running'], { errorClass, message }, clock.now());
        return;
      case 'stop': {
        const nextAttemptAt = instant(clock.now() + this.#backoff.failedForGood(ids));
        const text = withRemedy(message, errorClass);
        const change = { status: 'failed', errorClass, message: text, nextAttemptAt } as const;
        journal.transition(ids, ['running'], change, clock.now());
        for (const row of rows) {
          log.warn('action failed', { event: 'provider.action.failed', ...fieldsOf(row), errorClass, detail: message });
        }
      }
    }
  }

  /** Back to `approved`; all rows of one failure become due together, so that they share the next call too. */
  #retry(
    rows: readonly ActionRow[],
    errorClass: ErrorClass,
    message: string,
    from: readonly ActionRow['status'][],
    retryAfterMs?: number,
  ): void {
    const { journal, clock, log } = this.#ports;
    const ids = idsOf(rows);
    const waitMs = this.#backoff.failed(ids, retryAfterMs);
    const nextAttemptAt: Instant = instant(clock.now() + waitMs);
    journal.transition(ids, from, { status: 'approved', errorClass, message, nextAttemptAt }, clock.now());
    for (const row of rows)
      log.info('action is tried again', {
        event: 'provider.action.retry',
        ...fieldsOf(row),
        errorClass,
        waitMs,
        message,
      });
  }

  #skipStale(rows: readonly ActionRow[]): void {
    if (rows.length === 0) return;
    const { journal, clock, log } = this.#ports;
    const ids = idsOf(rows);
    journal.transition(ids, WAITING_STATUSES, { status: 'skipped', message: STALE_MESSAGE }, clock.now());
    for (const row of rows) {
      this.#backoff.clear(row.id);
      log.info('stale action skipped', { event: 'provider.fence.stale', ...fieldsOf(row), at: 'execute' });
    }
  }

  /** What an operator's undo has undone is rolled back. */
  #markUndone(undos: readonly ActionRow[]): void {
    const { journal, clock } = this.#ports;
    for (const { id, proposal } of undos) {
      const key = undoneKeyOf(proposal.idempotencyKey);
      const undone = key === undefined ? undefined : journal.byKey(key);
      if (undone === undefined) continue;
      const change = { status: 'rolledBack', message: `undone by action ${id}` } as const;
      journal.transition([undone.id], ['succeeded'], change, clock.now());
    }
  }

  /** Rows that failed for good and are due are approved again; they pass every gate and both fences like any other. */
  reopen(failed: readonly ActionRow[]): void {
    const { journal, clock, log } = this.#ports;
    for (const row of failed) {
      const status = row.approvedBy === undefined ? 'pending' : 'approved';
      this.#backoff.expire(row.id);
      journal.transition([row.id], ['failed'], { status, nextAttemptAt: undefined }, clock.now());
      log.info('failed action is tried again', { event: 'provider.action.reopened', ...fieldsOf(row), was: 'failed' });
    }
  }

  /** Rows that failed for good and are in effect after all: somebody else did it. @returns them */
  settleFailed(failed: readonly ActionRow[], nic: NicState): readonly ActionRow[] {
    const { journal, clock, log } = this.#ports;
    const inEffect = failed.filter(({ proposal }) => isInEffect(proposal, nic));
    const message = 'found in effect: somebody else did it';
    const change = { status: 'succeeded', errorClass: undefined, nextAttemptAt: undefined, message } as const;
    if (inEffect.length > 0) journal.transition(idsOf(inEffect), ['failed'], change, clock.now());
    for (const row of inEffect) {
      this.#backoff.clear(row.id);
      log.info('failed action found in effect', { event: 'provider.action.succeeded', ...fieldsOf(row) });
    }
    return inEffect;
  }

  /**
   * Decides rows whose call nobody saw the end of, by what the NIC was read to hold after it.
   * @returns the rows that are in effect
   */
  resolve(rows: readonly ActionRow[], nic: NicState): readonly ActionRow[] {
    const { journal, clock, log } = this.#ports;
    if (rows.length === 0) return [];
    const now = clock.now();
    for (const { attempt, endedAt } of rows.flatMap(({ id }) => journal.attempts(id)))
      if (endedAt === undefined) journal.closeAttempt(attempt, 'unknown: decided by reading the NIC', now);
    const inEffect = rows.filter(({ proposal }) => isInEffect(proposal, nic));
    const absent = rows.filter(({ proposal }) => !isInEffect(proposal, nic));
    const found = {
      status: 'succeeded',
      errorClass: undefined,
      message: 'found in effect after a call without an answer',
    } as const;
    journal.transition(
      inEffect.map(({ id }) => id),
      ['running'],
      found,
      now,
    );
    if (absent.length > 0)
      this.#retry(absent, 'unknown-outcome', 'not in effect after a call without an answer', ['running']);
    this.#markUndone(inEffect);
    for (const row of rows) {
      if (inEffect.includes(row)) this.#backoff.clear(row.id);
      const outcome = inEffect.includes(row) ? 'in effect' : 'not in effect';
      log.info('action without an answer resolved', { event: 'provider.action.resolved', ...fieldsOf(row), outcome });
    }
    return inEffect;
  }
}

/** What the NIC was like for each row when the call began, as `observed` keeps it; nothing where it had not been read. */
function groupByPrior(
  rows: readonly ActionRow[],
  before: NicObservation,
): readonly (readonly [Readonly<Record<string, string>>, readonly ActionRow[]])[] {
  if (before.kind === 'unknown') return [[{}, rows]];
  const wasInEffect = (row: ActionRow): boolean => isInEffect(row.proposal, before);
  return [true, false].flatMap((was) => {
    const same = rows.filter((row) => wasInEffect(row) === was);
    return same.length === 0 ? [] : [[{ [PRIOR_KEY]: String(was) }, same] as const];
  });
}

/** What all rows of the batch say of the NIC; keys that are about one address differ and fall away in a batch of several. */
function sharedTarget(rows: readonly ActionRow[]): NicTarget['target'] {
  const entries = Object.entries(rows[0]?.proposal.target ?? {});
  return Object.fromEntries(
    entries.filter(([key, value]) => rows.every(({ proposal }) => proposal.target[key] === value)),
  );
}

function withRemedy(message: string, errorClass: ErrorClass): string {
  const remedy = remedyOf(errorClass);
  return remedy === '' ? message : `${message}. ${remedy}`;
}

function idsOf(rows: readonly ActionRow[]): readonly number[] {
  return rows.map(({ id }) => id);
}

function silence(kind: 'answered' | 'timed-out' | 'cancelled'): ExecutorFault {
  return kind === 'cancelled'
    ? { code: 'executor.cancelled', errorClass: 'unknown-outcome', detail: 'cancelled' }
    : { code: 'executor.timed-out', errorClass: 'unknown-outcome', detail: 'no answer before the time limit' };
}
