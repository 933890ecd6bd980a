/** The observer: reads one VNIC and its subnet, and says what they come to. It calls nothing that changes anything. */
import {
  awaitNews,
  ExecutorError,
  subnetResult,
  type Environment,
  type NewsFeed,
  type ObserverPlugin,
  type PowerPolicy,
  type Presence,
  type SubnetView,
} from '@routerd/plugin-sdk';
import {
  epochIn,
  reading,
  readVnic,
  type Compute,
  type PrivateIp,
  type VirtualNetwork,
  type Vnic,
} from '@routerd/plugin-oci';
import { OCI_WORDS, presenceByVnic, stateByVnic, type MachineListing } from './power-state.ts';
import { settingsOf, type InventorySettings, type StreamSettings } from './settings.ts';
import { takeInventory } from './take-inventory.ts';

/** Calls at one time. OCI publishes no quota. */
const PARALLEL_MAX = 4;
/** VNICs that are looked at for facts; a larger subnet needs an inventory that is not taken in one go. */
const MACHINES_MAX = 500;

export interface ObserverOptions {
  readonly environment: Environment;
  /** Its region is undefined where the instance's own is meant. */
  readonly connect: (region: string | undefined) => Reads;
  readonly connectStream: (stream: StreamSettings) => Promise<NewsFeed>;
}

/** What an inventory may do at OCI. */
export type Reads = Pick<VirtualNetwork, 'readVnic' | 'listOfSubnet'> & Compute;

export function createOciInventory({ environment, connect, connectStream }: ObserverOptions): ObserverPlugin {
  const feedOf = async ({ stream }: InventorySettings): Promise<NewsFeed> => {
    if (stream === undefined) throw new Error('spec.env.OCI_STREAM is missing: events are followed in a stream');
    return connectStream(stream);
  };
  return {
    async observe(request, note) {
      const settings = settingsOf(environment, request);
      if (request.trigger.type === 'follow') await awaitNews(await feedOf(settings), note);
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
      const { compartmentId = vnic.compartmentId } = settings;
      const ground = { network, addresses, own: vnic, compartmentId };
      if (settings.pool !== undefined) return subnetResult(settings.pool, OCI_WORDS, await subnetView(ground), note);
      const machines = settings.tellsFacts
        ? await presenceOfMachines(ground, settings.powerPolicy)
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

/** A subnet whose addresses were read. */
interface Ground {
  readonly network: Reads;
  readonly addresses: readonly PrivateIp[];
  readonly own: Vnic;
  /** Of the machines. */
  readonly compartmentId: string;
}

/** Of the VNICs of machines. What is listed last is the newer: a machine that was started meanwhile is not told expired. */
async function presenceOfMachines(
  { network, addresses, own, compartmentId }: Ground,
  policy: PowerPolicy,
): Promise<ReadonlyMap<string, Presence>> {
  const vnicIds = await machinesAmong(network, addresses, own.id);
  return presenceByVnic(vnicIds, await listMachines(network, compartmentId), policy);
}

/** A VNIC stands for its machine. What carries the tag of a capture is a router's, whatever VNIC it is on. */
async function subnetView({ network, addresses, own, compartmentId }: Ground): Promise<SubnetView> {
  const machines = await machinesAmong(network, addresses, own.id);
  const states = stateByVnic(machines, await listMachines(network, compartmentId));
  const vnicIds = [...new Set(addresses.flatMap(({ vnicId }) => (vnicId === undefined ? [] : [vnicId])))];
  const nics = vnicIds.map((id) => ({
    id,
    addresses: addresses
      .filter(({ vnicId, freeformTags }) => vnicId === id && epochIn(freeformTags) === undefined)
      .map(({ address }) => address),
    mayForward: !machines.has(id),
    machineId: id,
  }));
  return { subnet: own.subnetId, ownNic: own.id, nics, states };
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
