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
import { nicStateOf, ownNic } from './own-nic.ts';
import { holderOf, type Provider } from './provider.ts';

/** The file has room for any number; a provider has its limit here. */
const SECONDARIES_MAX = 100;

export async function inventory(cloud: Provider, target: NicTarget, page: string | undefined): Promise<InventoryPage> {
  const own = await ownNic(cloud, target);
  const entries = Object.entries(await cloud.nics()).flatMap(([nicRef, { primary, addresses }]) => [
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

export async function check(cloud: Provider, target: NicTarget, addresses: readonly string[]): Promise<CheckReport> {
  const own = await ownNic(cloud, target);
  const lookUp = async (bare: readonly string[]): Promise<ReadonlyMap<string, AddressHolder>> => {
    const nics = await cloud.nics();
    const holderEntry = (address: string): readonly (readonly [string, AddressHolder])[] => {
      const holder = holderOf(nics, address);
      return holder === undefined ? [] : [[address, holder]];
    };
    return new Map(bare.flatMap(holderEntry));
  };
  const results = await checkAddresses(target.nicRef, addresses, lookUp);
  return { results, forwarding: own.forwarding ? 'enabled' : 'disabled' };
}

/** What may be done with a file or a socket is what its permissions say; a provider is asked by its dry runs, or by the list of what a role may do. */
export async function preflight(
  cloud: Provider,
  target: NicTarget,
  actions: readonly Verb[],
): Promise<PreflightReport> {
  await ownNic(cloud, target);
  const problem = await cloud.writeProblem();
  const verdict = problem === undefined ? 'passed' : 'failed';
  const detail = problem ?? 'the cloud can be changed';
  const remedy = 'let the user of the plugin write the file or the socket of the cloud';
  const needed = neededFor([{ permission: 'cloud:write', actions: VERBS }], actions);
  return { findings: needed.map((each) => permissionFinding(each, { verdict, detail, remedy })) };
}
