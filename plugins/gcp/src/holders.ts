/** Whose NICs have the addresses that we want: looked up in the project's list, confirmed at each instance. */
import { bareAddress, type RequestedAddress } from '@routerd/plugin-sdk';
import type { Compute } from './compute.ts';
import { reading } from './reading.ts';
import { holdingOf, type NicDocument } from './instance-document.ts';
import type { NicName } from './nic-name.ts';

/**
 * A listing may lag, so every instance that it names is read.
 * @returns the other NICs that really have one of the addresses now
 */
export async function readHolders(
  compute: Compute,
  {
    own,
    name: { project },
    requested,
  }: {
    readonly own: NicDocument;
    readonly name: NicName;
    readonly requested: readonly Pick<RequestedAddress, 'address'>[];
  },
): Promise<readonly NicDocument[]> {
  const wanted = requested.map(({ address }) => bareAddress(address));
  const isHolder = (nic: NicDocument): boolean =>
    nic.id !== own.id && wanted.some((address) => holdingOf(nic, address) !== 'none');
  const listed = await reading(`listing the instances of ${project}`, async () => compute.listInstances(project));
  const candidates = listed.filter(({ nics }) => nics.some(isHolder)).map(({ name }) => name);
  const instances = await Promise.all(
    candidates.map(async (name) => reading(`reading ${name}`, async () => compute.readInstance(name))),
  );
  return instances.flatMap((instance) => (instance?.nics ?? []).filter(isHolder));
}
