/** Why a fact about an address may not be recorded at this node: the one place that keeps a capture from being taken for a home. */
import type { HostAddress, ResourceOf } from '@routerd/resources';
import type { PoolState } from './pool-state.ts';

export interface CaptureGuardView {
  readonly pools: readonly PoolState[];
  /** Addresses that the kernel answers ARP for on our behalf. */
  readonly captured: ReadonlySet<HostAddress> | undefined;
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
  const claim = view.claims.find(({ spec }) => spec.address === address);
  return claim === undefined ? undefined : `RemoteAddressClaim/${claim.metadata.name}`;
}

/** A record that names a holder in any capture domain of this node's site. */
function recordAtOwnSite(pool: PoolState, address: HostAddress) {
  const { members, selfMember } = pool.context;
  for (const { domain, site } of members.values()) {
    const record = site === selfMember?.site ? pool.record(address, domain) : undefined;
    if (record?.holder !== undefined) return record;
  }
  return undefined;
}
