/** Why a fact about an address may not be recorded at this node: the one place that keeps a capture from being taken for a home. */
import type { CaptureRecord, NicObservation, PoolContext } from '@routerd/mobility';
import type { HostAddress, ResourceOf } from '@routerd/resources';
import type { PoolState } from './pool-state.ts';

export interface CaptureGuardView {
  readonly pools: readonly PoolState[];
  /** Addresses that the kernel answers ARP for on our behalf. */
  readonly captured: ReadonlySet<HostAddress> | undefined;
  /** The last reading of the NIC that this node captures with in a pool. */
  readonly nic: (context: PoolContext) => NicObservation;
  /** Addresses of this host's own interfaces. */
  readonly own: ReadonlySet<HostAddress>;
  /** Claims written by hand; derived ones follow from the registry. */
  readonly claims: readonly ResourceOf<'RemoteAddressClaim'>[];
}

/** @returns who captures or has the address here, in words; undefined when it may be observed */
export function capturedHere(address: HostAddress, view: CaptureGuardView): string | undefined {
  if (view.own.has(address)) return 'this router, whose own address it is';
  for (const { context, record } of view.pools.map((pool) => ({
    context: pool.context,
    record: recordAtOwnSite(pool, address),
  }))) {
    if (record !== undefined) return `${record.holder ?? context.self} (${record.domain}, epoch ${record.epoch})`;
  }
  if (view.captured?.has(address) === true) return 'this router, by proxy ARP';
  // A registry that lost its data knows of no capture; the provider goes on sending here what the NIC carries.
  if (view.pools.some(({ context }) => carriesForOthers(context, view.nic(context), address)))
    return 'this router, whose NIC carries it';
  const claim = view.claims.find(({ spec }) => spec.address === address);
  return claim === undefined ? undefined : `RemoteAddressClaim/${claim.metadata.name}`;
}

/** What the pool declares to live at this very router may stand on its NIC by right. */
function carriesForOthers({ selfMember }: PoolContext, nic: NicObservation, address: HostAddress): boolean {
  if (selfMember === undefined || nic.kind === 'unknown' || !nic.addresses.has(address)) return false;
  return !selfMember.spec.staticOwnedAddresses.includes(address);
}

/** @returns a record that names a holder in any capture domain of this node's site, when there is one */
export function recordAtOwnSite(pool: PoolState, address: HostAddress): CaptureRecord | undefined {
  const { members, selfMember } = pool.context;
  for (const { domain, site } of members.values()) {
    const record = site === selfMember?.site ? pool.record(address, domain) : undefined;
    if (record?.holder !== undefined) return record;
  }
  return undefined;
}
