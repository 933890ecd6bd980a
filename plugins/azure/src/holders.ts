/** Whose NICs have the addresses that we want: looked up in the subnet, confirmed at each NIC. */
import { bareAddress, type RequestedAddress } from '@routerd/plugin-sdk';
import type { Arm } from './arm.ts';
import { reading } from './reading.ts';
import { entryFor, isSameId, subnetOf, type NicDocument } from './nic-document.ts';

/**
 * A listing may lag either way, so every NIC that it names is read, and NICs that an error message named are read too.
 * @returns the other NICs that really have one of the addresses now
 */
export async function readHolders(
  arm: Arm,
  own: NicDocument,
  requested: readonly Pick<RequestedAddress, 'address'>[],
  namedNics: ReadonlySet<string>,
): Promise<readonly NicDocument[]> {
  const wanted = requested.map(({ address }) => bareAddress(address));
  const subnetId = subnetOf(own);
  const { entries } = await reading(`listing ${subnetId}`, async () => arm.readSubnet(subnetId));
  const listed = entries.filter(({ address }) => wanted.includes(address)).map(({ nicId }) => nicId);
  const candidates = [...listed, ...namedNics].filter((id) => !isSameId(id, own.id));
  const distinct = [...new Map(candidates.map((id) => [id.toLowerCase(), id])).values()];
  const nics = await Promise.all(distinct.map(async (id) => reading(`reading ${id}`, async () => arm.readNic(id))));
  return nics.flatMap((nic) =>
    nic !== undefined && wanted.some((address) => entryFor(nic, address) !== undefined) ? [nic] : [],
  );
}
