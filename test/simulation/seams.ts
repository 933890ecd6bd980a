/** Where a deliberately broken build differs from a right one: each seam wraps one port of every node. Without any, nothing is changed. */
import type { Journal, ProviderExecutor } from '@routerd/actions';
import type { Host, OwnershipLedger, Vrrp } from '@routerd/dataplane';
import type { Federation } from '@routerd/federation';
import type { ReadWire } from '@routerd/federation/internal';
import type { HostAddress, Resource } from '@routerd/resources';
import type { VirtualTime } from './virtual-time.ts';

export interface Seams {
  readonly federation?: (inner: Federation, node: SeamContext) => Federation;
  readonly vrrp?: (inner: Vrrp, node: SeamContext) => Vrrp;
  readonly journal?: (inner: Journal, node: SeamContext) => Journal;
  readonly executor?: (inner: ProviderExecutor, node: SeamContext) => ProviderExecutor;
  readonly host?: (inner: Host, node: SeamContext) => Host;
  readonly ledger?: (inner: OwnershipLedger, node: SeamContext) => OwnershipLedger;
  readonly readWire?: (inner: ReadWire, node: SeamContext) => ReadWire;
  readonly captureGuard?: (
    inner: (address: HostAddress) => string | undefined,
    node: SeamContext,
  ) => (address: HostAddress) => string | undefined;
}

export interface SeamContext {
  readonly node: string;
  readonly time: VirtualTime;
  readonly startup: readonly Resource[];
}
