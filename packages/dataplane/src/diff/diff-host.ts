/**
 * What must change for a host to be as desired. Pure; order is part of correctness:
 *
 * 1. Activation: links, WireGuard devices, tunnels and addresses → routes → settings → firewall, translation, clamps → captured addresses off the host → proxy neighbours → announcement.
 *    So nothing is attracted before it can be delivered.
 * 2. Deactivation is the reverse and comes after: a move never leaves a gap, and nothing is attracted any more when its route goes.
 * 3. Only what carries our mark or stands in the ledger is ever removed or restored.
 */
import { bareAddress, type HostAddress } from '@routerd/resources';
import type { HostOp, ObservedHost } from '../host-op.ts';
import {
  digestOfTable,
  isAcceptedValue,
  slotOfAddress,
  slotOfSysctl,
  slotOfSysctlFile,
  slotOfTable,
  textOfClamps,
} from '../host-slot.ts';
import type { HostState, MssClamp } from '../host-state.ts';
import { ownershipOf, type Ownership } from '../ownership.ts';
import type { OwnedObject } from '../ports.ts';
import type { Changes } from './changes.ts';
import { diffLinks, diffTunnels } from './diff-links.ts';
import { diffRoutes } from './diff-routes.ts';
import { diffWireGuard } from './diff-wireguard.ts';

export interface DiffOptions {
  /** Remove nothing of ours yet: the desired state is known to be incomplete. Captured addresses still leave the host. */
  readonly retainSurplus?: boolean;
  /** Send nothing another way yet that has a way: which one is best is not known before everything was read. */
  readonly retainRoutes?: boolean;
  /** Interfaces on which another router may answer by now: surplus proxy neighbours leave them even if all other surplus is retained. */
  readonly closedInterfaces?: ReadonlySet<string>;
}

/** Cost: linear in the objects of both, but for sorting. */
export function diffHost(
  desired: HostState,
  observed: ObservedHost,
  owned: readonly OwnedObject[],
  options: DiffOptions = {},
): readonly HostOp[] {
  const ownership = ownershipOf(owned);
  const wireGuard = diffWireGuard(desired.wireGuard, observed, ownership);
  const tunnels = diffTunnels(desired.tunnels, observed, ownership);
  const links = diffLinks(desired.links, observed, ownership);
  const addresses = diffAddresses(desired, observed, ownership);
  const routes = diffRoutes(desired, observed);
  const sysctls = diffSysctls(desired, observed, ownership);
  const files = diffSysctlFiles(desired, observed, ownership);
  const tables = diffTables(desired, observed);
  const clamps = diffClamps(desired.mssClamps, observed.mssClamps, options);
  const neighbors = diffProxyNeighbors(desired, observed);
  const activation = [
    ...links.add,
    ...wireGuard.add,
    ...tunnels.add,
    ...addresses.add,
    ...routes.add.filter(({ verb }) => options.retainRoutes !== true || verb !== 'route-replace'),
    ...sysctls.add,
    ...files.add,
    ...tables.add,
    ...clamps.add,
    ...absentAddressRemovals(desired.absentAddresses, observed),
    ...neighbors.add,
  ];
  if (options.retainSurplus === true) {
    const closed = options.closedInterfaces;
    return [...activation, ...neighbors.remove.filter((op) => isOnClosedInterface(op, closed))];
  }
  return [
    ...activation,
    ...neighbors.remove,
    ...clamps.remove,
    ...tables.remove,
    ...files.remove,
    ...sysctls.remove,
    ...routes.remove,
    ...addresses.remove,
    ...tunnels.remove,
    ...wireGuard.remove,
    ...links.remove,
  ];
}

/** Something is answered for that another router may answer for by now. False of a host that was not read. */
export function mustClose(desired: HostState, observed: ObservedHost | undefined, options: DiffOptions): boolean {
  const closed = options.closedInterfaces;
  if (observed === undefined || closed === undefined || closed.size === 0) return false;
  return diffProxyNeighbors(desired, observed).remove.some((op) => isOnClosedInterface(op, closed));
}

function isOnClosedInterface(op: HostOp, closed: ReadonlySet<string> | undefined): boolean {
  return op.verb === 'proxy-neighbor-remove' && closed?.has(op.neighbor.interface) === true;
}

function diffAddresses(desired: HostState, observed: ObservedHost, ownership: Ownership): Changes {
  const present = new Set(observed.addresses.map((entry) => slotOfAddress(entry.interface, entry.address)));
  const wanted = new Set(desired.addresses.map((entry) => slotOfAddress(entry.interface, entry.address)));
  return {
    add: desired.addresses
      .filter((entry) => !present.has(slotOfAddress(entry.interface, entry.address)))
      .map((entry) => ({ verb: 'address-add', ...entry }) as const),
    remove: observed.addresses
      .filter(({ interface: name, address }) => {
        const slot = slotOfAddress(name, address);
        return ownership.has(slot) && !wanted.has(slot);
      })
      .map((entry) => ({ verb: 'address-remove', ...entry, because: 'surplus' }) as const),
  };
}

/** On whichever interface: the guest agent of a cloud configures what the provider assigned, and traffic would end on the router. */
function absentAddressRemovals(absent: readonly HostAddress[], observed: ObservedHost): readonly HostOp[] {
  const quads = new Set<string>(absent.map(bareAddress));
  return observed.addresses
    .filter(({ address }) => quads.has(address.slice(0, address.indexOf('/'))))
    .map((entry) => ({ verb: 'address-remove', ...entry, because: 'captured' }) as const);
}

/** A setting of an interface that does not exist is not wanted: it comes with the interface, whose link event leads here again. */
function diffSysctls(desired: HostState, observed: ObservedHost, ownership: Ownership): Changes {
  const wanted = new Set(desired.sysctls.map(({ path }) => slotOfSysctl(path)));
  return {
    add: desired.sysctls.flatMap((setting) => {
      const { path, value } = setting;
      const prior = observed.sysctls.get(path.join('/'));
      return prior === undefined || isAcceptedValue(setting, prior)
        ? []
        : [{ verb: 'sysctl-set', path, value, prior } as const];
    }),
    remove: [...ownership.values()].flatMap(({ key, priorValue }) => {
      if (!key.startsWith('sysctl:') || wanted.has(key) || priorValue === undefined) return [];
      return [{ verb: 'sysctl-restore', path: key.slice('sysctl:'.length).split('/'), value: priorValue } as const];
    }),
  };
}

function diffSysctlFiles(desired: HostState, observed: ObservedHost, ownership: Ownership): Changes {
  const wanted = new Set(desired.sysctlFiles.map(({ name }) => name));
  return {
    add: desired.sysctlFiles
      .filter(({ name, content }) => observed.sysctlFiles.get(name) !== content)
      .map((file) => ({ verb: 'sysctl-file-write', file }) as const),
    remove: [...observed.sysctlFiles.keys()]
      .filter((name) => !wanted.has(name) && ownership.has(slotOfSysctlFile(name)))
      .map((name) => ({ verb: 'sysctl-file-remove', name }) as const),
  };
}

function diffTables(desired: HostState, observed: ObservedHost): Changes {
  const present = new Map(observed.tables.map((table) => [slotOfTable(table), table.digest]));
  const wanted = new Set(desired.tables.map(slotOfTable));
  return {
    add: desired.tables
      .filter((table) => present.get(slotOfTable(table)) !== digestOfTable(table))
      .map((table) => ({ verb: 'table-replace', table }) as const),
    remove: observed.tables
      .filter((table) => !wanted.has(slotOfTable(table)))
      .map(({ family, name }) => ({ verb: 'table-remove', family, name }) as const),
  };
}

function diffClamps(
  desired: readonly MssClamp[],
  observed: readonly MssClamp[] | undefined,
  options: DiffOptions,
): Changes {
  const clamps = options.retainSurplus === true ? withRetained(desired, observed ?? []) : desired;
  if (clamps.length === 0) return { add: [], remove: observed === undefined ? [] : [{ verb: 'mss-remove' }] };
  if (observed !== undefined && textOfClamps(clamps) === textOfClamps(observed)) return { add: [], remove: [] };
  return { add: [{ verb: 'mss-replace', clamps }], remove: [] };
}

function withRetained(desired: readonly MssClamp[], observed: readonly MssClamp[]): readonly MssClamp[] {
  const pathOf = (clamp: MssClamp): string => `${clamp.captureInterface} ${clamp.tunnelInterface}`;
  const wanted = new Set(desired.map(pathOf));
  return [...desired, ...observed.filter((clamp) => !wanted.has(pathOf(clamp)))];
}

/** By interface, then address: with ten thousand of them, making one text of both would be most of the work. */
function diffProxyNeighbors(desired: HostState, observed: ObservedHost): Changes {
  const present = addressesByInterface(observed.proxyNeighbors);
  const wanted = addressesByInterface(desired.proxyNeighbors);
  const missing = desired.proxyNeighbors.filter(
    ({ interface: name, address }) => present.get(name)?.has(address) !== true,
  );
  return {
    add: [
      ...missing.map((neighbor) => ({ verb: 'proxy-neighbor-add', neighbor }) as const),
      ...missing
        .filter(({ announce }) => announce)
        .map(({ interface: name, address }) => ({ verb: 'announce', interface: name, address }) as const),
    ],
    remove: observed.proxyNeighbors
      .filter(({ ours, interface: name, address }) => ours && wanted.get(name)?.has(address) !== true)
      .map(({ address, interface: name }) => ({
        verb: 'proxy-neighbor-remove',
        neighbor: { address, interface: name, announce: false },
      })),
  };
}

function addressesByInterface(
  neighbors: readonly { readonly interface: string; readonly address: HostAddress }[],
): ReadonlyMap<string, ReadonlySet<HostAddress>> {
  const byInterface = new Map<string, Set<HostAddress>>();
  for (const { interface: name, address } of neighbors) {
    const addresses = byInterface.get(name) ?? new Set<HostAddress>();
    addresses.add(address);
    byInterface.set(name, addresses);
  }
  return byInterface;
}
