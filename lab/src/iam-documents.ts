/** The IAM documents of examples/cloudedge-mobility-demo, held against what routers really ask of a cloud. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { EXAMPLES_DIR } from './examples.ts';
import type { EmulatedCloud } from './topology.ts';

const FILES: Readonly<Record<EmulatedCloud, string>> = {
  aws: 'aws-router-policy.json',
  azure: 'azure-router-role.json',
  gcp: 'gcp-router-role.txt',
  oci: 'oci-router-policy.txt',
};

/** Operations of the emulated queue → the service that the permission is of; all others are EC2's. */
const SQS_OPERATIONS: ReadonlySet<string> = new Set(['ReceiveMessage', 'DeleteMessage', 'DeleteMessageBatch']);

/** Operations as the emulators' journals name them → the action of the role. */
const AZURE_ACTIONS: Readonly<Record<string, string>> = {
  'networkInterfaces.get': 'Microsoft.Network/networkInterfaces/read',
  'networkInterfaces.list': 'Microsoft.Network/networkInterfaces/read',
  'networkInterfaces.listAll': 'Microsoft.Network/networkInterfaces/read',
  'networkInterfaces.put': 'Microsoft.Network/networkInterfaces/write',
  'virtualMachines.listAll': 'Microsoft.Compute/virtualMachines/read',
  'subnets.get': 'Microsoft.Network/virtualNetworks/subnets/read',
  'operations.get': 'Microsoft.Network/locations/operations/read',
  'messages.peekLock': 'Microsoft.ServiceBus/namespaces/messages/receive/action',
  'messages.delete': 'Microsoft.ServiceBus/namespaces/messages/receive/action',
  'permissions.list': 'Microsoft.Authorization/permissions/read',
};

const GCP_PERMISSIONS: Readonly<Record<string, string>> = {
  'instances.get': 'compute.instances.get',
  'instances.aggregatedList': 'compute.instances.list',
  'instances.updateNetworkInterface': 'compute.instances.updateNetworkInterface',
  'instances.update': 'compute.instances.update',
  'zoneOperations.get': 'compute.zoneOperations.get',
  'zoneOperations.wait': 'compute.zoneOperations.get',
  'subscriptions.pull': 'pubsub.subscriptions.consume',
  'subscriptions.acknowledge': 'pubsub.subscriptions.consume',
};

/** The statement's words for whatever an operation of OCI's is about; the session token comes with the instance's certificate. */
const OCI_STATEMENTS: readonly (readonly [RegExp, string])[] = [
  [/PrivateIp/, 'use private-ips'],
  [/VnicAttachments/, 'read vnic-attachments'],
  [/Instances/, 'read instances'],
  [/Vnic/, 'use vnics'],
  [/Subnet/, 'use subnets'],
];
/** Whoever calls needs no permission for these. */
const FREE: ReadonlySet<string> = new Set([
  'GetSecurityToken',
  'instances.testIamPermissions',
  'subnetworks.testIamPermissions',
]);

function permissionFor(cloud: EmulatedCloud, operation: string): string {
  switch (cloud) {
    case 'aws':
      return SQS_OPERATIONS.has(operation) ? `sqs:${operation.replace(/Batch$/, '')}` : `ec2:${operation}`;
    case 'azure':
      return AZURE_ACTIONS[operation] ?? operation;
    case 'gcp':
      return GCP_PERMISSIONS[operation] ?? operation;
    case 'oci':
      return OCI_STATEMENTS.find(([about]) => about.test(operation))?.[1] ?? operation;
  }
}

/** What a statement's verb allows on a family of resources ("Details for the Core Services", permissions of each verb). */
const OCI_VERBS: Readonly<Record<string, readonly string[]>> = {
  'use private-ips': [
    'PRIVATE_IP_READ',
    'PRIVATE_IP_CREATE',
    'PRIVATE_IP_ASSIGN',
    'PRIVATE_IP_UPDATE',
    'PRIVATE_IP_UNASSIGN',
    'PRIVATE_IP_DELETE',
  ],
  'use vnics': ['VNIC_READ', 'VNIC_UPDATE', 'VNIC_ASSIGN', 'VNIC_UNASSIGN'],
  'use subnets': ['SUBNET_READ', 'SUBNET_ATTACH', 'SUBNET_DETACH'],
  'read instances': ['INSTANCE_READ'],
  'read vnic-attachments': ['VNIC_ATTACHMENT_READ'],
};

/** Everything that the cloud's document allows, by the vendor's names of permissions. */
export function permissionsOfDocument(cloud: EmulatedCloud): readonly string[] {
  const document = documentOf(cloud);
  switch (cloud) {
    case 'aws':
      return document.match(/\b(?:ec2|sqs):[A-Za-z]+/g) ?? [];
    case 'azure':
      return document.match(/Microsoft\.[A-Za-z/]+/g) ?? [];
    case 'gcp':
      return document.match(/\b(?:compute|pubsub)(?:\.[A-Za-z]+){2}/g) ?? [];
    case 'oci':
      return [...document.matchAll(/\bto (\w+ [\w-]+) in/g)].flatMap(
        ([, statement = '']) => OCI_VERBS[statement] ?? [],
      );
  }
}

function documentOf(cloud: EmulatedCloud): string {
  return readFileSync(path.join(EXAMPLES_DIR, 'cloudedge-mobility-demo', 'iam', FILES[cloud]), 'utf8');
}

/** @returns those of the operations that a router is asked to make, and that the cloud's document does not allow */
export function notAllowed(cloud: EmulatedCloud, operations: Iterable<string>): readonly string[] {
  const document = documentOf(cloud);
  const asked = [...new Set(operations)].filter((operation) => !FREE.has(operation));
  return asked.filter((operation) => {
    const wanted = permissionFor(cloud, operation);
    const named = new RegExp(`(^|["\\s,])${wanted.replaceAll(/[.*/]/g, String.raw`\$&`)}(["\\s,]|$)`, 'm');
    return !named.test(document);
  });
}
