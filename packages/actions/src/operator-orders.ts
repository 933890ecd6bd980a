/** What an operator may order: approve, run again, run now, and show what would be done. */
import type { NicObservation } from '@routerd/mobility';
import { err, ok, type DurationMs, type Result } from '@routerd/resources';
import type { Backoff } from './backoff.ts';
import { withDeadline } from './deadline.ts';
import type { EnginePorts } from './engine-parts.ts';
import { isFenced, STALE_MESSAGE } from './fence.ts';
import { localTimeIn } from './local-time.ts';
import { admit, describeRefusal, remedyFor, type ActionPolicy, type Refusal } from './policy.ts';
import type { ActionRow, ExecutionMode } from './ports.ts';
import { planUndo } from './rollback.ts';
import type { HeldRow } from './run.ts';

export interface ActionFault {
  readonly code:
    | 'action.not-found'
    | 'action.not-pending'
    | 'action.not-failed'
    | 'action.not-approved'
    | 'action.not-succeeded'
    | 'action.no-prior-state'
    | 'action.still-held'
    | 'action.no-plan'
    | 'action.journal-failed'
    | 'action.gate-denied'
    | 'action.rolled-back'
    | 'action.not-started'
    | 'action.held'
    | 'action.executor-failed'
    | 'action.stopped';
  readonly message: string;
  readonly remedy?: string;
}

export interface ExecutionReport {
  /** One line for people: the status that was reached and the provider's words. */
  readonly message: string;
  readonly row: ActionRow;
}

export interface OrdersContext {
  readonly backoff: Backoff<number>;
  readonly executeLimit: DurationMs;
  readonly stopping: AbortSignal;
  policies(): readonly ActionPolicy[];
  wake(row: ActionRow): void;
  /** The last reading of the row's NIC. */
  reading(row: ActionRow): NicObservation;
}

type Outcome = Result<ExecutionReport, ActionFault>;

interface Order {
  readonly attempts: number;
  readonly failures: number;
  readonly answer: (outcome: Outcome) => void;
}

export class OperatorOrders {
  readonly #ports: EnginePorts;
  readonly #context: OrdersContext;
  readonly #orders = new Map<number, Order[]>();

  constructor(ports: EnginePorts, context: OrdersContext) {
    this.#ports = ports;
    this.#context = context;
    context.stopping.addEventListener('abort', () =>
      this.#answerAll({ code: 'action.stopped', message: 'The daemon stops.' }),
    );
  }

  isOrdered(id: number): boolean {
    return this.#orders.has(id);
  }

  approve(id: number, by: string): Result<ActionRow, ActionFault> {
    const { journal, clock, log } = this.#ports;
    const row = journal.get(id);
    if (row === undefined) return err(notFound(id));
    const change = { status: 'approved', approvedBy: by, message: '' } as const;
    if (journal.transition([id], ['pending'], change, clock.now()).length === 0)
      return err({ code: 'action.not-pending', message: `action is ${row.status}, not pending` });
    log.info('action approved', { event: 'provider.action.approved', action: id, by });
    this.#context.wake(row);
    return ok(journal.get(id) ?? row);
  }

  retry(id: number): Result<ActionRow, ActionFault> {
    const { journal, clock } = this.#ports;
    const row = journal.get(id);
    if (row === undefined) return err(notFound(id));
    const status = row.approvedBy === undefined ? 'pending' : 'approved';
    const change = {
      status,
      errorClass: undefined,
      nextAttemptAt: undefined,
      message: 'opened again by an operator',
    } as const;
    if (journal.transition([id], ['failed'], change, clock.now()).length === 0)
      return err({ code: 'action.not-failed', message: `action is ${row.status}, not failed` });
    this.#context.backoff.clear(id);
    this.#context.wake(row);
    return ok(journal.get(id) ?? row);
  }

  async execute(id: number, mode: ExecutionMode): Promise<Outcome> {
    const row = this.#ports.journal.get(id);
    if (row === undefined) return err(notFound(id));
    if (mode === 'dry-run') return this.#dryRun(row);
    if (row.status === 'succeeded' || row.status === 'running')
      return ok({ row, message: `action ${id} is ${row.status} already` });
    if (row.status === 'rolledBack') return err({ code: 'action.rolled-back', message: 'action was rolled back' });
    if (row.status === 'skipped') return ok({ row, message: `action ${id} was skipped: ${row.message}` });
    const refusal = this.#gate(row, mode);
    if (refusal !== undefined) return err(denied(id, refusal));
    if (row.status === 'failed') this.retry(id);
    return this.#order(id);
  }

  /** Its own row in the journal, with the same gates and fences as any action; see `rollback.ts` for what may be undone. */
  async rollback(id: number, by: string): Promise<Outcome> {
    const { journal, clock, fence, self, log } = this.#ports;
    const row = journal.get(id);
    if (row === undefined) return err(notFound(id));
    const plan = planUndo({
      row,
      reading: this.#context.reading(row),
      record: fence.records().get(row.proposal.captureKey),
      self,
      policies: this.#context.policies(),
    });
    if (plan.kind === 'refused') return err(plan.fault);
    if (plan.kind === 'nothing-to-restore') return ok({ row, message: `action ${id}: ${plan.message}` });
    const undo = journal.importProposal(plan.proposal, clock.now()).row;
    const approval = { status: 'approved', approvedBy: by, message: `undoes action ${id}` } as const;
    journal.transition([undo.id], ['pending', 'skipped', 'failed', 'succeeded'], approval, clock.now());
    const refusal = this.#gate({ ...undo, ...approval }, 'execute');
    if (refusal !== undefined) {
      journal.transition([undo.id], ['approved'], { status: 'skipped', message: refusal.message }, clock.now());
      return err(denied(id, refusal));
    }
    log.info('action is rolled back', { event: 'provider.action.rollback', action: id, undo: undo.id, by });
    return this.#order(undo.id);
  }

  /** Puts the row at the head of its back-off and waits for the attempt to end. */
  async #order(id: number): Promise<Outcome> {
    this.#context.backoff.clear(id);
    const row = this.#ports.journal.get(id);
    if (row === undefined) return err(notFound(id));
    return new Promise<Outcome>((answer) => {
      const orders = this.#orders.get(id) ?? [];
      orders.push({ attempts: row.attempts, failures: this.#context.backoff.failures(id), answer });
      this.#orders.set(id, orders);
      this.#context.wake(row);
    });
  }

  /** Answers the orders whose row has reached an outcome. */
  onStep(): void {
    for (const [id, orders] of this.#orders) {
      const row = this.#ports.journal.get(id);
      if (row === undefined || row.status === 'running') continue;
      const isDone = (order: Order): boolean =>
        !['pending', 'approved'].includes(row.status) ||
        row.attempts > order.attempts ||
        this.#context.backoff.failures(id) > order.failures;
      for (const order of orders.filter(isDone)) order.answer(reportOf(row));
      this.#keep(
        id,
        orders.filter((order) => !isDone(order)),
      );
    }
  }

  onHeld(held: readonly HeldRow[]): void {
    for (const { row, refusal, message } of held) {
      for (const { answer } of this.#orders.get(row.id) ?? [])
        answer(err(refusal === undefined ? { code: 'action.held', message } : denied(row.id, refusal)));
      this.#orders.delete(row.id);
    }
  }

  /** The same gates as a real run, then the executor in its read-only mode. Writes nothing: no journal, no registry. */
  async #dryRun(row: ActionRow): Promise<Outcome> {
    const { executor, clock, fence, self } = this.#ports;
    const { proposal } = row;
    const refusal = this.#gate(row, 'dry-run');
    if (refusal !== undefined) return err(denied(row.id, refusal));
    if (isFenced(proposal, fence.records().get(proposal.captureKey), self))
      return ok({ row, message: `would be skipped: ${STALE_MESSAGE}` });
    const { provider, providerRef, nicRef, target, verb, address, captureKey, captureEpoch, seize } = proposal;
    const answer = await withDeadline(clock, this.#context.executeLimit, this.#context.stopping, async (signal) =>
      executor.execute(
        {
          nic: { provider, providerRef, nicRef, target },
          verb,
          addresses: [{ address, captureKey, captureEpoch, seizeFrom: seize?.from }],
          mode: 'dry-run',
          attempt: `dry-run-${row.id}`,
        },
        signal,
      ),
    );
    if (answer.kind === 'answered' && answer.value.ok) {
      const [result] = answer.value.value.results;
      return ok({
        row,
        message: `dry run of action ${row.id}: ${result?.status ?? 'no answer'}: ${result?.message ?? ''}`,
      });
    }
    const detail = answer.kind === 'answered' && !answer.value.ok ? answer.value.error.detail : answer.kind;
    return err({ code: 'action.executor-failed', message: `executor invocation failed (mode=dry-run): ${detail}` });
  }

  #gate(row: ActionRow, mode: ExecutionMode): Refusal | undefined {
    const admission = admit(this.#context.policies(), row.proposal, {
      mode,
      isApproved: row.approvedBy !== undefined,
      admittedInRun: new Map(),
      localTimeIn: (timezone) => localTimeIn(timezone, this.#ports.clock.now()),
    });
    return admission.kind === 'refused' ? admission : undefined;
  }

  #keep(id: number, orders: Order[]): void {
    if (orders.length === 0) this.#orders.delete(id);
    else this.#orders.set(id, orders);
  }

  #answerAll(fault: ActionFault): void {
    const orders = [...this.#orders.values()].flat();
    this.#orders.clear();
    for (const { answer } of orders) answer(err(fault));
  }
}

function reportOf(row: ActionRow): Outcome {
  const detail = row.message === '' ? '' : `: ${row.message}`;
  return ok({ row, message: `action ${row.id} ${row.status}${detail}` });
}

function notFound(id: number): ActionFault {
  return {
    code: 'action.not-found',
    message: `action ${id} not found`,
    remedy: 'List them with `routerctl action list`.',
  };
}

function denied(id: number, refusal: Refusal): ActionFault {
  const code = refusal.gate === 'approval' ? 'action.not-approved' : 'action.gate-denied';
  const message = refusal.gate === 'approval' ? refusal.message : describeRefusal(id, refusal);
  return { code, message, remedy: remedyFor(id, refusal) };
}
