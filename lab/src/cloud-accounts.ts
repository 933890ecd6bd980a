/** Names and ids that each emulated cloud gives to what stands in it, in the vendor's own shapes; invented, and the same in every run. */
import path from 'node:path';
import type { CloudConfig, CloudInstance } from './cloud/cloud-config.ts';
import type { LabFiles } from './lab-files.ts';
import { macOf } from './mac-address.ts';
import { fabricDevice } from './network.ts';
import { API_ADDRESS, type Client, type EmulatedCloud, type RouterPlace } from './topology.ts';

export interface CloudAccount {
  readonly region: string;
  readonly account: string;
  readonly scope: string;
  readonly subnetId: string;
  /** Router's machine type: with enough addresses on a NIC for every other site's clients (AWS c6i.4xlarge: 30; the EC2 user guide's table). */
  readonly routerType: string;
  readonly clientType: string;
  instanceId(name: string): string;
  nicId(name: string): string;
}

const SUBSCRIPTION = '6f1c2a77-3d54-4c1e-9a60-0a4d3c000000';
const RESOURCE_GROUP = 'rg-cloudedge';
const azureId = (provider: string): string =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/${RESOURCE_GROUP}/providers/${provider}`;

/** 17 hex digits, as EC2 ids have since 2016, that follow from the name. */
function hexId(name: string): string {
  return Buffer.from(name).toString('hex').slice(-17).padStart(17, '0');
}

/** 60 characters of base 32, as an OCID's unique part. */
function ocidTail(name: string): string {
  return `a${Buffer.from(name).toString('hex')}`.slice(0, 60).padEnd(60, 'a');
}

const GCP_PROJECT = 'cloudedge-lab';
const GCP_REGION = 'europe-west3';
const gcpInstance = (name: string): string => `projects/${GCP_PROJECT}/zones/${GCP_REGION}-a/instances/${name}`;

export const CLOUD_ACCOUNTS: Readonly<Record<EmulatedCloud, CloudAccount>> = {
  aws: {
    region: 'eu-west-1',
    account: '123456789012',
    scope: 'vpc-0a77600000000000a',
    subnetId: 'subnet-0a77600000000000b',
    routerType: 'c6i.4xlarge',
    clientType: 't3.micro',
    instanceId: (name) => `i-${hexId(name)}`,
    nicId: (name) => `eni-${hexId(name)}`,
  },
  azure: {
    region: 'westeurope',
    account: SUBSCRIPTION,
    scope: RESOURCE_GROUP,
    subnetId: azureId('Microsoft.Network/virtualNetworks/vnet-cloudedge/subnets/mobility'),
    routerType: 'Standard_D4s_v5',
    clientType: 'Standard_B1s',
    instanceId: (name) => azureId(`Microsoft.Compute/virtualMachines/${name}`),
    nicId: (name) => azureId(`Microsoft.Network/networkInterfaces/${name}-nic`),
  },
  oci: {
    region: 'eu-frankfurt-1',
    account: `ocid1.tenancy.oc1..${ocidTail('cloudedge')}`,
    scope: `ocid1.compartment.oc1..${ocidTail('cloudedge-lab')}`,
    subnetId: `ocid1.subnet.oc1.eu-frankfurt-1.${ocidTail('mobility')}`,
    routerType: 'VM.Standard.E4.Flex',
    clientType: 'VM.Standard.E2.1.Micro',
    instanceId: (name) => `ocid1.instance.oc1.eu-frankfurt-1.${ocidTail(name)}`,
    nicId: (name) => `ocid1.vnic.oc1.eu-frankfurt-1.${ocidTail(name)}`,
  },
  gcp: {
    region: GCP_REGION,
    account: GCP_PROJECT,
    scope: 'vpc-cloudedge',
    subnetId: `projects/${GCP_PROJECT}/regions/${GCP_REGION}/subnetworks/mobility`,
    routerType: 'e2-standard-4',
    clientType: 'e2-micro',
    instanceId: gcpInstance,
    nicId: (name) => `${gcpInstance(name)}/networkInterfaces/nic0`,
  },
};

export interface EmulatorTimings {
  readonly mutationDelayMs: number;
  readonly fabricDelayMs: number;
}

export interface CloudFiles {
  readonly tls: CloudConfig['tls'];
  readonly identityCaDir: string;
}

export function controlSocket(files: LabFiles, cloud: EmulatedCloud): string {
  return path.join(files.socketDir, `${cloud}.sock`);
}

type Guest<T extends RouterPlace | Client> = Pick<T, 'name' | 'address'> & { readonly site: string };

/** What of a topology a cloud is told. */
interface CloudGround {
  readonly subnet: string;
  readonly gateway: string;
  readonly routers: readonly (Guest<RouterPlace> & Pick<RouterPlace, 'wanAddress' | 'machineType'>)[];
  readonly clients: readonly Guest<Client>[];
}

/** Where a cloud stands, and how its process is to behave. */
export interface CloudPlace {
  readonly topology: CloudGround;
  readonly files: LabFiles;
  readonly pki: CloudFiles;
  readonly timings: EmulatorTimings;
}

export function cloudConfigOf(cloud: EmulatedCloud, { topology, files, pki, timings }: CloudPlace): CloudConfig {
  const account = CLOUD_ACCOUNTS[cloud];
  const routers = topology.routers.filter(({ site }) => site === cloud);
  const clients = topology.clients.filter(({ site }) => site === cloud);
  const machine = (guest: Guest<RouterPlace | Client>): Omit<CloudInstance, 'type' | 'permissions'> => ({
    name: guest.name,
    instanceId: account.instanceId(guest.name),
    nicId: account.nicId(guest.name),
    device: fabricDevice(guest.name),
    mac: macOf(guest.address),
    privateIp: guest.address,
  });
  return {
    cloud,
    region: account.region,
    account: account.account,
    scope: account.scope,
    subnet: { id: account.subnetId, cidr: topology.subnet, gateway: topology.gateway },
    apiAddress: API_ADDRESS,
    tls: pki.tls,
    ...(cloud === 'oci' ? { identityCaDir: pki.identityCaDir } : {}),
    controlSocket: controlSocket(files, cloud),
    ...timings,
    instances: [
      ...routers.map((router): CloudInstance => ({
        ...machine(router),
        type: router.machineType ?? account.routerType,
        ...(router.wanAddress === undefined ? {} : { publicIp: router.wanAddress }),
        permissions: 'router',
      })),
      ...clients.map((client): CloudInstance => ({
        ...machine(client),
        type: account.clientType,
        permissions: 'none',
      })),
    ],
  };
}
