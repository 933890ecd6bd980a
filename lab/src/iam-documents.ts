/** The IAM documents of examples/cloudedge-mobility-demo, held against what routers really ask of a cloud. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { lackingPermission } from './cloud/permissions.ts';
import { EXAMPLES_DIR } from './examples.ts';
import type { EmulatedCloud } from './topology.ts';

const FILES: Readonly<Record<EmulatedCloud, string>> = {
  aws: 'aws-router-policy.json',
  azure: 'azure-router-role.json',
  gcp: 'gcp-router-role.txt',
  oci: 'oci-router-policy.txt',
};

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
  'use stream-pull': ['STREAM_CONSUME'],
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
  const allowed = permissionsOfDocument(cloud);
  return [...new Set(operations)].filter((operation) => lackingPermission(cloud, operation, allowed) !== undefined);
}
