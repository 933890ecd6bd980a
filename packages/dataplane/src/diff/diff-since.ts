/** What must change when only the desired state has changed: cost by what differs, not by what there is. Pure. */
import type { HostOp, ObservedHost } from '../host-op.ts';
import type { HostPicture } from '../host-picture.ts';
import { slotOfProxyNeighbor, slotOfRoute } from '../host-slot.ts';
import type { HostState } from '../host-state.ts';
import type { OwnedObject } from '../ports.ts';
import { diffHost } from './diff-host.ts';

/**
 * The same ops as `diffHost(desired, picture.observed(), owned)`, provided that the picture shows what `settled` desires.
 * Routes, proxy neighbours and absent addresses that are the same values in both states are not looked at; `lower` keeps the values of
 * claims that stay as they are.
 */
export function diffSince(
  settled: HostState,
  desired: HostState,
  picture: HostPicture,
  owned: readonly OwnedObject[],
): readonly HostOp[] {
  // A preferred source may come or go with an address, on any route.
  if (!sameAddresses(settled, desired)) return diffHost(desired, picture.observed(), owned);
  const routes = changedItems(settled.routes, desired.routes, slotOfRoute);
  const neighbors = changedItems(settled.proxyNeighbors, desired.proxyNeighbors, slotOfProxyNeighbor);
  const absent = new Set(settled.absentAddresses);
  const observed: ObservedHost = {
    ...picture.rest(),
    routes: picture.routesIn(routes.slots),
    proxyNeighbors: picture.proxyNeighborsIn(neighbors.slots),
  };
  const changed: HostState = {
    ...desired,
    routes: routes.desired,
    proxyNeighbors: neighbors.desired,
    absentAddresses: desired.absentAddresses.filter((address) => !absent.has(address)),
  };
  return diffHost(changed, observed, owned);
}

function sameAddresses(a: HostState, b: HostState): boolean {
  return (
    a.addresses.length === b.addresses.length &&
    a.addresses.every((entry, index) => {
      const other = b.addresses[index];
      return entry.address === other?.address && entry.interface === other.interface;
    })
  );
}

/** The places of which the value is another, and what is desired there now. */
function changedItems<T>(
  before: readonly T[],
  after: readonly T[],
  slotOf: (item: T) => string,
): { readonly slots: ReadonlySet<string>; readonly desired: readonly T[] } {
  const [known, kept] = [new Set(before), new Set(after)];
  const desired = after.filter((item) => !known.has(item));
  const gone = before.filter((item) => !kept.has(item));
  return { slots: new Set([...desired, ...gone].map(slotOf)), desired };
}
