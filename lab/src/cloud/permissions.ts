/**
 * What a caller has to be allowed for each operation, by the vendor's own names, and what it lacks. In force only where the lab says what is
 * allowed (knob `permissions`): then exactly that is, and everything else is refused with the vendor's words. Pure.
 */
import type { CloudConfig } from './cloud-config.ts';

type CloudName = CloudConfig['cloud'];

const AZURE: Readonly<Record<string, readonly string[]>> = {
  'networkInterfaces.get': ['Microsoft.Network/networkInterfaces/read'],
  'networkInterfaces.list': ['Microsoft.Network/networkInterfaces/read'],
  'networkInterfaces.listAll': ['Microsoft.Network/networkInterfaces/read'],
  'virtualMachines.listAll': ['Microsoft.Compute/virtualMachines/read'],
  // The whole document is written, its link to the subnet included.
  'networkInterfaces.put': [
    'Microsoft.Network/networkInterfaces/write',
    'Microsoft.Network/virtualNetworks/subnets/join/action',
  ],
  'subnets.get': ['Microsoft.Network/virtualNetworks/subnets/read'],
  'virtualNetworks.checkIPAddressAvailability': ['Microsoft.Network/virtualNetworks/checkIpAddressAvailability/read'],
  'operations.get': ['Microsoft.Network/locations/operations/read'],
  'permissions.list': ['Microsoft.Authorization/permissions/read'],
  'messages.peekLock': ['Microsoft.ServiceBus/namespaces/messages/receive/action'],
  'messages.delete': ['Microsoft.ServiceBus/namespaces/messages/receive/action'],
};

const GCP: Readonly<Record<string, readonly string[]>> = {
  'instances.get': ['compute.instances.get'],
  'instances.aggregatedList': ['compute.instances.list'],
  'instances.updateNetworkInterface': ['compute.instances.updateNetworkInterface', 'compute.subnetworks.use'],
  'instances.update': ['compute.instances.update'],
  'zoneOperations.get': ['compute.zoneOperations.get'],
  'zoneOperations.wait': ['compute.zoneOperations.get'],
  'subscriptions.pull': ['pubsub.subscriptions.consume'],
  'subscriptions.acknowledge': ['pubsub.subscriptions.consume'],
};

/** All others are EC2's, each by its own name. */
const SQS: Readonly<Record<string, string>> = {
  ReceiveMessage: 'sqs:ReceiveMessage',
  DeleteMessage: 'sqs:DeleteMessage',
  DeleteMessageBatch: 'sqs:DeleteMessage',
};

/** "Details for the Core Services", permissions required for each API operation. */
const OCI: Readonly<Record<string, readonly string[]>> = {
  GetVnic: ['VNIC_READ'],
  UpdateVnic: ['VNIC_UPDATE'],
  GetSubnet: ['SUBNET_READ'],
  ListPrivateIps: ['PRIVATE_IP_READ'],
  GetPrivateIp: ['PRIVATE_IP_READ'],
  CreatePrivateIp: ['PRIVATE_IP_CREATE', 'PRIVATE_IP_ASSIGN', 'VNIC_ASSIGN', 'SUBNET_ATTACH'],
  UpdatePrivateIp: ['PRIVATE_IP_UPDATE', 'VNIC_ASSIGN', 'VNIC_UNASSIGN'],
  DeletePrivateIp: ['PRIVATE_IP_DELETE', 'PRIVATE_IP_UNASSIGN', 'VNIC_UNASSIGN', 'SUBNET_DETACH'],
  ListInstances: ['INSTANCE_READ'],
  ListVnicAttachments: ['VNIC_ATTACHMENT_READ'],
  // "Details for the Streaming Service".
  CreateGroupCursor: ['STREAM_CONSUME'],
  GetMessages: ['STREAM_CONSUME'],
  ConsumerCommit: ['STREAM_CONSUME'],
  UpdateGroup: ['STREAM_CONSUME'],
};

/** Signing in, and asking what one may do, where the vendor asks nothing for it. */
const FREE: ReadonlySet<string> = new Set([
  'GetSecurityToken',
  'instances.testIamPermissions',
  'subnetworks.testIamPermissions',
]);

/** What the operation needs; what is not known here needs a permission of its own name, so that a gap is found out. */
export function permissionsFor(cloud: CloudName, operation: string): readonly string[] {
  if (FREE.has(operation)) return [];
  switch (cloud) {
    case 'aws':
      return [SQS[operation] ?? `ec2:${operation}`];
    case 'azure':
      return AZURE[operation] ?? [operation];
    case 'gcp':
      return GCP[operation] ?? [operation];
    case 'oci':
      return OCI[operation] ?? [operation];
  }
}

/**
 * @param allowed undefined: everything is
 * @returns the first permission that the caller lacks for it
 */
export function lackingPermission(
  cloud: CloudName,
  operation: string,
  allowed: readonly string[] | undefined,
): string | undefined {
  if (allowed === undefined) return undefined;
  return permissionsFor(cloud, operation).find((permission) => !isAllowed(permission, allowed));
}

/** Azure's names are without regard to case. */
export function isAllowed(permission: string, allowed: readonly string[] | undefined): boolean {
  return allowed === undefined || allowed.some((each) => each.toLowerCase() === permission.toLowerCase());
}
