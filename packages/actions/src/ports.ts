/** The ports of the action engine: the journal it writes before every call, and the executors that call providers. */
import type {
  ActionProposal,
  ActionVerb,
  CaptureKey,
  CaptureRecord,
  CaptureTransition,
  Provider,
} from '@routerd/mobility';
import type { Brand, HostAddress, Instant, Result } from '@routerd/resources';

export const ACTION_STATUSES = [
  'pending',
  'approved',
  'running',
  'succeeded',
  'failed',
  'skipped',
  'rolledBack',
] as const;
export type ActionStatus = (typeof ACTION_STATUSES)[number];

export const ERROR_CLASSES = [
  'throttled',
  'conflict',
  'held-elsewhere',
  'permission',
  'invalid',
  'limit',
  'not-found',
  'unknown-outcome',
  'transport',
] as const;
export type ErrorClass = (typeof ERROR_CLASSES)[number];

/** One row of the journal: one action for one address, from proposal to outcome. */
export interface ActionRow {
  readonly id: number;
  readonly proposal: ActionProposal;
  readonly status: ActionStatus;
  readonly approvedBy: string | undefined;
  readonly attempts: number;
  readonly nextAttemptAt: Instant | undefined;
  readonly errorClass: ErrorClass | undefined;
  /** For people: gate, rule and remedy, or the provider's words. Redacted. */
  readonly message: string;
  /** Prior values and ids that the executor saw, for rollback and explanation. */
  readonly observed: Readonly<Record<string, string>>;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** One attempt, appended before the call and closed after it; `attempt` is unique in the journal. */
export interface AttemptRow {
  readonly actionIds: readonly number[];
  readonly attempt: string;
  readonly startedAt: Instant;
  readonly endedAt: Instant | undefined;
  readonly outcome: string | undefined;
}

/** Synchronous. A method throws when the storage refuses it (disk full, damaged): then nothing was written and nothing may be called. */
export interface Journal {
  /**
   * Insert as `pending`, or return the row that already has the idempotency key. A row that still waits (pending, approved, failed)
   * takes over what the planner says now, see `refreshedProposal`; what ran keeps what it ran with.
   * On disk at the latest when the next `transition` or `openAttempt` is: one that is lost before that is proposed again.
   */
  importProposal(proposal: ActionProposal, now: Instant): { readonly row: ActionRow; readonly isNew: boolean };
  get(id: number): ActionRow | undefined;
  byKey(idempotencyKey: string): ActionRow | undefined;
  /** By id, which is the order of import. */
  list(filter?: { readonly status?: ActionStatus; readonly provider?: Provider }): readonly ActionRow[];
  /** Compare-and-set: changes only rows whose status is one of `from`. @returns the ids that changed
   * A change of status is synced before it returns; one of the message alone is for people and need not be. */
  transition(
    ids: readonly number[],
    from: readonly ActionStatus[],
    change: Partial<
      Pick<ActionRow, 'status' | 'approvedBy' | 'attempts' | 'nextAttemptAt' | 'errorClass' | 'message' | 'observed'>
    >,
    now: Instant,
  ): readonly number[];
  /** Synced before it returns: what is not in the journal is not called. */
  openAttempt(actionIds: readonly number[], attempt: string, now: Instant): void;
  closeAttempt(attempt: string, outcome: string, now: Instant): void;
  /** Oldest first. */
  attempts(actionId: number): readonly AttemptRow[];
  /**
   * Forgets finished rows with their attempts: those that last changed before `olderThan`, and of the others all but the newest `keepRows`.
   * A row that is not finished, see `FINISHED_STATUSES`, or that is in `except`, is never forgotten. @returns the ids that are gone
   */
  prune(limits: PruneLimits): readonly number[];
}

export interface PruneLimits {
  readonly olderThan: Instant;
  /** Finished rows that may stay; those in `except` count. */
  readonly keepRows: number;
  readonly except: ReadonlySet<number>;
}

export type ExecutionMode = 'dry-run' | 'execute';

/** The NIC that a request is about, with the provider's own keys. */
export interface NicTarget {
  readonly provider: Provider;
  readonly providerRef: string;
  readonly nicRef: string;
  readonly target: Readonly<Record<string, string>>;
}

/** `<providerRef>|<nicRef>`: what the engine works on serially. */
export type NicKey = Brand<string, 'NicKey'>;

export function nicKeyOf(nic: { readonly providerRef: string; readonly nicRef: string }): NicKey {
  return `${nic.providerRef}|${nic.nicRef}` as NicKey;
}

export interface ExecuteRequest {
  readonly nic: NicTarget;
  readonly verb: ActionVerb;
  /** All addresses of one batch; for forwarding verbs the ones that made it necessary. */
  readonly addresses: readonly {
    readonly address: HostAddress;
    readonly captureKey: string;
    readonly captureEpoch: number;
    readonly seizeFrom: string | undefined;
  }[];
  readonly mode: ExecutionMode;
  readonly attempt: string;
}

export interface ExecuteOutcome {
  /** Per address; forwarding verbs answer under every address given. */
  readonly results: readonly {
    readonly address: HostAddress;
    readonly status: 'succeeded' | 'failed' | 'skipped';
    readonly message: string;
    readonly errorClass: ErrorClass | undefined;
  }[];
  readonly observed: Readonly<Record<string, string>>;
  /** NIC as read back after the call, when it could be read. */
  readonly nic: NicState | undefined;
  readonly usage?: ApiUsage | undefined;
}

/** What an answer cost at the provider, and what its rate headers said; every field where it is known. */
export interface ApiUsage {
  readonly reads?: number | undefined;
  /** Calls that were sent, whatever came of them. */
  readonly writes?: number | undefined;
  readonly readsLeft?: number | undefined;
  readonly writesLeft?: number | undefined;
  /** When `readsLeft` and `writesLeft` are full again, in ms from the answer. */
  readonly resetsAfterMs?: number | undefined;
}

export interface NicState {
  readonly addresses: readonly HostAddress[];
  /** Transit allowed: source/destination check off, IP forwarding on. */
  readonly forwarding: boolean;
}

export interface NicReading extends NicState {
  readonly usage?: ApiUsage | undefined;
}

export interface ExecutorFault {
  readonly code:
    | 'executor.not-configured'
    | 'executor.ambiguous'
    | 'executor.incompatible'
    | 'executor.crashed'
    | 'executor.timed-out'
    | 'executor.bad-output'
    | 'executor.failed'
    | 'executor.cancelled';
  readonly errorClass: ErrorClass;
  readonly detail: string;
  /** Wait at least this long before another attempt, when the provider said so. */
  readonly retryAfterMs?: number;
  readonly usage?: ApiUsage | undefined;
}

export interface ProviderExecutor {
  /** Idempotent: repeating a request that took effect succeeds. Never takes an address that the request does not name a `seizeFrom` for. */
  execute(request: ExecuteRequest, signal: AbortSignal): Promise<Result<ExecuteOutcome, ExecutorFault>>;
  /** Reads one NIC; mutates nothing. */
  observe(nic: NicTarget, signal: AbortSignal): Promise<Result<NicReading, ExecutorFault>>;
}

export type FenceAppendOutcome =
  | { readonly kind: 'won'; readonly record: CaptureRecord }
  | { readonly kind: 'lost'; readonly current: CaptureRecord | undefined; readonly because: string }
  | { readonly kind: 'unreachable'; readonly detail: string };

/** What the fence needs of the capture registry; federation's `CaptureRegistry` satisfies it. */
export interface FenceRegistry {
  /** As far as the log was read; may be behind, never ahead. */
  records(): ReadonlyMap<CaptureKey, CaptureRecord>;
  /** Appends the next record of each key and waits to see it come back; outcomes in the order given. */
  append(transitions: readonly CaptureTransition[], signal: AbortSignal): Promise<readonly FenceAppendOutcome[]>;
}
