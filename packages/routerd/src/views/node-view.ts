/** What a daemon shows of itself: the parts that status, get and explain read. Values only; nothing here changes anything. */
import type { ActionRow } from '@routerd/actions';
import type { HostOp, HostReconcilerStatus, ObservedHost } from '@routerd/dataplane';
import type { AcceptedFact, FederationStatus } from '@routerd/federation';
import type { Liveness } from '@routerd/mobility';
import type { Instant, NodeName, Resource } from '@routerd/resources';
import type { DerivedConfig } from '../derived-config.ts';
import type { ObservingView } from '../observing.ts';
import type { PoolState } from '../pool-state.ts';

export interface NodeView {
  readonly node: NodeName | undefined;
  readonly startedAt: Instant;
  readonly startup: readonly Resource[];
  readonly pools: readonly PoolState[];
  derived(): DerivedConfig | undefined;
  waitingFor(): readonly string[];
  federation(): (FederationStatus & { readonly members: ReadonlyMap<NodeName, Liveness> }) | undefined;
  facts(): readonly AcceptedFact[];
  actions(): readonly ActionRow[];
  host(): HostView;
  /** Absent where no plugin can run. */
  observing?(): ObservingView;
}

export interface HostView extends Pick<HostReconcilerStatus, 'owned' | 'addressesTakenOff'> {
  readonly observed: ObservedHost | undefined;
  readonly settled: boolean;
  /** What did not land at the last apply. */
  readonly residuals: readonly { readonly op: HostOp; readonly detail: string }[];
}
