/** What is asked without changing anything: who has what, is it in effect, may we. */
import {
  type AddressHolder,
  bareAddress,
  checkAddresses,
  type CheckReport,
  ExecutorError,
  hostAddress,
  type InventoryPage,
  listOf,
  neededFor,
  type NeededPermission,
  objectOf,
  pageOf,
  permissionFinding,
  type PreflightReport,
  textOf,
  type Verb,
} from '@routerd/plugin-sdk';
import type { Arm, Permission } from './arm.ts';
import { readNic } from './edit-nic.ts';
import { epochOfEntry } from './entry-name.ts';
import { readHolders } from './holders.ts';
import { entryFor, primaryOf, subnetOf, type NicDocument } from './nic-document.ts';
import { nicStateOf } from './nic-state.ts';
import { ADDRESSES_PER_NIC } from './plan-assign.ts';
import { reading } from './reading.ts';

/** Of each subnet Azure keeps five. */
const RESERVED_PER_SUBNET = 5;
/** Resource Manager throttles a principal in a subscription: buckets that refill at these rates ("Understand how ARM throttles requests"). */
const RATES = { readsPerSecond: 25, writesPerSecond: 10 } as const;

export async function inventory(arm: Arm, id: string, page: string | undefined): Promise<InventoryPage> {
  const own = await readNic(arm, id);
  const subnetId = subnetOf(own);
  const { prefix, entries } = await reading(`listing ${subnetId}`, async () => arm.readSubnet(subnetId));
  const listed = entries.flatMap(({ nicId, name, address, isPrimary }) => {
    if (!IPV4.test(address)) return [];
    const captureEpoch = epochOfEntry(name);
    const epoch = captureEpoch === undefined ? {} : { captureEpoch };
    return [{ address: hostAddress(address), nicRef: nicId, isPrimary, ...epoch }];
  });
  const primary = primaryOf(own)?.address ?? '';
  const length = Number(prefix.split('/')[1] ?? 'absent');
  return {
    nic: nicStateOf(own),
    ...(IPV4.test(primary) ? { primary: hostAddress(primary) } : {}),
    capacity: {
      secondariesMax: ADDRESSES_PER_NIC - 1,
      secondariesUsed: nicStateOf(own).addresses.length,
      ...(prefix === '' ? {} : { subnetPrefix: prefix }),
      ...(length >= 0
        ? { subnetAddressesFree: Math.max(0, 2 ** (32 - length) - RESERVED_PER_SUBNET - listed.length) }
        : {}),
    },
    limits: { addressesPerCall: ADDRESSES_PER_NIC - 1, ...RATES },
    ...pageOf(listed, page),
  };
}

const IPV4 = /^\d+(\.\d+){3}$/;

export async function check(arm: Arm, id: string, addresses: readonly string[]): Promise<CheckReport> {
  const own = await readNic(arm, id);
  const lookUp = async (bare: readonly string[]): Promise<ReadonlyMap<string, AddressHolder>> => {
    const requested = bare.map((address) => ({ address: hostAddress(address) }));
    const holders = [own, ...(await readHolders(arm, own, requested, new Set()))];
    return new Map(holders.flatMap((nic) => holdingsOf(nic, bare)));
  };
  const results = await checkAddresses(own.id, addresses.map(bareAddress).map(hostAddress), lookUp);
  return { results, forwarding: own.ipForwarding ? 'enabled' : 'disabled' };
}

function holdingsOf(nic: NicDocument, bare: readonly string[]): readonly (readonly [string, AddressHolder])[] {
  return bare.flatMap((address) => {
    const entry = entryFor(nic, address);
    return entry === undefined ? [] : [[address, { nicRef: nic.id, captureEpoch: epochOfEntry(entry.name) }] as const];
  });
}

const ADDRESSES = ['assign-secondary-ip', 'unassign-secondary-ip'] as const;
const EVERY = [...ADDRESSES, 'ensure-forwarding-enabled', 'ensure-forwarding-disabled'] as const;

interface ScopedPermission extends NeededPermission {
  /** Resource that it is needed on. */
  readonly scope: string;
}

/** Lists of an entry that say what it is joined to, and the right to join that ("Virtual network permissions", resource provider operations). */
const JOINS: readonly (readonly [list: string, permission: string])[] = [
  ['applicationSecurityGroups', 'applicationSecurityGroups/joinIpConfiguration/action'],
  ['loadBalancerBackendAddressPools', 'loadBalancers/backendAddressPools/join/action'],
  ['loadBalancerInboundNatRules', 'loadBalancers/inboundNatRules/join/action'],
  ['applicationGatewayBackendAddressPools', 'applicationGateways/backendAddressPools/join/action'],
];

function on(scope: string, permission: string, actions: readonly Verb[]): ScopedPermission {
  return { permission: `Microsoft.Network/${permission}`, scope, actions };
}

/** What is referred to without an id is not there. */
function joinOf(resource: unknown, permission: string): readonly ScopedPermission[] {
  const id = textOf(objectOf(resource)['id']);
  return id === '' ? [] : [on(id, permission, EVERY)];
}

/** A NIC is written whole, so every write needs the right to join what the NIC is joined to. */
function joinsOf(nic: NicDocument): readonly ScopedPermission[] {
  const properties = objectOf(nic.json['properties']);
  const ofEntries = listOf(properties['ipConfigurations']).flatMap((entry) => {
    const inner = objectOf(objectOf(entry)['properties']);
    return [
      ...joinOf(inner['publicIPAddress'], 'publicIPAddresses/join/action'),
      ...JOINS.flatMap(([list, permission]) => listOf(inner[list]).flatMap((each) => joinOf(each, permission))),
    ];
  });
  const ofGroup = joinOf(properties['networkSecurityGroup'], 'networkSecurityGroups/join/action');
  const distinct = new Map([...ofGroup, ...ofEntries].map((each) => [`${each.permission} ${each.scope}`, each]));
  return [...distinct.values()];
}

/** @param peers NICs of other routers, from which an address may have to be taken */
function neededAt(nic: NicDocument, peers: readonly string[]): readonly ScopedPermission[] {
  return [
    on(nic.id, 'networkInterfaces/read', EVERY),
    on(nic.id, 'networkInterfaces/write', EVERY),
    on(subnetOf(nic), 'virtualNetworks/subnets/join/action', EVERY),
    on(subnetOf(nic), 'virtualNetworks/subnets/read', ['assign-secondary-ip']),
    ...joinsOf(nic),
    ...peers.flatMap((peer) => [
      on(peer, 'networkInterfaces/read', ['assign-secondary-ip']),
      on(peer, 'networkInterfaces/write', ['assign-secondary-ip']),
    ]),
  ];
}

/** By the list of permissions that Resource Manager gives of any resource to whoever has a role there. */
export async function preflight(
  arm: Arm,
  { id, peers }: { readonly id: string; readonly peers: readonly string[] },
  actions: readonly Verb[],
): Promise<PreflightReport> {
  const remedyFor = ({ permission, scope }: ScopedPermission): string =>
    `give the virtual machine's managed identity a role with ${permission} on ${scope}`;
  let nic: NicDocument;
  try {
    nic = await readNic(arm, id);
  } catch (cause) {
    if (!(cause instanceof ExecutorError) || cause.errorClass !== 'permission') throw cause;
    const needed = { permission: 'Microsoft.Network/networkInterfaces/read', actions };
    const remedy = remedyFor({ ...needed, scope: id });
    return { findings: [permissionFinding(needed, { verdict: 'failed', detail: cause.message, remedy })] };
  }
  const wanted = neededAt(nic, peers).filter((each) => neededFor([each], actions).length > 0);
  const lists = new Map<string, Promise<readonly Permission[] | string>>();
  const findings = wanted.map(async (each) => {
    const { permission, scope } = each;
    const listed = lists.get(scope) ?? permissionsAt(arm, scope);
    lists.set(scope, listed);
    const granted = await listed;
    const only = { permission, actions: each.actions.filter((verb) => actions.includes(verb)) };
    if (typeof granted === 'string') {
      return permissionFinding(only, { verdict: 'unknown', detail: granted, remedy: remedyFor(each) });
    }
    const verdict = isGranted(permission, granted) ? 'passed' : 'failed';
    const detail = verdict === 'passed' ? `granted on ${scope}` : `not among what is granted on ${scope}`;
    return permissionFinding(only, { verdict, detail, remedy: remedyFor(each) });
  });
  return { findings: await Promise.all(findings) };
}

/** @returns why it cannot be told */
async function permissionsAt(arm: Arm, scope: string): Promise<readonly Permission[] | string> {
  try {
    return await reading(`listing the permissions on ${scope}`, async () => arm.listPermissions(scope));
  } catch (cause) {
    if (cause instanceof ExecutorError) return cause.message;
    throw cause;
  }
}

/** Each role counts alone: what one leaves out another may give. Azure's wildcard is `*`, for any number of characters. */
function isGranted(permission: string, granted: readonly Permission[]): boolean {
  const covers = (pattern: string): boolean => {
    const text = pattern.split('*').map((part) => part.replaceAll(/[.\\^$+?()[\]{}|]/g, '\\$&'));
    return new RegExp(`^${text.join('.*')}$`, 'i').test(permission);
  };
  return granted.some(({ actions, notActions }) => actions.some(covers) && !notActions.some(covers));
}
