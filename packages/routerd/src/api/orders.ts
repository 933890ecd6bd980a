/** What an operator may order through the API. Each order is checked again by the part that carries it out. */
import type { ActionEngine, ActionRow, AttemptRow, ImportReport } from '@routerd/actions';
import type { Fact, FactFault, FactType } from '@routerd/federation';
import type { DurationMs, HostAddress, Result } from '@routerd/resources';
import type { ApiFault } from './http-server.ts';

/** Orders about provider actions; the engine checks each of them. */
export interface ActionOrders {
  approve(id: number, by: string): Result<void, ApiFault>;
  execute(id: number, mode: 'dry-run' | 'execute'): Promise<Result<{ readonly message: string }, ApiFault>>;
  attempts(id: number): readonly AttemptRow[];
  retry(id: number): Result<ActionRow, ApiFault>;
  rollback(id: number, by: string): Promise<Result<{ readonly message: string }, ApiFault>>;
  importPlan(): Result<ImportReport, ApiFault>;
  /** @returns how many were forgotten */
  prune(limits: { readonly keepFor?: DurationMs; readonly keepRows?: number }): Result<number, ApiFault>;
}

export function actionOrders(engine: ActionEngine): ActionOrders {
  return {
    approve(id, by) {
      const approved = engine.approve(id, by);
      return approved.ok ? { ok: true, value: undefined } : approved;
    },
    execute: async (id, mode) => engine.execute(id, { mode }),
    attempts: (id) => engine.attempts(id),
    retry: (id) => engine.retry(id),
    rollback: async (id, by) => engine.rollback(id, by),
    importPlan: () => engine.importPlan(),
    prune: (limits) => engine.prune(limits),
  };
}

export interface NodeOrders extends ActionOrders {
  /** `pool` may be left out where the node has one; `ttl` where the pool's own shall do. */
  emit(draft: {
    readonly type: FactType;
    readonly address: HostAddress;
    readonly pool: string | undefined;
    readonly ttl: DurationMs | undefined;
    /** Where the fact comes from, for people; `operator` unless told. */
    readonly origin?: string;
  }): Result<Fact, FactFault | ApiFault>;
  /** Reads the kernel now, so that what is shown next is not older than the question. */
  refreshHost(): Promise<void>;
}
