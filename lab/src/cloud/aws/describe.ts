/** What the Describe actions tell of NICs, subnets and instance types. Pure. */
import { err, ok, type Result } from '@routerd/resources';
import { addressesOf, freeAddresses, type AddressSpace, type Nic } from '../address-space.ts';
import type { CloudConfig } from '../cloud-config.ts';
import { AWS_NIC_LIMITS } from '../nic-limits.ts';
import { zoneOf } from './imds.ts';
import type { Ec2Fault, QueryParameters, XmlValue } from './query-protocol.ts';

/** The parameters are read; what is left is to look. */
export type Description = (space: AddressSpace, config: CloudConfig) => Described;
type Described = Result<Readonly<Record<string, XmlValue>>, Ec2Fault>;

const fault = (code: string, message: string): Result<never, Ec2Fault> => err({ status: 400, code, message });

const PAGE_MIN = 5;
const PAGE_MAX = 1000;

export function describeNetworkInterfaces(parameters: QueryParameters): Description {
  const ids = parameters.list('NetworkInterfaceId');
  const filters = parameters.filters();
  const pageSize = parameters.text('MaxResults');
  const nextToken = parameters.text('NextToken');
  return (space, config) => {
    if (ids.length > 0 && pageSize !== undefined) {
      return fault('InvalidParameterCombination', 'The parameter NetworkInterfaceIds cannot be used with MaxResults');
    }
    const missing = ids.find((id) => !space.nics.has(id));
    if (missing !== undefined) return nicNotFound(missing);
    const unknown = filters.find(({ name }) => filterValues(name, config) === undefined);
    if (unknown !== undefined) return fault('InvalidParameterValue', `The filter '${unknown.name}' is invalid`);
    const matching = [...space.nics.values()]
      .filter((nic) => ids.length === 0 || ids.includes(nic.id))
      .filter((nic) =>
        filters.every(({ name, values }) => filterValues(name, config)?.(nic).some((value) => values.includes(value))),
      );
    const page = pageOf(matching, pageSize, nextToken);
    if (!page.ok) return page;
    const { items, next } = page.value;
    return ok({
      networkInterfaceSet: items.map((nic) => interfaceItem(nic, config)),
      ...(next === undefined ? {} : { nextToken: next }),
    });
  };
}

export function nicNotFound(id: string): Result<never, Ec2Fault> {
  return fault('InvalidNetworkInterfaceID.NotFound', `The networkInterface ID '${id}' does not exist`);
}

/** @returns what a NIC has for that filter; `undefined` for a filter that does not exist here */
function filterValues(name: string, config: CloudConfig): ((nic: Nic) => readonly string[]) | undefined {
  switch (name) {
    case 'subnet-id':
      return () => [config.subnet.id];
    case 'vpc-id':
      return () => [config.scope];
    case 'network-interface-id':
      return (nic) => [nic.id];
    case 'attachment.instance-id':
      return (nic) => [nic.instanceId];
    case 'mac-address':
      return (nic) => [nic.mac];
    case 'private-ip-address':
      return (nic) => [nic.primary];
    case 'addresses.private-ip-address':
      return addressesOf;
    case 'tag:Name':
      return (nic) => [nic.name];
    default:
      return undefined;
  }
}

export function pageOf<T>(
  all: readonly T[],
  pageSize: string | undefined,
  token: string | undefined,
): Result<{ readonly items: readonly T[]; readonly next: string | undefined }, Ec2Fault> {
  const size = pageSize === undefined ? PAGE_MAX : Number(pageSize);
  if (!Number.isInteger(size) || size < PAGE_MIN || size > PAGE_MAX) {
    const range = `${PAGE_MIN} and ${PAGE_MAX}`;
    return fault(
      'InvalidParameterValue',
      `Value ( ${pageSize} ) for parameter maxResults is invalid. Expecting a value between ${range}.`,
    );
  }
  const start = token === undefined ? 0 : Number(/^offset:(\d+)$/.exec(Buffer.from(token, 'base64').toString())?.[1]);
  if (Number.isNaN(start)) return fault('InvalidParameterValue', 'The provided NextToken is invalid.');
  const end = start + size;
  const next = end < all.length ? Buffer.from(`offset:${end}`).toString('base64') : undefined;
  return ok({ items: all.slice(start, end), next });
}

function interfaceItem(nic: Nic, config: CloudConfig): XmlValue {
  const [, name = ''] = /^eni-(.*)$/.exec(nic.id) ?? [];
  const association = nic.publicIp === undefined ? {} : { association: { publicIp: nic.publicIp } };
  return {
    networkInterfaceId: nic.id,
    subnetId: config.subnet.id,
    vpcId: config.scope,
    availabilityZone: zoneOf(config),
    description: '',
    ownerId: config.account,
    requesterManaged: false,
    status: 'in-use',
    macAddress: nic.mac,
    privateIpAddress: nic.primary,
    sourceDestCheck: !nic.forwarding,
    groupSet: [],
    attachment: {
      attachmentId: `eni-attach-${name}`,
      instanceId: nic.instanceId,
      instanceOwnerId: config.account,
      deviceIndex: 0,
      status: 'attached',
      deleteOnTermination: true,
    },
    ...association,
    tagSet: [{ key: 'Name', value: nic.name }],
    privateIpAddressesSet: addressesOf(nic).map((address) => ({
      privateIpAddress: address,
      primary: address === nic.primary,
      ...(address === nic.primary ? association : {}),
    })),
    interfaceType: 'interface',
  };
}

export function describeInstanceTypes(parameters: QueryParameters): Description {
  const asked = parameters.list('InstanceType');
  return () => instanceTypes(asked);
}

function instanceTypes(asked: readonly string[]): Described {
  const unknown = asked.filter((type) => AWS_NIC_LIMITS[type] === undefined);
  if (unknown.length > 0) {
    return fault('InvalidInstanceType', `The following supplied instance types do not exist: [${unknown.join(', ')}]`);
  }
  const types = asked.length === 0 ? Object.keys(AWS_NIC_LIMITS) : asked;
  return ok({
    instanceTypeSet: types.map((instanceType) => ({
      instanceType,
      networkInfo: {
        maximumNetworkInterfaces: AWS_NIC_LIMITS[instanceType]?.nics ?? 0,
        ipv4AddressesPerInterface: AWS_NIC_LIMITS[instanceType]?.addressesPerNic ?? 0,
      },
    })),
  });
}

export function describeSubnets(parameters: QueryParameters): Description {
  const asked = parameters.list('SubnetId');
  return (space, config) => subnets(asked, space, config);
}

function subnets(asked: readonly string[], space: AddressSpace, config: CloudConfig): Described {
  const missing = asked.find((id) => id !== config.subnet.id);
  if (missing !== undefined) {
    return fault('InvalidSubnetID.NotFound', `The subnet ID '${missing}' does not exist`);
  }
  const subnet = {
    subnetId: config.subnet.id,
    state: 'available',
    vpcId: config.scope,
    cidrBlock: config.subnet.cidr,
    availableIpAddressCount: freeAddresses(space).length,
    availabilityZone: zoneOf(config),
    ownerId: config.account,
  };
  return ok({ subnetSet: [subnet] });
}
