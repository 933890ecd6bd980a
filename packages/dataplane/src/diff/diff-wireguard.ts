/** WireGuard devices. What WireGuard learned (endpoints of peers that roam) is left alone. */
import type { HostOp, ObservedHost } from '../host-op.ts';
import { slotOfWireGuard, textOfWireGuard } from '../host-slot.ts';
import type { WireGuardDevice } from '../host-state.ts';
import { endpointKey, type Ownership } from '../ownership.ts';
import type { Changes } from './changes.ts';

export function diffWireGuard(
  desired: readonly WireGuardDevice[],
  observed: ObservedHost,
  ownership: Ownership,
): Changes {
  const wanted = new Set(desired.map(({ name }) => name));
  return {
    add: desired.flatMap((device) => changeOf(device, observed, ownership) ?? []),
    remove: observed.wireGuard
      .filter(({ name }) => !wanted.has(name) && ownership.has(slotOfWireGuard(name)))
      .map(({ name }) => ({ verb: 'wireguard-remove', name })),
  };
}

function changeOf(device: WireGuardDevice, observed: ObservedHost, ownership: Ownership): HostOp | undefined {
  const present = observed.wireGuard.find(({ name }) => name === device.name);
  if (present === undefined) return { verb: 'wireguard-create', device };
  const link = observed.links.find(({ name }) => name === device.name);
  const known = new Set(present.peers.map(({ publicKey }) => publicKey));
  // An endpoint is set for a new peer, and when the configuration names another than it ever did. After that it is WireGuard's.
  const endpointsOf = device.peers
    .filter(
      ({ publicKey, endpoint }) =>
        endpoint !== undefined &&
        (!known.has(publicKey) || !ownership.has(endpointKey(device.name, publicKey, endpoint))),
    )
    .map(({ publicKey }) => publicKey);
  const settled =
    endpointsOf.length === 0 &&
    present.publicKey !== undefined &&
    link?.up === true &&
    link.mtu === device.mtu &&
    textOfWireGuard(device) === textOfWireGuard(present);
  return settled ? undefined : { verb: 'wireguard-configure', device, endpointsOf };
}
