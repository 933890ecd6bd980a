/** What a daemon shows of itself: the parts that status, get and explain read. Values only; nothing here changes anything. */
import type { ActionRow } from '@routerd/actions';
import type {
  HealthVerdict,
  HostFault,
  HostOp,
  HostReconcilerStatus,
  ObservedHost,
  PathStatus,
  Vrrp,
} from '@routerd/dataplane';
import type { AcceptedFact, FederationStatus } from '@routerd/federation';
import type { AddressNews, Liveness, OuterSituation } from '@routerd/mobility';
import type { HostAddress, Instant, NodeName, Resource } from '@routerd/resources';
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
  /** What the addresses of a pool are planned with now, and what is known of one beside facts and records. */
  situation(pool: PoolState): OuterSituation;
  newsOf(pool: PoolState, address: HostAddress): AddressNews;
  federation(): (FederationStatus & { readonly members: ReadonlyMap<NodeName, Liveness> }) | undefined;
  facts(): readonly AcceptedFact[];
  actions(): readonly ActionRow[];
  host(): HostView;
  readonly vrrp: Pick<Vrrp, 'role' | 'fault'>;
  /** By name of the HealthCheck; unknown for one that is not asked. */
  health(name: string): HealthVerdict;
  /** Of the path to an OverlayPeer, by its name. */
  path(peer: string): PathStatus;
  /** Absent where no plugin can run. */
  observing?(): ObservingView;
}

export interface HostView extends Pick<
  HostReconcilerStatus,
  'owned' | 'addressesTakenOff' | 'withheld' | 'unsupported'
> {
  readonly observed: ObservedHost | undefined;
  readonly settled: boolean;
  /** What did not land at the last apply. */
  readonly residuals: readonly {
    readonly op: HostOp;
    readonly code: HostFault['code'];
    readonly detail: string;
  }[];
}
