/**
 * What is recorded of our changes. Routes, proxy neighbours and tables carry a mark in the kernel, which is their record; the ledger holds
 * what cannot be marked (addresses, WireGuard devices, tunnels, endpoints that were configured once), what must be put back (sysctls, links), and files,
 * whose folder several hosts on one machine may share.
 */
import type { HostOp } from './host-op.ts';
import {
  slotOfAddress,
  slotOfLink,
  slotOfSysctl,
  slotOfSysctlFile,
  slotOfTunnel,
  slotOfWireGuard,
} from './host-slot.ts';
import type { WireGuardDevice } from './host-state.ts';
import type { OwnedObject } from './ports.ts';

/** By key. */
export type Ownership = ReadonlyMap<string, OwnedObject>;

export function ownershipOf(entries: readonly OwnedObject[]): Ownership {
  return new Map(entries.map((entry) => [entry.key, entry]));
}

/** To be recorded before the op is applied. */
export function recordsOf(op: HostOp): readonly OwnedObject[] {
  if (op.verb === 'sysctl-set') return [{ key: slotOfSysctl(op.path), priorValue: op.prior }];
  if (op.verb === 'sysctl-file-write') return [{ key: slotOfSysctlFile(op.file.name), priorValue: undefined }];
  if (op.verb === 'address-add') return [{ key: slotOfAddress(op.interface, op.address), priorValue: undefined }];
  if (op.verb === 'tunnel-create') return [{ key: slotOfTunnel(op.tunnel.name), priorValue: undefined }];
  if (op.verb === 'link-set') return [{ key: slotOfLink(op.setting), priorValue: op.prior }];
  if (op.verb !== 'wireguard-create' && op.verb !== 'wireguard-configure') return [];
  // A device that was there before is configured, never owned: it would not be ours to remove.
  const made = op.verb === 'wireguard-create' ? [slotOfWireGuard(op.device.name)] : [];
  return [...made, ...endpointKeys(op.device)].map((key) => ({ key, priorValue: undefined }));
}

/** To be forgotten after the op landed. */
export function forgottenBy(op: HostOp, ownership: Ownership): readonly string[] {
  if (op.verb === 'sysctl-restore') return [slotOfSysctl(op.path)];
  if (op.verb === 'sysctl-file-remove') return [slotOfSysctlFile(op.name)];
  if (op.verb === 'address-remove') return [slotOfAddress(op.interface, op.address)];
  if (op.verb === 'tunnel-remove') return [slotOfTunnel(op.name)];
  if (op.verb === 'link-restore') return [slotOfLink(op.setting)];
  const endpointsOf = (name: string): readonly string[] =>
    [...ownership.keys()].filter((key) => key.startsWith(`${ENDPOINT}${name}/`));
  if (op.verb === 'wireguard-remove') return [slotOfWireGuard(op.name), ...endpointsOf(op.name)];
  if (op.verb !== 'wireguard-configure') return [];
  const kept = new Set(endpointKeys(op.device));
  return endpointsOf(op.device.name).filter((key) => !kept.has(key));
}

const ENDPOINT = 'wireguard-endpoint:';

/** Keys of the endpoints that a device's configuration names. One that is in the ledger was set once and is WireGuard's since then. */
function endpointKeys({ name, peers }: WireGuardDevice): readonly string[] {
  return peers.flatMap(({ publicKey, endpoint }) =>
    endpoint === undefined ? [] : [endpointKey(name, publicKey, endpoint)],
  );
}

export function endpointKey(device: string, publicKey: string, endpoint: string): string {
  return `${ENDPOINT}${device}/${publicKey}/${endpoint}`;
}
