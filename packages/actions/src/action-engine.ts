/** The action engine: what the planner wants, what the policies allow, what the fence admits, what the provider did. */
import type { ActionProposal, NicObservation, Revision } from '@routerd/mobility';
import { durationMs, err, instant, ok, type DurationMs, type Monotonic, type Result } from '@routerd/resources';
import { accountedExecutor } from './accounted-executor.ts';
import { ApiBudget } from './api-budget.ts';
import { Backoff } from './backoff.ts';
import { BatchExecution } from './batch-execution.ts';
import type { EngineLimits, EnginePorts } from './engine-parts.ts';
import { isFenced } from './fence.ts';
import { liveRows } from './live-rows.ts';
import { NicWorker, type WorkerView } from './nic-worker.ts';
import { OperatorOrders, type ActionFault, type ExecutionReport } from './operator-orders.ts';
import type { ActionPolicy } from './policy.ts';
import { nicKeyOf, type ActionRow, type AttemptRow, type ExecutionMode, type NicKey, type NicTarget } from './ports.ts';
import { WantedActions } from './wanted-actions.ts';

export interface ActionEngine {
  /** Takes effect at once, also for what waits. The zero policies allow nothing. */
  setPolicies(policies: readonly ActionPolicy[]): void;
  /** The planner's whole current set, for all NICs. The same set again costs nothing. */
  propose(proposals: readonly ActionProposal[]): void;
  /** The registry changed: stale rows that wait are skipped, what was kept out for staleness is looked at again. */
  sweepStale(): void;
  approve(id: number, by: string): Result<ActionRow, ActionFault>;
  /**
   * `execute`: runs the row now, without waiting for its back-off; a failed row is opened again. Resolves when the attempt ended.
   * `dry-run`: gates and executor, changing nothing anywhere.
   */
  execute(id: number, options: { readonly mode: ExecutionMode }): Promise<Result<ExecutionReport, ActionFault>>;
  /** Opens a failed row again; it runs as soon as the gates let it. */
  retry(id: number): Result<ActionRow, ActionFault>;
  /**
   * Undoes a succeeded row by the opposite verb, where it changed something and this node does not hold the address. Resolves when the
   * attempt ended; then the row is `rolledBack`, and its undo has a row of its own.
   */
  rollback(id: number, by: string): Promise<Result<ExecutionReport, ActionFault>>;
  /** Compares the plan with the journal now. It is done with every plan; this is for an operator who wants to see it. */
  importPlan(): Result<ImportReport, ActionFault>;
  /** Forgets finished rows that the plan does not want: now, by the given limits. It is done by itself every ten minutes, by `EngineLimits`. */
  prune(limits?: { readonly keepFor?: DurationMs; readonly keepRows?: number }): Result<number, ActionFault>;
  rows(): readonly ActionRow[];
  /** Assigns that wait because the provider says that another NIC holds the address. Reads no disk. */
  heldElsewhere(): readonly ActionRow[];
  attempts(id: number): readonly AttemptRow[];
  /** The last reading; the same object until there is another. */
  nic(key: NicKey): NicObservation;
  /** Reads the NIC soon; before `start` it is remembered for then. */
  requestObservation(nic: NicTarget): void;
  /** Told after rows or observations changed, never concurrently. @returns stops telling */
  onChange(listener: () => void): () => void;
  start(): void;
  /** Calls under way get their signal and a bounded time; what they leave `running` is resolved at the next start. */
  stop(): Promise<void>;
}

export interface ImportReport {
  /** What the plan wants at providers. */
  readonly wanted: number;
  /** Of it, rows that were not in the journal. */
  readonly imported: number;
  /** Of it, what the registry calls stale: it is not in the journal. */
  readonly fenced: number;
}

const PRUNE_EVERY_MS = 600_000;
/** What a provider takes for a small change, about; a try that is too early costs one call, and is followed by others soon. */
const GIVEN_BACK_AFTER_MS = 500;
const DEFAULT_LIMITS: EngineLimits = {
  executeLimit: durationMs(120_000),
  observeLimit: durationMs(30_000),
  auditEvery: durationMs(60_000),
  keepRowsFor: durationMs(30 * 24 * 3_600_000),
  keepRows: 10_000,
  stopLimit: durationMs(5000),
};
const UNKNOWN: NicObservation = { kind: 'unknown' };

/** Starts nothing: work begins with `start`. */
export function createActionEngine(ports: EnginePorts, limits: Partial<EngineLimits> = {}): ActionEngine {
  return new Engine(ports, { ...DEFAULT_LIMITS, ...limits });
}

class Engine implements ActionEngine {
  readonly #ports: EnginePorts;
  readonly #limits: EngineLimits;
  readonly #budget: ApiBudget;
  readonly #workers = new Map<NicKey, NicWorker>();
  readonly #running = new Set<Promise<void>>();
  readonly #listeners = new Set<() => void>();
  readonly #stopping = new AbortController();
  readonly #rowBackoff: Backoff<number>;
  readonly #importBackoff: Backoff<'import'>;
  /** By row, the record that another node wrote under the tenure of ours that the row belongs to. */
  readonly #givenBack = new Map<number, Revision>();
  readonly #execution: BatchExecution;
  readonly #wanted: WantedActions;
  readonly #orders: OperatorOrders;
  #policies: readonly ActionPolicy[] = [];
  #isStarted = false;
  #pruneAt = 0;
  #isRetryingImport = false;

  constructor(given: EnginePorts, limits: EngineLimits) {
    this.#budget = new ApiBudget(given.clock);
    const executor = accountedExecutor(given.executor, this.#budget);
    const ports: EnginePorts = { ...given, executor, journal: liveRows(given.journal) };
    this.#ports = ports;
    this.#limits = limits;
    this.#rowBackoff = new Backoff(ports.clock, ports.random);
    this.#importBackoff = new Backoff(ports.clock, ports.random);
    this.#execution = new BatchExecution(ports, limits, this.#rowBackoff);
    this.#wanted = new WantedActions({
      ...ports,
      hasDrifted: (row) => this.#workers.get(nicKeyOf(row.proposal))?.hasDrifted(row) ?? false,
      isOrdered: (rowId) => this.#orders.isOrdered(rowId),
    });
    this.#orders = new OperatorOrders(ports, {
      backoff: this.#rowBackoff,
      executeLimit: limits.executeLimit,
      stopping: this.#stopping.signal,
      policies: () => this.#policies,
      wake: (row) => this.#workerOf(row.proposal).wake(),
      reading: (row) => this.nic(nicKeyOf(row.proposal)),
    });
  }

  setPolicies(policies: readonly ActionPolicy[]): void {
    this.#policies = policies;
    this.#wakeAll();
  }

  propose(proposals: readonly ActionProposal[]): void {
    const isChanged = this.#guarded(() => this.#wanted.replace(proposals));
    if (isChanged === false) return;
    for (const proposal of proposals) this.#workerOf(proposal);
    this.#wakeAll();
    this.#tell();
  }

  sweepStale(): void {
    this.#hastenGivenBack();
    this.#guarded(() => this.#wanted.reconsider());
    this.#wakeAll();
    this.#tell();
  }

  /**
   * Another node that confirms a tenure of ours is about to take the address off its own NIC (ADR 0031): what was refused for that is tried again when
   * its call is over, and not when its own back-off ends. Each confirmation counts once.
   */
  #hastenGivenBack(): void {
    const { fence, self } = this.#ports;
    const seen = new Map(this.#givenBack);
    this.#givenBack.clear();
    for (const { id, proposal } of this.heldElsewhere()) {
      const record = fence.records().get(proposal.captureKey);
      if (record === undefined || record.writer === self || isFenced(proposal, record, self)) continue;
      this.#givenBack.set(id, record.revision);
      if (seen.get(id) !== record.revision) this.#rowBackoff.resume(id, GIVEN_BACK_AFTER_MS);
    }
  }

  approve(id: number, by: string): Result<ActionRow, ActionFault> {
    return this.#told(this.#orders.approve(id, by));
  }

  retry(id: number): Result<ActionRow, ActionFault> {
    return this.#told(this.#orders.retry(id));
  }

  async execute(id: number, { mode }: { readonly mode: ExecutionMode }): Promise<Result<ExecutionReport, ActionFault>> {
    if (mode === 'execute' && !this.#isStarted)
      return err({ code: 'action.not-started', message: 'The action engine is not running.', remedy: 'Try again.' });
    return this.#orders.execute(id, mode);
  }

  async rollback(id: number, by: string): Promise<Result<ExecutionReport, ActionFault>> {
    if (!this.#isStarted)
      return err({ code: 'action.not-started', message: 'The action engine is not running.', remedy: 'Try again.' });
    return this.#orders.rollback(id, by);
  }

  importPlan(): Result<ImportReport, ActionFault> {
    const before = this.#wanted.rowIds();
    this.sweepStale();
    const counts = this.#wanted.counts();
    if (counts === undefined) {
      const remedy = 'Wait until `routerctl status` shows no more "waiting for".';
      return err({ code: 'action.no-plan', message: 'There is no plan yet.', remedy });
    }
    return ok({ ...counts, imported: this.#wanted.rowIds().difference(before).size });
  }

  prune(limits: { readonly keepFor?: DurationMs; readonly keepRows?: number } = {}): Result<number, ActionFault> {
    const { clock, journal, log } = this.#ports;
    const { keepFor = this.#limits.keepRowsFor, keepRows = this.#limits.keepRows } = limits;
    const except = this.#wanted.rowIds();
    const gone = this.#guarded(() => journal.prune({ olderThan: instant(clock.now() - keepFor), keepRows, except }));
    if (gone === undefined) return err({ code: 'action.journal-failed', message: 'The journal could not be written.' });
    if (gone.length > 0)
      log.info('finished actions forgotten', { event: 'provider.journal.pruned', count: gone.length, keepRows });
    return ok(gone.length);
  }

  /** Only with a plan: before it nobody knows which rows are wanted. */
  #pruneWhenDue(): void {
    const now = this.#ports.clock.monotonic();
    if (now < this.#pruneAt || this.#wanted.counts() === undefined) return;
    this.#pruneAt = now + PRUNE_EVERY_MS;
    this.prune();
  }

  rows(): readonly ActionRow[] {
    return this.#ports.journal.list();
  }

  heldElsewhere(): readonly ActionRow[] {
    return this.#ports.journal
      .list({ status: 'approved' })
      .filter(({ errorClass, proposal }) => errorClass === 'held-elsewhere' && proposal.verb === 'assign-secondary-ip');
  }

  attempts(id: number): readonly AttemptRow[] {
    return this.#ports.journal.attempts(id);
  }

  nic(key: NicKey): NicObservation {
    return this.#workers.get(key)?.observation ?? UNKNOWN;
  }

  requestObservation(nic: NicTarget): void {
    this.#workerOf(nic).requestObservation(nic);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const { journal, clock } = this.#ports;
    for (const status of ['pending', 'approved', 'running', 'failed'] as const) {
      for (const row of journal.list({ status })) {
        if (row.nextAttemptAt !== undefined) this.#rowBackoff.resume(row.id, row.nextAttemptAt - clock.now());
        this.#workerOf(row.proposal);
      }
    }
    for (const worker of this.#workers.values()) this.#run(worker);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#isStarted = false;
    const { clock, log } = this.#ports;
    const ended = new AbortController();
    const all = Promise.all(this.#running).then(() => ended.abort());
    await Promise.race([
      all,
      clock.sleepUntil((clock.monotonic() + this.#limits.stopLimit) as Monotonic, ended.signal),
    ]);
    if (this.#running.size > 0)
      log.warn('provider calls did not end in time', { event: 'provider.stop.unfinished', nics: this.#running.size });
    ended.abort();
  }

  #workerOf(nic: NicTarget): NicWorker {
    const key = nicKeyOf(nic);
    const existing = this.#workers.get(key);
    if (existing !== undefined) return existing;
    const { provider, providerRef, nicRef, target } = nic;
    const worker = new NicWorker(this.#ports, this.#limits, {
      nic: { provider, providerRef, nicRef, target },
      execution: this.#execution,
      rowBackoff: this.#rowBackoff,
      view: this.#viewOfWorker(),
      budget: this.#budget,
    });
    this.#workers.set(key, worker);
    worker.requestObservation({ provider, providerRef, nicRef, target });
    if (this.#isStarted) this.#run(worker);
    return worker;
  }

  #viewOfWorker(): WorkerView {
    return {
      policies: () => this.#policies,
      isOrdered: ({ id }) => this.#orders.isOrdered(id),
      isRunnable: ({ id }) => this.#wanted.isWanted(id) || this.#orders.isOrdered(id),
      onStep: () => {
        this.#guarded(() => this.#wanted.reconsider());
        this.#orders.onStep();
        this.#pruneWhenDue();
        this.#tell();
      },
      onHeld: (held) => this.#orders.onHeld(held),
    };
  }

  #run(worker: NicWorker): void {
    const work = worker.run(this.#stopping.signal).finally(() => {
      this.#running.delete(work);
    });
    this.#running.add(work);
  }

  #wakeAll(): void {
    for (const worker of this.#workers.values()) worker.wake();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #told(result: Result<ActionRow, ActionFault>): Result<ActionRow, ActionFault> {
    if (result.ok) this.#tell();
    return result;
  }

  /** Work on the journal that nobody waits for. When the journal refuses, it is done again later; nothing is called meanwhile. */
  #guarded<T>(work: () => T): T | undefined {
    try {
      const value = work();
      this.#importBackoff.clear('import');
      return value;
    } catch (cause) {
      const waitMs = this.#importBackoff.failed(['import'], 1000);
      this.#ports.log.error('journal refused the plan; it is imported again later', {
        event: 'provider.journal.failed',
        waitMs,
        cause: cause instanceof Error ? cause.message : String(cause),
      });
      void this.#retryImport();
      return undefined;
    }
  }

  async #retryImport(): Promise<void> {
    if (this.#isRetryingImport) return;
    this.#isRetryingImport = true;
    await this.#ports.clock.sleepUntil(
      this.#importBackoff.earliest(['import']) ?? this.#ports.clock.monotonic(),
      this.#stopping.signal,
    );
    this.#isRetryingImport = false;
    if (!this.#stopping.signal.aborted) this.sweepStale();
  }
}
