/** The observer: reads one VNIC and its subnet, and says what they come to. It calls nothing that changes anything. */
import { ExecutorError, type ObserverPlugin, type Presence } from '@routerd/plugin-sdk';
import { reading, readVnic, type Compute, type PrivateIp, type VirtualNetwork, type Vnic } from '@routerd/plugin-oci';
import { presenceByVnic, type MachineListing } from './power-state.ts';
import { settingsOf, type InventorySettings } from './settings.ts';
import { takeInventory } from './take-inventory.ts';

/** Calls at one time. OCI publishes no quota. */
const PARALLEL_MAX = 4;
/** VNICs that are looked at for facts; a larger subnet needs an inventory that is not taken in one go. */
const MACHINES_MAX = 500;

export interface ObserverOptions {
  readonly environment: Readonly<Partial<Record<string, string>>>;
  /** Its region is undefined where the instance's own is meant. */
  readonly connect: (region: string | undefined) => Reads;
}

/** What an inventory may do at OCI. */
export type Reads = Pick<VirtualNetwork, 'readVnic' | 'listOfSubnet'> & Compute;

export function createOciInventory({ environment, connect }: ObserverOptions): ObserverPlugin {
  return {
    async observe(request, note) {
      const settings = settingsOf(environment, request);
      const network = connect(settings.region);
      const vnic = await readVnic(network, settings.vnicId);
      const addresses = await reading(`listing the addresses of ${vnic.subnetId}`, async () =>
        network.listOfSubnet(vnic.subnetId),
      );
      if (!addresses.some(({ vnicId }) => vnicId === vnic.id))
        throw new ExecutorError(
          'transport',
          `the addresses of ${vnic.subnetId} do not include this VNIC's: OCI told half of them`,
        );
      const machines = settings.tellsFacts
        ? await presenceOfMachines(network, addresses, vnic, settings)
        : new Map<string, Presence>();
      const result = takeInventory(settings, request, { vnic, addresses, machines });
      const unknown = [...machines.values()].filter((presence) => presence === 'unknown').length;
      if (unknown > 0)
        note(`${unknown} VNICs belong to no machine whose power state can be read; they are told as here`);
      note(`${addresses.length} addresses in ${vnic.subnetId}, ${result.resources?.length ?? 0} of them claimed`);
      return result;
    },
  };
}

/** Of the VNICs of machines. What is listed last is the newer: a machine that was started meanwhile is not told expired. */
async function presenceOfMachines(
  network: Reads,
  addresses: readonly PrivateIp[],
  own: Vnic,
  { powerPolicy, compartmentId = own.compartmentId }: InventorySettings,
): Promise<ReadonlyMap<string, Presence>> {
  const vnicIds = await machinesAmong(network, addresses, own.id);
  return presenceByVnic(vnicIds, await listMachines(network, compartmentId), powerPolicy);
}

async function listMachines(compute: Compute, compartmentId: string): Promise<MachineListing> {
  const attachments = await reading(`listing the VNIC attachments of ${compartmentId}`, async () =>
    compute.listVnicAttachments(compartmentId),
  );
  const machines = await reading(`listing the instances of ${compartmentId}`, async () =>
    compute.listMachines(compartmentId),
  );
  return { attachments, machines };
}

/** VNICs that may not forward: their addresses are their own. One that is gone when it is looked at is none. */
async function machinesAmong(
  network: Reads,
  addresses: readonly PrivateIp[],
  own: string,
): Promise<ReadonlySet<string>> {
  const waiting = [
    ...new Set(addresses.flatMap(({ vnicId }) => (vnicId === undefined || vnicId === own ? [] : [vnicId]))),
  ];
  if (waiting.length > MACHINES_MAX)
    throw new ExecutorError(
      'limit',
      `the subnet has ${waiting.length} VNICs; facts are told of ${MACHINES_MAX} at most`,
    );
  const machines = new Set<string>();
  const work = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      const vnicId = id;
      const vnic = await reading(`reading ${vnicId}`, async () => network.readVnic(vnicId));
      if (vnic?.skipSourceDestCheck === false) machines.add(vnicId);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_MAX }, work));
  return machines;
}
