/** What is asked without changing anything: who has what, is it in effect, may we. Optional; an executor without it is asked less. */
import {
  checkAddresses,
  hostAddress,
  neededFor,
  pageOf,
  permissionFinding,
  VERBS,
  type AddressHolder,
  type CheckReport,
  type InventoryPage,
  type NicTarget,
  type PreflightReport,
  type Verb,
} from '@routerd/plugin-sdk';
import { holderOf, type FileCloud } from './file-cloud.ts';
import { nicStateOf, ownNic } from './own-nic.ts';

/** The file has room for any number; a provider has its limit here. */
const SECONDARIES_MAX = 100;

export async function inventory(cloud: FileCloud, target: NicTarget, page: string | undefined): Promise<InventoryPage> {
  const own = ownNic(cloud, target);
  const entries = Object.entries(cloud.read().nics).flatMap(([nicRef, { primary, addresses }]) => [
    { address: hostAddress(primary), nicRef, isPrimary: true },
    ...addresses.map((bare) => ({ address: hostAddress(bare), nicRef, isPrimary: false })),
  ]);
  return {
    nic: nicStateOf(own),
    primary: hostAddress(own.primary),
    capacity: {
      secondariesMax: SECONDARIES_MAX,
      secondariesUsed: own.addresses.length,
      subnetPrefix: '10.77.60.0/24',
    },
    limits: { addressesPerCall: SECONDARIES_MAX },
    ...pageOf(entries, page),
  };
}

export async function check(cloud: FileCloud, target: NicTarget, addresses: readonly string[]): Promise<CheckReport> {
  const own = ownNic(cloud, target);
  const lookUp = async (bare: readonly string[]): Promise<ReadonlyMap<string, AddressHolder>> => {
    const { nics } = cloud.read();
    const holderEntry = (address: string): readonly (readonly [string, AddressHolder])[] => {
      const holder = holderOf(nics, address);
      return holder === undefined ? [] : [[address, holder]];
    };
    return new Map(bare.flatMap(holderEntry));
  };
  const results = await checkAddresses(target.nicRef, addresses, lookUp);
  return { results, forwarding: own.forwarding ? 'enabled' : 'disabled' };
}

/** What may be done with a file is what its permissions say; a provider is asked by its dry runs, or by the list of what a role may do. */
export async function preflight(
  cloud: FileCloud,
  target: NicTarget,
  actions: readonly Verb[],
): Promise<PreflightReport> {
  ownNic(cloud, target);
  const problem = cloud.writeProblem();
  const verdict = problem === undefined ? 'passed' : 'failed';
  const detail = problem ?? 'the file of the cloud can be written';
  const remedy = 'let the user of the plugin write the file of the cloud and its folder';
  const needed = neededFor([{ permission: 'file:write', actions: VERBS }], actions);
  return { findings: needed.map((each) => permissionFinding(each, { verdict, detail, remedy })) };
}
