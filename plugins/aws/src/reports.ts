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
import { reading, readOwn } from './calls.ts';
import { faultOf } from './classify.ts';
import type { Ec2, NetworkInterface } from './network-interface.ts';
import { nicStateOf } from './nic-state.ts';

/** EC2's own dry run says that it would have been done. */
const DRY_RUN_PASSED = 'DryRunOperation';

export async function inventory(ec2: Ec2, id: string, page: string | undefined): Promise<InventoryPage> {
  const own = await readOwn(ec2, id);
  const [all, subnet, addressesMax] = await Promise.all([
    reading(`listing the interfaces of ${own.subnetId}`, async () => ec2.listSubnet(own.subnetId)),
    optional(async () => ec2.readSubnet(own.subnetId)),
    optional(async () => ec2.addressesPerInterface()),
  ]);
  const entries = all.flatMap((nic) => [
    { address: hostAddress(nic.primary), nicRef: nic.id, isPrimary: true },
    ...nic.secondaries.map((bare) => ({ address: hostAddress(bare), nicRef: nic.id, isPrimary: false })),
  ]);
  const free = subnet?.addressesFree;
  return {
    nic: nicStateOf(own),
    primary: hostAddress(own.primary),
    capacity: {
      secondariesUsed: own.secondaries.length,
      ...(addressesMax === undefined ? {} : { secondariesMax: addressesMax - 1 }),
      ...(subnet === undefined ? {} : { subnetPrefix: subnet.cidr }),
      ...(free === undefined ? {} : { subnetAddressesFree: free }),
    },
    limits: addressesMax === undefined ? {} : { addressesPerCall: addressesMax - 1 },
    ...pageOf(entries, page),
  };
}

/** What needs permissions of its own that the verbs do without. */
async function optional<T>(read: () => Promise<T>): Promise<T | undefined> {
  return read().catch(() => undefined);
}

export async function check(ec2: Ec2, id: string, addresses: readonly string[]): Promise<CheckReport> {
  const own = await readOwn(ec2, id);
  const lookUp = async (bare: readonly string[]): Promise<ReadonlyMap<string, AddressHolder>> => {
    const found = await reading('looking up the holders', async () => ec2.findHolders(own.subnetId, bare));
    return new Map(found.flatMap((nic) => addressesOf(nic).map((address) => [address, { nicRef: nic.id }] as const)));
  };
  const results = await checkAddresses(id, addresses, lookUp);
  return { results, forwarding: own.sourceDestCheck ? 'disabled' : 'enabled' };
}

function addressesOf({ primary, secondaries }: NetworkInterface): readonly string[] {
  return [primary, ...secondaries];
}

const FORWARDING = ['ensure-forwarding-enabled', 'ensure-forwarding-disabled'] as const;
const ASSIGN = 'ec2:AssignPrivateIpAddresses';
const UNASSIGN = 'ec2:UnassignPrivateIpAddresses';
const DESCRIBE = 'ec2:DescribeNetworkInterfaces';
const MODIFY = 'ec2:ModifyNetworkInterfaceAttribute';
const NEEDED: readonly NeededPermission[] = [
  { permission: DESCRIBE, actions: ['assign-secondary-ip', 'unassign-secondary-ip', ...FORWARDING] },
  { permission: ASSIGN, actions: ['assign-secondary-ip'] },
  { permission: UNASSIGN, actions: ['unassign-secondary-ip'] },
  { permission: MODIFY, actions: FORWARDING },
];

/** Reads, and the one dry run that EC2 has: assigning and unassigning have none, an order with `DryRun` would be carried out. */
export async function preflight(ec2: Ec2, id: string, actions: readonly Verb[]): Promise<PreflightReport> {
  return { findings: await Promise.all(neededFor(NEEDED, actions).map(async (each) => findingOf(ec2, id, each))) };
}

async function findingOf(ec2: Ec2, id: string, needed: NeededPermission): Promise<PreflightReport['findings'][number]> {
  const { permission } = needed;
  const remedy = `allow ${permission} to the role of the instance profile, on ${permission === DESCRIBE ? '*' : id}`;
  const told = (verdict: 'passed' | 'failed' | 'unknown', detail: string): PreflightReport['findings'][number] =>
    permissionFinding(needed, { verdict, detail, remedy });
  if (permission === ASSIGN || permission === UNASSIGN) {
    return told('unknown', 'EC2 has no dry run for it, so only doing it would tell');
  }
  try {
    await (permission === DESCRIBE ? readOwn(ec2, id) : dryRun(ec2, id));
    return told('passed', permission === DESCRIBE ? `${id} was read` : "EC2's dry run would have been carried out");
  } catch (cause) {
    if (!(cause instanceof ExecutorError)) throw cause;
    return told(cause.errorClass === 'permission' ? 'failed' : 'unknown', cause.message);
  }
}

async function dryRun(ec2: Ec2, id: string): Promise<void> {
  await reading(`the dry run of ${MODIFY}`, async () => {
    try {
      await ec2.mayModify(id);
    } catch (cause) {
      if (faultOf(cause).code !== DRY_RUN_PASSED) throw cause;
    }
  });
}
