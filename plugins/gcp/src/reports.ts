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
import type { Compute } from './compute.ts';
import { readNic } from './edit-nic.ts';
import { readHolders } from './holders.ts';
import { holdingOf, type NicDocument } from './instance-document.ts';
import type { NicName } from './nic-name.ts';
import { nicStateOf } from './nic-state.ts';
import { ALIAS_RANGES_MAX } from './plan-address.ts';
import { reading } from './reading.ts';

export async function inventory(compute: Compute, name: NicName, page: string | undefined): Promise<InventoryPage> {
  const own = await readNic(compute, name);
  const listing = `listing the instances of ${name.project}`;
  const instances = await reading(listing, async () => compute.listInstances(name.project));
  const neighbours = instances.flatMap(({ nics }) => nics).filter(({ subnetwork }) => subnetwork === own.subnetwork);
  const entries = neighbours.flatMap((nic) => [
    { address: hostAddress(nic.primary), nicRef: nic.id, isPrimary: true },
    ...nicStateOf(nic).addresses.map((address) => ({ address, nicRef: nic.id, isPrimary: false })),
  ]);
  return {
    nic: nicStateOf(own),
    primary: hostAddress(own.primary),
    // The subnet's prefix would need compute.subnetworks.get, which nothing else here does.
    capacity: { secondariesMax: ALIAS_RANGES_MAX, secondariesUsed: own.aliases.length },
    limits: { addressesPerCall: ALIAS_RANGES_MAX },
    ...pageOf(entries, page),
  };
}

export async function check(compute: Compute, name: NicName, addresses: readonly string[]): Promise<CheckReport> {
  const own = await readNic(compute, name);
  const lookUp = async (bare: readonly string[]): Promise<ReadonlyMap<string, AddressHolder>> => {
    const requested = bare.map((address) => ({ address: hostAddress(address) }));
    const holders = [own, ...(await readHolders(compute, { own, name, requested }))];
    return new Map(holders.flatMap((nic) => holdingsOf(nic, bare)));
  };
  const results = await checkAddresses(own.id, addresses, lookUp);
  return { results, forwarding: own.canIpForward ? 'enabled' : 'disabled' };
}

function holdingsOf(nic: NicDocument, bare: readonly string[]): readonly (readonly [string, AddressHolder])[] {
  return bare.flatMap((address) =>
    holdingOf(nic, address) === 'none' ? [] : [[address, { nicRef: nic.id }] as const],
  );
}

const ADDRESSES = ['assign-secondary-ip', 'unassign-secondary-ip'] as const;
const FORWARDING = ['ensure-forwarding-enabled', 'ensure-forwarding-disabled'] as const;
const LIST = 'compute.instances.list';
const READ_OPERATION = 'compute.zoneOperations.get';
const USE_SUBNETWORK = 'compute.subnetworks.use';

const NEEDED: readonly NeededPermission[] = [
  { permission: 'compute.instances.get', actions: [...ADDRESSES, ...FORWARDING] },
  { permission: 'compute.instances.updateNetworkInterface', actions: ADDRESSES },
  { permission: 'compute.instances.update', actions: FORWARDING },
  { permission: USE_SUBNETWORK, actions: ADDRESSES },
  { permission: LIST, actions: ['assign-secondary-ip'] },
  { permission: READ_OPERATION, actions: [...ADDRESSES, ...FORWARDING] },
];

/** What taking an address from another router's NIC needs there. */
const AT_PEERS: readonly NeededPermission[] = [
  { permission: 'compute.instances.get', actions: ['assign-secondary-ip'] },
  { permission: 'compute.instances.updateNetworkInterface', actions: ['assign-secondary-ip'] },
];

type Findings = PreflightReport['findings'];

/** By the service's own tests of permissions; what belongs to the project and not to a resource is tried. */
export async function preflight(
  compute: Compute,
  { own, peers }: { readonly own: NicName; readonly peers: readonly NicName[] },
  actions: readonly Verb[],
): Promise<PreflightReport> {
  const needed = neededFor(AT_PEERS, actions);
  const atPeers = (needed.length === 0 ? [] : peers).map(async ({ instance }): Promise<Findings> => {
    const answer = await tested(
      compute,
      instance,
      needed.map(({ permission }) => permission),
    );
    return needed.map((each) => finding(each, answer));
  });
  const findings = await Promise.all([findingsAt(compute, own, actions), ...atPeers]);
  return { findings: findings.flat() };
}

function finding(needed: NeededPermission, answer: Answer): Findings[number] {
  const { permission } = needed;
  const remedy = `grant ${permission} to the service account of the instance`;
  if (answer.has === undefined) return permissionFinding(needed, { verdict: 'unknown', detail: answer.why, remedy });
  const verdict = answer.has.includes(permission) ? 'passed' : 'failed';
  return permissionFinding(needed, { verdict, detail: answer.why, remedy });
}

async function findingsAt(compute: Compute, name: NicName, actions: readonly Verb[]): Promise<Findings> {
  const needed = neededFor(NEEDED, actions);
  const onInstance = needed.map(({ permission }) => permission).filter((each) => each.startsWith('compute.instances.'));
  const granted = await tested(compute, name.instance, onInstance);
  const subnetwork = await readNic(compute, name).then(
    (nic) => nic.subnetwork,
    () => undefined,
  );
  const onSubnet: Answer =
    subnetwork === undefined
      ? { has: undefined, why: 'the instance cannot be read, so its subnetwork is not known' }
      : await tested(compute, subnetwork, [USE_SUBNETWORK]);
  const findings = needed.map(async (each) => {
    switch (each.permission) {
      case LIST:
        return finding(each, await tried(compute, name.project));
      case READ_OPERATION:
        return finding(each, await triedOperations(compute, name.zone));
      case USE_SUBNETWORK:
        return finding(each, onSubnet);
      default:
        return finding(each, granted);
    }
  });
  return Promise.all(findings);
}

interface Answer {
  /** `undefined`: not known. */
  readonly has: readonly string[] | undefined;
  readonly why: string;
}

async function tested(compute: Compute, resource: string, permissions: readonly string[]): Promise<Answer> {
  const why = `tested on ${resource}`;
  return answered(why, async () => compute.testPermissions(resource, permissions));
}

async function tried(compute: Compute, project: string): Promise<Answer> {
  return answered(`the instances of ${project} were listed`, async () => {
    await compute.listInstances(project);
    return [LIST];
  });
}

async function triedOperations(compute: Compute, zone: string): Promise<Answer> {
  return answered(`operations of ${zone} can be read`, async () => {
    await compute.probeOperations(zone);
    return [READ_OPERATION];
  });
}

async function answered(why: string, ask: () => Promise<readonly string[]>): Promise<Answer> {
  try {
    return { has: await reading(why, ask), why };
  } catch (cause) {
    if (!(cause instanceof ExecutorError)) throw cause;
    return { has: cause.errorClass === 'permission' ? [] : undefined, why: cause.message };
  }
}
