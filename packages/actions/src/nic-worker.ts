/**
 * Everything that happens to one NIC, one thing after another: reading it, resolving calls without an answer, executing batches.
 *
 * 1. Serial per NIC (providers refuse concurrent writes to one), independent of every other NIC.
 * 2. Rows whose call nobody saw the end of are resolved by reading the NIC before anything else is called for it.
 * 3. Sleeps until an exact instant or until woken; there is no tick.
 */
import type { NicObservation } from '@routerd/mobility';
import { instant, type Monotonic } from '@routerd/resources';
import { isInEffect, WAITING_STATUSES } from './action-row.ts';
import type { ApiBudget, ApiLane } from './api-budget.ts';
import { Backoff } from './backoff.ts';
import type { BatchExecution } from './batch-execution.ts';
import { withDeadline } from './deadline.ts';
import type { EngineLimits, EnginePorts } from './engine-parts.ts';
import { localTimeIn } from './local-time.ts';
import { describeRefusal, remedyFor, type ActionPolicy } from './policy.ts';
import { nicKeyOf, type ActionRow, type NicKey, type NicState, type NicTarget } from './ports.ts';
import { decideRun, type HeldRow } from './run.ts';
import { WakeUp } from './wake-up.ts';

export interface WorkerView {
  policies(): readonly ActionPolicy[];
  /** Whether the row may run: proposed by the plan, or ordered by an operator. */
  isRunnable(row: ActionRow): boolean;
  /** An operator waits for it. */
  isOrdered(row: ActionRow): boolean;
  /** Rows or observation have changed. */
  onStep(): void;
  onHeld(held: readonly HeldRow[]): void;
}

/** When a NIC that does not show yet what was done to it is read again, in ms. Clouds report what they did with a delay. */
const SETTLING_WAITS_MS = [250, 500, 1000, 2000, 4000, 8000] as const;
const MINUTE_MS = 60_000;

type Step =
  | { readonly kind: 'observe' }
  | { readonly kind: 'execute'; readonly batch: NonNullable<ReturnType<typeof decideRun>['batch']> }
  | { readonly kind: 'wait'; readonly until: Monotonic | undefined };

export class NicWorker {
  readonly key: NicKey;
  readonly #ports: EnginePorts;
  readonly #limits: EngineLimits;
  readonly #execution: BatchExecution;
  readonly #rowBackoff: Backoff<number>;
  readonly #ownBackoff: Backoff<'observe' | 'journal'>;
  readonly #view: WorkerView;
  readonly #budget: ApiBudget;
  readonly #wakeUp: WakeUp;
  #nic: NicTarget;
  #observation: NicObservation = { kind: 'unknown' };
  /** Counts readings of the NIC, so that "read after" needs no clock. */
  #readings = 0;
  readonly #readingsAtSuccess = new Map<number, number>();
  /** The lane in which the NIC is to be read as soon as may be. */
  #wantedReading: ApiLane | undefined;
  /** When the NIC is read although nothing happened to it; undefined until it was read once. */
  #auditAt: Monotonic | undefined;
  /** A batch has begun, and what it did is not compared with a reading yet. */
  #isExecuting = false;
  #settling: { readonly rows: readonly ActionRow[]; readonly reads: number; readonly at: Monotonic } | undefined;

  constructor(
    ports: EnginePorts,
    limits: EngineLimits,
    options: {
      readonly nic: NicTarget;
      readonly execution: BatchExecution;
      readonly rowBackoff: Backoff<number>;
      readonly view: WorkerView;
      readonly budget: ApiBudget;
    },
  ) {
    this.#ports = ports;
    this.#limits = limits;
    this.#nic = options.nic;
    this.key = nicKeyOf(options.nic);
    this.#execution = options.execution;
    this.#rowBackoff = options.rowBackoff;
    this.#ownBackoff = new Backoff(ports.clock, ports.random);
    this.#view = options.view;
    this.#budget = options.budget;
    this.#wakeUp = new WakeUp(ports.clock);
  }

  get observation(): NicObservation {
    return this.#observation;
  }

  wake(): void {
    this.#wakeUp.wake();
  }

  requestObservation(nic: NicTarget): void {
    this.#nic = nic;
    this.#wantedReading = 'failover';
    this.#ownBackoff.clear('observe');
    this.wake();
  }

  /** Rule 4 of the wanted actions: read since the row succeeded, settled, and not as the action left it. */
  hasDrifted(row: ActionRow): boolean {
    // Rows succeed before the reading that shows them is taken in; another NIC's worker may have the engine look in between.
    if (this.#isExecuting || this.#settling !== undefined || this.#observation.kind !== 'known') return false;
    const isNewer = this.#readings > (this.#readingsAtSuccess.get(row.id) ?? 0);
    return isNewer && !isInEffect(row.proposal, this.#observation);
  }

  /** Works until `stop` fires; a call under way gets the signal. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        await this.#do(this.#nextStep(), stop);
      } catch (cause) {
        // The journal could not be written (disk full, damaged). Nothing is called until it can.
        const waitMs = this.#ownBackoff.failed(['journal'], 1000);
        this.#ports.log.error('action worker stopped by an error; it tries again', {
          event: 'provider.worker.failed',
          nic: this.key,
          waitMs,
          cause: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
        });
        await this.#wakeUp.wait(this.#ownBackoff.earliest(['journal']), stop);
      }
    }
  }

  async #do(step: Step, stop: AbortSignal): Promise<void> {
    switch (step.kind) {
      case 'observe':
        return this.#observe(stop);
      case 'execute':
        this.#isExecuting = true;
        await this.#execute(step.batch, stop).finally(() => (this.#isExecuting = false));
        return stop.aborted ? undefined : this.#view.onStep();
      case 'wait':
        return this.#wakeUp.wait(step.until, stop);
    }
  }

  async #execute(batch: Parameters<BatchExecution['run']>[1], stop: AbortSignal): Promise<void> {
    const report = await this.#execution.run(this.#nic, batch, this.#observation, stop);
    if (stop.aborted) return;
    this.#ownBackoff.clear('journal');
    for (const row of report.succeeded) this.#readingsAtSuccess.set(row.id, this.#readings);
    if (report.nic !== undefined) this.#accept(report.nic, report.succeeded);
    else if (report.mustRead) this.#wantedReading = 'failover';
  }

  /** Time goes on while this looks: what is not due is waited for by the same moment, lest it be due before it is waited for. */
  #nextStep(): Step {
    const now = this.#ports.clock.monotonic();
    const isDue = ({ id }: ActionRow): boolean => this.#rowBackoff.isDue(id, now);
    if (this.#unresolved().length > 0) {
      const until = this.#readableAt('failover');
      return until === undefined ? this.#admitReading() : { kind: 'wait', until };
    }
    const lane = this.#dueReading();
    if (lane !== undefined && this.#readableAt(lane) === undefined) return this.#admitReading();

    this.#execution.reopen(this.#failed().filter(isDue));
    const rows = this.#candidates();
    const { batch, held, opensInMinutes } = decideRun({
      rows,
      isDue,
      policies: this.#view.policies(),
      localTimeIn: (timezone) => localTimeIn(timezone, this.#ports.clock.now()),
    });
    this.#noteHeld(held);
    // An operator who says "now" is not made to wait for what the provider said to another call.
    const isOrdered = batch?.rows.some((row) => this.#view.isOrdered(row)) === true;
    const writableAt = isOrdered ? undefined : this.#budget.changeNotBefore(this.#nic);
    if (batch !== undefined && writableAt === undefined) {
      this.#budget.admit(this.#nic, 'write');
      return { kind: 'execute', batch };
    }
    const until = this.#nextInstant(
      rows.filter((row) => !isDue(row)),
      opensInMinutes,
    );
    const mayWrite = batch === undefined ? undefined : writableAt;
    return { kind: 'wait', until: earliest([until, mayWrite]) };
  }

  #admitReading(): Step {
    this.#budget.admit(this.#nic, 'read');
    return { kind: 'observe' };
  }

  /** When the NIC may be read; undefined: now. */
  #readableAt(lane: ApiLane): Monotonic | undefined {
    const allowed = this.#budget.notBefore(this.#nic, 'read', lane);
    const due = this.#ownBackoff.isDue('observe') ? undefined : this.#ownBackoff.earliest(['observe']);
    return allowed === undefined || due === undefined ? (allowed ?? due) : (Math.max(allowed, due) as Monotonic);
  }

  /** Why the NIC has to be read now, by lane. */
  #dueReading(): ApiLane | undefined {
    const now = this.#ports.clock.monotonic();
    if (this.#settling !== undefined && this.#settling.at <= now) return 'failover';
    return this.#wantedReading ?? (this.#auditAt !== undefined && this.#auditAt <= now ? 'reading' : undefined);
  }

  #nextInstant(waiting: readonly ActionRow[], opensInMinutes: number | undefined): Monotonic | undefined {
    const { clock } = this.#ports;
    const toMinute = MINUTE_MS - (clock.now() % MINUTE_MS);
    // A reading that is due is still kept back by one that failed: waiting for an instant that has passed would be no waiting.
    const readingAt = (at: Monotonic | undefined, lane: ApiLane): Monotonic | undefined =>
      at && (Math.max(at, this.#readableAt(lane) ?? 0) as Monotonic);
    return earliest([
      this.#rowBackoff.earliest(waiting.map(({ id }) => id)),
      this.#wantedReading && (this.#readableAt(this.#wantedReading) ?? clock.monotonic()),
      readingAt(this.#settling?.at, 'failover'),
      readingAt(this.#auditAt, 'reading'),
      opensInMinutes === undefined
        ? undefined
        : ((clock.monotonic() + (opensInMinutes - 1) * MINUTE_MS + toMinute) as Monotonic),
    ]);
  }

  #failed(): readonly ActionRow[] {
    return this.#ports.journal
      .list({ status: 'failed' })
      .filter((row) => nicKeyOf(row.proposal) === this.key && this.#view.isRunnable(row));
  }

  #candidates(): readonly ActionRow[] {
    const { journal } = this.#ports;
    return [...WAITING_STATUSES, 'failed' as const]
      .flatMap((status) => journal.list({ status }))
      .filter((row) => nicKeyOf(row.proposal) === this.key && this.#view.isRunnable(row));
  }

  #unresolved(): readonly ActionRow[] {
    return this.#ports.journal.list({ status: 'running' }).filter((row) => nicKeyOf(row.proposal) === this.key);
  }

  /** A refusal stands in the journal for people; the row stays where it is and is asked again when anything changes. */
  #noteHeld(held: readonly HeldRow[]): void {
    const { journal, clock } = this.#ports;
    for (const { row, refusal, message } of held) {
      const text =
        refusal === undefined ? message : `${describeRefusal(row.id, refusal)}. ${remedyFor(row.id, refusal)}`;
      if (row.message !== text) journal.transition([row.id], WAITING_STATUSES, { message: text }, clock.now());
    }
    if (held.length > 0) this.#view.onHeld(held);
  }

  async #observe(stop: AbortSignal): Promise<void> {
    const { executor, clock, log } = this.#ports;
    const lane = this.#dueReading() ?? 'failover';
    this.#wantedReading = undefined;
    const unresolved = this.#unresolved();
    const answer = await withDeadline(clock, this.#limits.observeLimit, stop, async (signal) =>
      executor.observe(this.#nic, signal),
    );
    if (stop.aborted) return;
    if (answer.kind === 'answered' && answer.value.ok) {
      this.#ownBackoff.clear('observe');
      const inEffect = [
        ...this.#execution.resolve(unresolved, answer.value.value),
        ...this.#execution.settleFailed(this.#failed(), answer.value.value),
      ];
      for (const row of inEffect) this.#readingsAtSuccess.set(row.id, this.#readings);
      this.#accept(answer.value.value, []);
      return this.#view.onStep();
    }
    const fault = answer.kind === 'answered' && !answer.value.ok ? answer.value.error : undefined;
    this.#wantedReading ??= lane;
    const waitMs = this.#ownBackoff.failed(['observe'], fault?.retryAfterMs);
    log.warn('NIC could not be read', {
      event: 'provider.nic.unreadable',
      nic: this.key,
      code: fault?.code ?? 'executor.timed-out',
      errorClass: fault?.errorClass ?? 'unknown-outcome',
      detail: fault?.detail ?? 'no answer before the time limit',
      waitMs,
    });
  }

  /** Takes in a reading and, while it does not show what succeeded, asks for the next one. */
  #accept(nic: NicState, succeeded: readonly ActionRow[]): void {
    const { clock, log } = this.#ports;
    this.#readings += 1;
    const spread = 0.75 + 0.5 * this.#ports.random();
    this.#auditAt = (clock.monotonic() + Math.round(this.#limits.auditEvery * spread)) as Monotonic;
    const addresses = new Set(nic.addresses);
    this.#observation = { kind: 'known', addresses, forwarding: nic.forwarding, observedAt: instant(clock.now()) };
    log.debug('NIC read', { event: 'provider.nic.observed', nic: this.key, addresses: addresses.size });
    const rows = [...(this.#settling?.rows ?? []), ...succeeded].filter(({ proposal }) => !isInEffect(proposal, nic));
    const reads = succeeded.length > 0 ? 0 : (this.#settling?.reads ?? 0);
    const wait = SETTLING_WAITS_MS[reads];
    this.#settling =
      rows.length === 0 || wait === undefined
        ? undefined
        : { rows, reads: reads + 1, at: (clock.monotonic() + wait) as Monotonic };
  }
}

function earliest(instants: readonly (Monotonic | undefined)[]): Monotonic | undefined {
  const known = instants.filter((at) => at !== undefined);
  return known.length === 0 ? undefined : (Math.min(...known) as Monotonic);
}
