/**
 * Who has which address in one emulated subnet: what the vendor's control plane knows. Pure; every operation gives a new space or a refusal.
 *
 * 1. An address has at most one holder, across primaries and secondaries of all NICs.
 * 2. Primaries never change.
 * 3. Operations are all-or-nothing.
 * 4. A NIC holds at most its limit, primary included.
 * 5. A machine without power keeps its NIC and its addresses; one that is terminated loses both, and is remembered.
 */
import { err, ok, type Result } from '@routerd/resources';
import type { CloudConfig, CloudInstance } from './cloud-config.ts';
import { addressesPerNic, RESERVED_AT_END, RESERVED_AT_START } from './nic-limits.ts';
import { contains, fromNumber, parseSubnet, type Subnet, toNumber } from './subnet.ts';

export interface SecondaryAddress {
  readonly address: string;
  /** False while a long-running operation reserves it: nobody else can have it, and no packet goes there yet. */
  readonly settled: boolean;
}

export interface Nic extends Pick<CloudInstance, 'name' | 'instanceId' | 'type' | 'device' | 'mac' | 'permissions'> {
  readonly id: string;
  readonly primary: string;
  readonly publicIp: string | undefined;
  /** Including the primary. */
  readonly addressesMax: number;
  /** In the order they were assigned. */
  readonly secondaries: readonly SecondaryAddress[];
  /** Whether it may carry packets that are not its own: source/destination check off. */
  readonly forwarding: boolean;
}

export type MachineState = 'running' | 'stopped' | 'terminated';

export interface Machine extends Pick<CloudInstance, 'name' | 'instanceId' | 'type' | 'nicId'> {
  readonly state: MachineState;
}

export interface AddressSpace {
  readonly subnet: Subnet;
  /** By name, in the order of the configuration. */
  readonly machines: ReadonlyMap<string, Machine>;
  /** By id, in the order of the configuration. */
  readonly nics: ReadonlyMap<string, Nic>;
}

export type AddressRefusal =
  | { readonly code: 'address.nic-not-found'; readonly nicId: string }
  | { readonly code: 'address.outside-subnet'; readonly address: string }
  | { readonly code: 'address.reserved'; readonly address: string }
  | { readonly code: 'address.held-elsewhere'; readonly address: string; readonly holder: Nic }
  | { readonly code: 'address.primary'; readonly address: string; readonly holder: Nic }
  | { readonly code: 'address.limit'; readonly nic: Nic }
  | { readonly code: 'address.not-assigned'; readonly addresses: readonly string[]; readonly nic: Nic };

export type SpaceResult = Result<AddressSpace, AddressRefusal>;

export function createAddressSpace(config: CloudConfig): AddressSpace {
  const subnet = parseSubnet(config.subnet.cidr, RESERVED_AT_START[config.cloud], RESERVED_AT_END[config.cloud]);
  const nics = config.instances.map((instance): Nic => {
    const addressesMax = addressesPerNic(config.cloud, instance.type);
    if (addressesMax === undefined) throw new Error(`${instance.name}: no limits are known for type ${instance.type}`);
    const { name, instanceId, type, device, mac, permissions, nicId, privateIp, publicIp } = instance;
    const machine = { name, instanceId, type, device, mac, permissions };
    return { ...machine, id: nicId, primary: privateIp, publicIp, addressesMax, secondaries: [], forwarding: false };
  });
  const primaries = new Set(nics.map(({ primary }) => primary));
  const ids = new Set(nics.map(({ id }) => id));
  if (primaries.size < nics.length || ids.size < nics.length) throw new Error('two NICs share an address or an id');
  const outside = nics.find(({ primary }) => !contains(subnet, primary));
  if (outside !== undefined) throw new Error(`${outside.name}: ${outside.primary} is outside ${subnet.cidr}`);
  const machines = config.instances.map(({ name, instanceId, type, nicId }) => {
    return [name, { name, instanceId, type, nicId, state: 'running' }] as const;
  });
  return { subnet, machines: new Map(machines), nics: new Map(nics.map((nic) => [nic.id, nic])) };
}

/** Primary first. */
export function addressesOf(nic: Nic): readonly string[] {
  return [nic.primary, ...nic.secondaries.map(({ address }) => address)];
}

export function holderOf(space: AddressSpace, address: string): Nic | undefined {
  return [...space.nics.values()].find((nic) => addressesOf(nic).includes(address));
}

export function nicOfInstance(space: AddressSpace, name: string): Nic | undefined {
  return [...space.nics.values()].find((nic) => nic.name === name);
}

export interface Assignment {
  readonly nicId: string;
  readonly addresses: readonly string[];
  /** Whether a secondary may be taken away from that holder; a primary never is. */
  readonly mayTake: (holder: Nic) => boolean;
  /** See {@link SecondaryAddress.settled}. */
  readonly settled: boolean;
  /** Less than the NIC's own limit, primary included. */
  readonly addressesMax?: number | undefined;
}

/** Addresses that the NIC has already are left as they are. */
export function assign(
  space: AddressSpace,
  { nicId, addresses, mayTake, settled, addressesMax }: Assignment,
): SpaceResult {
  const nic = space.nics.get(nicId);
  if (nic === undefined) return err({ code: 'address.nic-not-found', nicId });
  const added = [...new Set(addresses)].filter((address) => !addressesOf(nic).includes(address));
  for (const address of added) {
    const refusal = refusalToAdd(space, address, mayTake);
    if (refusal !== undefined) return err(refusal);
  }
  const limit = Math.min(nic.addressesMax, addressesMax ?? nic.addressesMax);
  if (added.length > 0 && addressesOf(nic).length + added.length > limit) return err({ code: 'address.limit', nic });
  const nics = new Map(
    [...space.nics].map(([id, other]) => [id, { ...other, secondaries: without(other.secondaries, added) }]),
  );
  const secondaries = [...nic.secondaries, ...added.map((address) => ({ address, settled }))];
  return ok({ ...space, nics: nics.set(nicId, { ...nic, secondaries }) });
}

function refusalToAdd(
  space: AddressSpace,
  address: string,
  mayTake: Assignment['mayTake'],
): AddressRefusal | undefined {
  if (!contains(space.subnet, address)) return { code: 'address.outside-subnet', address };
  if (isReserved(space.subnet, address)) return { code: 'address.reserved', address };
  const holder = holderOf(space, address);
  if (holder === undefined) return undefined;
  if (holder.primary === address) return { code: 'address.primary', address, holder };
  return mayTake(holder) ? undefined : { code: 'address.held-elsewhere', address, holder };
}

function without(secondaries: readonly SecondaryAddress[], gone: readonly string[]): readonly SecondaryAddress[] {
  return secondaries.filter(({ address }) => !gone.includes(address));
}

/** Refused as a whole if one of them is not a secondary of the NIC. */
export function unassign(space: AddressSpace, nicId: string, addresses: readonly string[]): SpaceResult {
  const nic = space.nics.get(nicId);
  if (nic === undefined) return err({ code: 'address.nic-not-found', nicId });
  if (addresses.includes(nic.primary)) return err({ code: 'address.primary', address: nic.primary, holder: nic });
  const absent = addresses.filter((address) => !addressesOf(nic).includes(address));
  if (absent.length > 0) return err({ code: 'address.not-assigned', addresses: absent, nic });
  return ok(replaceNic(space, { ...nic, secondaries: without(nic.secondaries, addresses) }));
}

/** The operation that reserved these has succeeded: packets may follow. */
export function settle(space: AddressSpace, nicId: string): AddressSpace {
  const nic = space.nics.get(nicId);
  if (nic === undefined) return space;
  const secondaries = nic.secondaries.map(({ address }) => ({ address, settled: true }));
  return replaceNic(space, { ...nic, secondaries });
}

export function setForwarding(space: AddressSpace, nicId: string, forwarding: boolean): SpaceResult {
  const nic = space.nics.get(nicId);
  if (nic === undefined) return err({ code: 'address.nic-not-found', nicId });
  return ok(replaceNic(space, { ...nic, forwarding }));
}

/** The same space for a machine that is in that state, is not known, or is gone for good. */
export function setMachineState(space: AddressSpace, name: string, state: MachineState): AddressSpace {
  const machine = space.machines.get(name);
  if (machine === undefined || machine.state === state || machine.state === 'terminated') return space;
  const machines = new Map([...space.machines, [name, { ...machine, state }]]);
  if (state !== 'terminated') return { ...space, machines };
  return { ...space, machines, nics: new Map([...space.nics].filter(([id]) => id !== machine.nicId)) };
}

function replaceNic(space: AddressSpace, nic: Nic): AddressSpace {
  return { ...space, nics: new Map([...space.nics, [nic.id, nic]]) };
}

export function isReserved(subnet: Subnet, address: string): boolean {
  const offset = toNumber(address) - subnet.first;
  return offset < subnet.reservedAtStart || offset >= subnet.size - subnet.reservedAtEnd;
}

/** Assignable addresses that nobody holds, lowest first. */
export function freeAddresses(space: AddressSpace): readonly string[] {
  const taken = new Set([...space.nics.values()].flatMap(addressesOf));
  const { first, size } = space.subnet;
  return Array.from({ length: size }, (_, offset) => fromNumber(first + offset)).filter(
    (address) => !isReserved(space.subnet, address) && !taken.has(address),
  );
}
