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
  const absent = changedItems(settled.absentAddresses, desired.absentAddresses, (address) => address);
  const observed: ObservedHost = {
    ...picture.rest(),
    routes: picture.routesIn(routes.slots),
    proxyNeighbors: picture.proxyNeighborsIn(neighbors.slots),
  };
  const changed: HostState = {
    ...desired,
    routes: routes.desired,
    proxyNeighbors: neighbors.desired,
    absentAddresses: absent.desired,
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
  // Both are in the same order, so what differs stands together, and the ends are the same values.
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let [endBefore, endAfter] = [before.length, after.length];
  while (endBefore > start && endAfter > start && before[endBefore - 1] === after[endAfter - 1]) {
    endBefore -= 1;
    endAfter -= 1;
  }
  const [middleBefore, middleAfter] = [before.slice(start, endBefore), after.slice(start, endAfter)];
  const [known, kept] = [new Set(middleBefore), new Set(middleAfter)];
  const desired = middleAfter.filter((item) => !known.has(item));
  const gone = middleBefore.filter((item) => !kept.has(item));
  return { slots: new Set([...desired, ...gone].map(slotOf)), desired };
}
