/** What is asked without changing anything: who has what, is it in effect, may we. */
import {
  checkAddresses,
  ExecutorError,
  hostAddress,
  neededFor,
  pageOf,
  permissionFinding,
  type AddressHolder,
  type CheckReport,
  type InventoryPage,
  type NeededPermission,
  type PreflightReport,
  type Verb,
} from '@routerd/plugin-sdk';
import { reading, readVnic } from './calls.ts';
import { epochIn } from './capture-tags.ts';
import { readNicState } from './nic-state.ts';
import type { PrivateIp, VirtualNetwork } from './virtual-network.ts';

/** OCI Networking, "Private IP addresses": secondaries for each VNIC. */
const SECONDARIES_PER_VNIC = 64;
/** Of each subnet OCI keeps the first two addresses and the last one. */
const RESERVED_PER_SUBNET = 3;

export async function inventory(
  network: VirtualNetwork,
  vnicId: string,
  page: string | undefined,
): Promise<InventoryPage> {
  const { subnetId } = await readVnic(network, vnicId);
  const [nic, all, prefix] = await Promise.all([
    readNicState(network, vnicId),
    reading(`listing the addresses of ${subnetId}`, async () => network.listOfSubnet(subnetId)),
    network.readSubnetPrefix(subnetId).catch(() => undefined), // a permission of its own that the verbs do without
  ]);
  const primary = all.find((each) => each.isPrimary && each.vnicId === vnicId)?.address;
  const length = Number(prefix?.split('/')[1] ?? 'absent');
  return {
    nic,
    ...(primary === undefined ? {} : { primary: hostAddress(primary) }),
    capacity: {
      secondariesMax: SECONDARIES_PER_VNIC,
      secondariesUsed: nic.addresses.length,
      ...(prefix === undefined ? {} : { subnetPrefix: prefix }),
      ...(length >= 0
        ? { subnetAddressesFree: Math.max(0, 2 ** (32 - length) - RESERVED_PER_SUBNET - all.length) }
        : {}),
    },
    limits: { addressesPerCall: 1 },
    ...pageOf(all.map(entryOf), page),
  };
}

function entryOf({ address, vnicId, isPrimary, freeformTags }: PrivateIp): InventoryPage['entries'][number] {
  const captureEpoch = epochIn(freeformTags);
  return {
    address: hostAddress(address),
    isPrimary,
    ...(vnicId === undefined ? {} : { nicRef: vnicId }),
    ...(captureEpoch === undefined ? {} : { captureEpoch }),
  };
}

export async function check(
  network: VirtualNetwork,
  vnicId: string,
  addresses: readonly string[],
): Promise<CheckReport> {
  const { subnetId, skipSourceDestCheck } = await readVnic(network, vnicId);
  const lookUp = async (bare: readonly string[]): Promise<ReadonlyMap<string, AddressHolder>> => {
    const found = new Map<string, AddressHolder>();
    for (const address of bare) {
      const object = await reading(`looking up ${address}`, async () => network.findByAddress(subnetId, address));
      if (object === undefined) continue;
      // A reserved object that is detached occupies the address without a VNIC; its own id is all there is to name.
      found.set(address, { nicRef: object.vnicId ?? object.id, captureEpoch: epochIn(object.freeformTags) });
    }
    return found;
  };
  const results = await checkAddresses(vnicId, addresses, lookUp);
  return { results, forwarding: skipSourceDestCheck ? 'enabled' : 'disabled' };
}

const ADDRESSES = ['assign-secondary-ip', 'unassign-secondary-ip'] as const;
const FORWARDING = ['ensure-forwarding-enabled', 'ensure-forwarding-disabled'] as const;
const READ_VNIC = 'VNIC_READ';
const READ_PRIVATE_IP = 'PRIVATE_IP_READ';

/** Permissions of the core services' policy reference, by what the verbs call. */
const NEEDED: readonly NeededPermission[] = [
  { permission: READ_VNIC, actions: [...ADDRESSES, ...FORWARDING] },
  { permission: READ_PRIVATE_IP, actions: [...ADDRESSES, ...FORWARDING] },
  { permission: 'PRIVATE_IP_CREATE', actions: ['assign-secondary-ip'] },
  { permission: 'PRIVATE_IP_ASSIGN', actions: ['assign-secondary-ip'] },
  { permission: 'PRIVATE_IP_UPDATE', actions: ['assign-secondary-ip'] },
  { permission: 'VNIC_ASSIGN', actions: ['assign-secondary-ip'] },
  { permission: 'SUBNET_ATTACH', actions: ['assign-secondary-ip'] },
  { permission: 'VNIC_UNASSIGN', actions: ADDRESSES },
  { permission: 'PRIVATE_IP_DELETE', actions: ['unassign-secondary-ip'] },
  { permission: 'PRIVATE_IP_UNASSIGN', actions: ['unassign-secondary-ip'] },
  { permission: 'SUBNET_DETACH', actions: ['unassign-secondary-ip'] },
  { permission: 'VNIC_UPDATE', actions: FORWARDING },
];

/** OCI has neither dry runs nor a list of what a principal may do: reads are tried, of writes nothing can be said. */
export async function preflight(
  network: VirtualNetwork,
  vnicId: string,
  actions: readonly Verb[],
): Promise<PreflightReport> {
  const tried = new Map([
    [READ_VNIC, await problemOf(async () => readVnic(network, vnicId))],
    [
      READ_PRIVATE_IP,
      await problemOf(async () =>
        reading(`listing the addresses of ${vnicId}`, async () => network.listOfVnic(vnicId)),
      ),
    ],
  ]);
  const findings = neededFor(NEEDED, actions).map((each) => {
    const family = each.permission.split('_').slice(0, -1).join('-').toLowerCase();
    const remedy = `allow the dynamic group of the router instances to use ${family}s in the compartment of the VNIC`;
    const problem = tried.get(each.permission);
    if (problem === undefined) {
      const detail = 'OCI cannot be asked without doing it';
      return permissionFinding(each, { verdict: 'unknown', detail, remedy });
    }
    return permissionFinding(each, { ...problem, remedy });
  });
  return { findings };
}

interface Tried {
  readonly verdict: 'passed' | 'failed' | 'unknown';
  readonly detail: string;
}

async function problemOf(read: () => Promise<unknown>): Promise<Tried> {
  try {
    await read();
    return { verdict: 'passed', detail: 'it was read' };
  } catch (cause) {
    if (!(cause instanceof ExecutorError)) throw cause;
    // What may not be seen does not exist, as OCI tells it.
    const isRefused = cause.errorClass === 'permission' || cause.errorClass === 'not-found';
    return { verdict: isRefused ? 'failed' : 'unknown', detail: cause.message };
  }
}
