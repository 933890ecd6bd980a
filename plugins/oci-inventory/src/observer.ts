/** The observer: reads one VNIC and its subnet, and says what they come to. It calls nothing that changes anything. */
import { ExecutorError, type ObserverPlugin } from '@routerd/plugin-sdk';
import { reading, readVnic, type PrivateIp, type VirtualNetwork } from '@routerd/plugin-oci';
import { settingsOf } from './settings.ts';
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
export type Reads = Pick<VirtualNetwork, 'readVnic' | 'listOfSubnet'>;

export function createOciInventory({ environment, connect }: ObserverOptions): ObserverPlugin {
  return {
    async observe(request, note) {
      const settings = settingsOf(environment, request);
      const network = connect(settings.region);
      const vnic = await readVnic(network, settings.vnicId);
      const addresses = await reading(`listing the addresses of ${vnic.subnetId}`, async () =>
        network.listOfSubnet(vnic.subnetId),
      );
      const machines = settings.tellsFacts ? await machinesAmong(network, addresses, vnic.id) : new Set<string>();
      const result = takeInventory(settings, request, { vnic, addresses, machines });
      note(`${addresses.length} addresses in ${vnic.subnetId}, ${result.resources?.length ?? 0} of them claimed`);
      return result;
    },
  };
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
