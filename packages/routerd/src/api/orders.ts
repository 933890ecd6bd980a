/** What an operator may order through the API. Each order is checked again by the part that carries it out. */
import type { AttemptRow } from '@routerd/actions';
import type { Fact, FactFault, FactType } from '@routerd/federation';
import type { DurationMs, HostAddress, Result } from '@routerd/resources';
import type { ApiFault } from './http-server.ts';

export interface NodeOrders {
  /** `pool` may be left out where the node has one; `ttl` where the pool's own shall do. */
  emit(draft: {
    readonly type: FactType;
    readonly address: HostAddress;
    readonly pool: string | undefined;
    readonly ttl: DurationMs | undefined;
    /** Where the fact comes from, for people; `operator` unless told. */
    readonly origin?: string;
  }): Result<Fact, FactFault | ApiFault>;
  approve(id: number, by: string): Result<void, ApiFault>;
  execute(id: number, mode: 'dry-run' | 'execute'): Promise<Result<{ readonly message: string }, ApiFault>>;
  attempts(id: number): readonly AttemptRow[];
  /** Reads the kernel now, so that what is shown next is not older than the question. */
  refreshHost(): Promise<void>;
}
