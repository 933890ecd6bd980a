/**
 * The planner's complete current set against the journal, level-triggered.
 *
 * 1. Proposed and not in the journal: imported, unless the cached fence says that it is stale.
 * 2. In the journal, waiting and no longer proposed: skipped. Waiting and stale: skipped, whoever put it there.
 * 3. Proposed again after it was skipped by rule 2: opened again.
 * 4. Proposed again after it succeeded: opened again only if the NIC was read after the success and is not as the action left it.
 */
import type { ActionProposal, CaptureKey, CaptureRecord } from '@routerd/mobility';
import type { NodeName } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import { isMaterialChange, isSameProposal, UNWANTED_MESSAGE, WAITING_STATUSES } from './action-row.ts';
import { isFenced, STALE_MESSAGE } from './fence.ts';
import { AUTO_APPROVER } from './policy.ts';
import type { ActionRow, FenceRegistry, Journal } from './ports.ts';

export interface WantedPorts {
  readonly self: NodeName;
  readonly journal: Journal;
  readonly fence: Pick<FenceRegistry, 'records'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  /** Whether the NIC was read since the row succeeded, has settled, and is not as the action left it. */
  readonly hasDrifted: (row: ActionRow) => boolean;
  /** An operator waits for the row: it need not be wanted by the plan. */
  readonly isOrdered: (rowId: number) => boolean;
}

interface Wanted {
  readonly proposal: ActionProposal;
  /** Undefined while the fence keeps it out. */
  rowId: number | undefined;
}

export class WantedActions {
  readonly #ports: WantedPorts;
  #wanted: ReadonlyMap<string, Wanted> = new Map();
  #rowIds = new Set<number>();
  #hasPlan = false;

  constructor(ports: WantedPorts) {
    this.#ports = ports;
  }

  /** @returns false if the set says what the last one said; then nothing was read or written */
  replace(proposals: readonly ActionProposal[]): boolean {
    const next = new Map<string, Wanted>();
    let isChanged = !this.#hasPlan;
    for (const proposal of proposals) {
      if (next.has(proposal.idempotencyKey)) continue;
      const known = this.#wanted.get(proposal.idempotencyKey);
      const isKnown = known !== undefined && isSameProposal(known.proposal, proposal);
      isChanged ||= !isKnown;
      next.set(proposal.idempotencyKey, isKnown ? known : { proposal, rowId: undefined });
    }
    isChanged ||= next.size !== this.#wanted.size;
    if (!isChanged) return false;
    this.#wanted = next;
    this.#hasPlan = true;
    this.reconsider();
    return true;
  }

  /** Applies the rules again: the registry, a NIC or the plan has changed. Safe to repeat; throws only what the journal throws. */
  reconsider(): void {
    const records = this.#ports.fence.records();
    for (const wanted of this.#wanted.values()) this.#reconsiderOne(wanted, records);
    this.#rowIds = new Set([...this.#wanted.values()].flatMap(({ rowId }) => rowId ?? []));
    this.#sweep(records);
  }

  isWanted(rowId: number): boolean {
    return this.#rowIds.has(rowId);
  }

  rowIds(): ReadonlySet<number> {
    return this.#rowIds;
  }

  /** Undefined until there is a plan. `fenced` are those that no row was made for: the registry says that they are stale. */
  counts(): { readonly wanted: number; readonly fenced: number } | undefined {
    if (!this.#hasPlan) return undefined;
    const fenced = [...this.#wanted.values()].filter(({ rowId }) => rowId === undefined).length;
    return { wanted: this.#wanted.size, fenced };
  }

  #reconsiderOne(wanted: Wanted, records: ReadonlyMap<CaptureKey, CaptureRecord>): void {
    const { journal, self, clock } = this.#ports;
    const { proposal } = wanted;
    if (isFenced(proposal, records.get(proposal.captureKey), self)) return;
    if (wanted.rowId === undefined) wanted.rowId = this.#import(proposal);
    const row = journal.get(wanted.rowId);
    if (row === undefined || !this.#mayReopen(row)) return;
    const status = row.approvedBy === undefined ? 'pending' : 'approved';
    const message = row.status === 'succeeded' ? 'opened again: the NIC is not as the action left it' : '';
    journal.transition([row.id], [row.status], { status, message, errorClass: undefined }, clock.now());
    journal.importProposal(proposal, clock.now());
    this.#ports.log.info('action opened again', {
      event: 'provider.action.reopened',
      ...fieldsOf(row),
      was: row.status,
    });
  }

  #mayReopen(row: ActionRow): boolean {
    if (row.status === 'succeeded') return this.#ports.hasDrifted(row);
    return row.status === 'skipped' && (row.message === STALE_MESSAGE || row.message === UNWANTED_MESSAGE);
  }

  #import(proposal: ActionProposal): number {
    const { journal, clock, log } = this.#ports;
    const before = journal.byKey(proposal.idempotencyKey);
    const { row, isNew } = journal.importProposal(proposal, clock.now());
    if (isNew) log.info('action imported', { event: 'provider.action.imported', ...fieldsOf(row) });
    const isOperatorApproved = row.status === 'approved' && row.approvedBy !== AUTO_APPROVER;
    if (before !== undefined && isOperatorApproved && isMaterialChange(before.proposal, row.proposal)) {
      const change = { status: 'pending', approvedBy: undefined, message: 'changed after it was approved' } as const;
      journal.transition([row.id], ['approved'], change, clock.now());
    }
    return row.id;
  }

  /** An epoch that the registry has not reached yet is not stale: our view of the registry is behind. */
  #sweep(records: ReadonlyMap<CaptureKey, CaptureRecord>): void {
    const { journal, self, clock, log } = this.#ports;
    const stale: ActionRow[] = [];
    const unwanted: ActionRow[] = [];
    for (const row of WAITING_STATUSES.flatMap((status) => journal.list({ status }))) {
      const current = records.get(row.proposal.captureKey);
      const isReached = current !== undefined && current.epoch >= row.proposal.captureEpoch;
      if (isReached && isFenced(row.proposal, current, self)) stale.push(row);
      else if (this.#hasPlan && !this.#rowIds.has(row.id) && !this.#ports.isOrdered(row.id)) unwanted.push(row);
    }
    const skip = (rows: readonly ActionRow[], message: string): void => {
      const ids = rows.map(({ id }) => id);
      if (ids.length > 0) journal.transition(ids, WAITING_STATUSES, { status: 'skipped', message }, clock.now());
    };
    skip(stale, STALE_MESSAGE);
    skip(unwanted, UNWANTED_MESSAGE);
    for (const row of stale)
      log.info('stale action skipped', { event: 'provider.fence.stale', ...fieldsOf(row), at: 'import' });
    for (const row of unwanted)
      log.info('unwanted action skipped', { event: 'provider.action.unwanted', ...fieldsOf(row) });
  }
}

/** What identifies an action in a log line. */
export function fieldsOf({ id, proposal }: ActionRow): Readonly<Record<string, unknown>> {
  const { verb, address, nicRef, providerRef, captureEpoch } = proposal;
  return { action: id, verb, address, nicRef, providerRef, captureEpoch };
}
