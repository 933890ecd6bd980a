/**
 * A network interface as Resource Manager's document. Pure.
 *
 * A PUT replaces the document: what it leaves out returns to its default, what is read-only in it is ignored, and what this service does not
 * know is kept as it came.
 */
import { err, ok, type Result } from '@routerd/resources';
import { z } from 'zod';
import type { Nic } from '../address-space.ts';
import type { CloudConfig } from '../cloud-config.ts';
import { armFault, type ArmFault } from './arm-reply.ts';
import { stableUuid } from './stable-uuid.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

const READ_ONLY = ['id', 'etag', 'type', 'name', 'properties'];
const READ_ONLY_PROPERTIES = [
  'provisioningState',
  'resourceGuid',
  'macAddress',
  'virtualMachine',
  'primary',
  'hostedWorkloads',
  'tapConfigurations',
  'vnetEncryptionSupported',
  'privateEndpoint',
  'privateLinkService',
  'dscpConfiguration',
];
const IP_CONFIGURATION_READ_ONLY_PROPERTIES = ['provisioningState', 'privateLinkConnectionProperties'];

const putIpConfiguration = z.looseObject({
  name: z.string().min(1).max(80),
  properties: z.looseObject({
    privateIPAddress: z.string().optional(),
    privateIPAllocationMethod: z.enum(['Static', 'Dynamic']).default('Dynamic'),
    privateIPAddressVersion: z.literal('IPv4').default('IPv4'),
    primary: z.boolean().optional(),
    subnet: z.looseObject({ id: z.string() }),
  }),
});

const putBody = z.looseObject({
  location: z.string(),
  tags: z.record(z.string(), z.string()).optional(),
  properties: z.looseObject({
    ipConfigurations: z.array(putIpConfiguration).default([]),
    enableIPForwarding: z.boolean().default(false),
    enableAcceleratedNetworking: z.boolean().default(false),
  }),
});
export type PutBody = z.output<typeof putBody>;

export interface IpConfiguration {
  readonly name: string;
  readonly address: string;
  readonly allocation: 'Static' | 'Dynamic';
  readonly primary: boolean;
  /** Everything else that was put: properties, and what stood beside them. */
  readonly properties: JsonObject;
  readonly beside: JsonObject;
}

export interface NicDocument {
  /** The primary is among them; names are unique. */
  readonly ipConfigurations: readonly IpConfiguration[];
  readonly enableIPForwarding: boolean;
  readonly properties: JsonObject;
  readonly beside: JsonObject;
}

export function initialDocument(nic: Nic, config: CloudConfig): NicDocument {
  const primary = ipConfigurationOf({ name: 'ipconfig1', address: nic.primary, primary: true }, config);
  const properties = { enableAcceleratedNetworking: false };
  return { ipConfigurations: [primary], enableIPForwarding: false, properties, beside: {} };
}

/** As somebody makes one who gives no more than it needs. */
export function ipConfigurationOf(
  wanted: Pick<IpConfiguration, 'name' | 'address' | 'primary'>,
  config: CloudConfig,
): IpConfiguration {
  const properties = { privateIPAddressVersion: 'IPv4', subnet: { id: config.subnet.id } };
  return { ...wanted, allocation: 'Static', properties, beside: {} };
}

export function parsePut(body: string): Result<PutBody, ArmFault> {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return err(
      armFault(400, 'InvalidRequestContent', 'The request content was invalid and could not be deserialized.'),
    );
  }
  const parsed = putBody.safeParse(json);
  if (parsed.success) return ok(parsed.data);
  return err(armFault(400, 'InvalidRequestFormat', `Cannot parse the request. ${z.prettifyError(parsed.error)}`));
}

/**
 * @param current what the PUT replaces: entries that leave their address to the service keep the one they have
 * @param free addresses to allocate from, in that order
 */
export function draftDocument(
  body: PutBody,
  current: NicDocument,
  free: readonly string[],
): Result<NicDocument, ArmFault> {
  const given = body.properties.ipConfigurations;
  if (given.length === 0)
    return err(armFault(400, 'InvalidIPConfigCount', 'A NIC needs at least one IP configuration.'));
  const marked = given.filter(({ properties }) => properties.primary === true).length;
  if (marked > 1 || (marked === 0 && given.length > 1)) {
    return err(armFault(400, 'InvalidPrimaryIpConfig', 'Exactly one IP configuration must be primary.'));
  }
  const spare = [...free];
  const ipConfigurations = given.map(({ name, properties, ...beside }): IpConfiguration => {
    const { privateIPAddress, privateIPAllocationMethod, primary, ...rest } = properties;
    const before = current.ipConfigurations.find((each) => each.name === name);
    const dynamic = privateIPAllocationMethod === 'Dynamic' ? (before?.address ?? spare.shift()) : undefined;
    return {
      name,
      address: dynamic ?? privateIPAddress ?? '',
      allocation: privateIPAllocationMethod,
      primary: primary ?? given.length === 1,
      properties: without(rest, IP_CONFIGURATION_READ_ONLY_PROPERTIES),
      beside: without(beside, READ_ONLY),
    };
  });
  const twice = repeated(ipConfigurations.map(({ name }) => name.toLowerCase()));
  if (twice !== undefined)
    return err(armFault(400, 'DuplicateResourceName', `IP configuration ${twice} is given twice.`));
  const same = repeated(ipConfigurations.map(({ address }) => address));
  if (same !== undefined) {
    return err(armFault(400, 'PrivateIPAddressIsAllocated', `Two IP configurations are using ${same}.`));
  }
  const { ipConfigurations: _, enableIPForwarding, ...rest } = body.properties;
  const properties = without(rest, READ_ONLY_PROPERTIES);
  return ok({ ipConfigurations, enableIPForwarding, properties, beside: without(body, [...READ_ONLY, 'location']) });
}

export interface RenderContext {
  readonly nic: Nic;
  readonly config: CloudConfig;
  readonly etag: string;
  readonly provisioningState: 'Succeeded' | 'Updating' | 'Failed';
}

export function renderDocument(document: NicDocument, context: RenderContext): JsonObject {
  const { nic, config, etag, provisioningState } = context;
  return {
    name: nic.id.slice(nic.id.lastIndexOf('/') + 1),
    id: nic.id,
    etag,
    ...document.beside,
    location: config.region,
    properties: {
      provisioningState,
      resourceGuid: stableUuid(`nic ${nic.id}`),
      dnsSettings: { dnsServers: [], appliedDnsServers: [] },
      nicType: 'Standard',
      ...document.properties,
      ipConfigurations: document.ipConfigurations.map((each) => renderIpConfiguration(each, context)),
      macAddress: nic.mac.replaceAll(':', '-').toUpperCase(),
      vnetEncryptionSupported: false,
      enableIPForwarding: document.enableIPForwarding,
      primary: true,
      virtualMachine: { id: nic.instanceId },
      hostedWorkloads: [],
      tapConfigurations: [],
    },
    type: 'Microsoft.Network/networkInterfaces',
  };
}

export function ipConfigurationId(nic: Nic, name: string): string {
  return `${nic.id}/ipConfigurations/${name}`;
}

export function renderIpConfiguration(
  entry: IpConfiguration,
  { nic, etag, provisioningState }: RenderContext,
): JsonObject {
  return {
    name: entry.name,
    id: ipConfigurationId(nic, entry.name),
    etag,
    ...entry.beside,
    type: 'Microsoft.Network/networkInterfaces/ipConfigurations',
    properties: {
      provisioningState,
      ...entry.properties,
      privateIPAddress: entry.address,
      privateIPAllocationMethod: entry.allocation,
      primary: entry.primary,
    },
  };
}

function without(object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

function repeated(texts: readonly string[]): string | undefined {
  return texts.find((text, index) => texts.indexOf(text) !== index);
}
