/** What happened in a subnet between two states of it, as far as clouds tell of it. Pure. */
import { addressesOf, type AddressSpace, type MachineState } from './address-space.ts';

export type News =
  | { readonly kind: 'machine'; readonly name: string; readonly instanceId: string; readonly state: MachineState }
  | {
      readonly kind: 'assigned' | 'unassigned';
      readonly name: string;
      readonly nicId: string;
      readonly addresses: readonly string[];
    };

/** Machines first, in the order of the configuration; what a machine that is gone had is not told of apart. */
export function newsBetween(before: AddressSpace, after: AddressSpace): readonly News[] {
  const machines = [...after.machines.values()].flatMap(({ name, instanceId, state }): readonly News[] =>
    before.machines.get(name)?.state === state ? [] : [{ kind: 'machine', name, instanceId, state }],
  );
  const addresses = [...after.nics.values()].flatMap((nic): readonly News[] => {
    const was = before.nics.get(nic.id);
    if (was === nic) return [];
    const had = was === undefined ? [] : addressesOf(was);
    const has = addressesOf(nic);
    const { name, id: nicId } = nic;
    const all = [
      { kind: 'unassigned', name, nicId, addresses: had.filter((address) => !has.includes(address)) },
      { kind: 'assigned', name, nicId, addresses: has.filter((address) => !had.includes(address)) },
    ] as const;
    return all.filter((each) => each.addresses.length > 0);
  });
  return [...machines, ...addresses];
}
