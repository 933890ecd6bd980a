/**
 * EC2 through the vendor's SDK. Identity: the SDK's default chain, which on an instance is its profile, by IMDSv2.
 *
 * 1. A mutating request is sent once: the SDK's own resend after a reset is what a fence cannot see.
 * 2. `RequestExpired` is the exception that needs no resend: the writing client takes over the clock offset that the reading one learnt.
 */
import {
  AssignPrivateIpAddressesCommand,
  DescribeInstancesCommand,
  DescribeInstanceTypesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSubnetsCommand,
  EC2Client,
  ModifyNetworkInterfaceAttributeCommand,
  UnassignPrivateIpAddressesCommand,
  type _InstanceType,
  type Filter,
  type NetworkInterface as WireInterface,
} from '@aws-sdk/client-ec2';
import { createCallMeter, type CallMeter, type MeteredCall } from '@routerd/plugin-sdk';
import { faultOf, meaningOf } from '../classify.ts';
import type { Ec2, Machines, NetworkInterface } from '../network-interface.ts';
import { readInstanceType } from './instance-metadata.ts';

const READ_ATTEMPTS_MAX = 3;
const CONNECT_LIMIT_MS = 3000;
/** Of one request. Describes and assigns answer within two seconds in ordinary times. */
const REQUEST_LIMIT_MS = 15_000;
/** `Filter.N.Value` limit of DescribeNetworkInterfaces (EC2 API reference: 200 values per filter). */
const FILTER_VALUES_MAX = 200;

/** @param meter counts what is sent */
export function connectEc2(region: string, meter: CallMeter = createCallMeter()): Ec2 & Machines {
  const requestHandler = {
    connectionTimeout: CONNECT_LIMIT_MS,
    requestTimeout: REQUEST_LIMIT_MS,
    throwOnRequestTimeout: true,
  };
  const reader = new EC2Client({ region, requestHandler, maxAttempts: READ_ATTEMPTS_MAX });
  const writer = new EC2Client({ region, requestHandler, maxAttempts: 1, credentials: reader.config.credentials });
  measure(reader, 'read', meter);
  measure(writer, 'write', meter);
  const write = async (send: () => Promise<unknown>): Promise<void> => {
    writer.config.systemClockOffset = reader.config.systemClockOffset;
    await send();
  };
  const list = async (Filters: readonly Filter[]): Promise<readonly NetworkInterface[]> => {
    const found: NetworkInterface[] = [];
    let NextToken: string | undefined;
    do {
      const next = NextToken === undefined ? {} : { NextToken };
      const command = new DescribeNetworkInterfacesCommand({ Filters: [...Filters], MaxResults: 1000, ...next });
      const page = await reader.send(command);
      found.push(...(page.NetworkInterfaces ?? []).map(interfaceOf));
      NextToken = page.NextToken;
    } while (NextToken !== undefined && NextToken !== '');
    return found;
  };
  return {
    async readInterface(id) {
      const command = new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [id] });
      const { NetworkInterfaces: [found] = [] } = await reader.send(command);
      return found === undefined ? undefined : interfaceOf(found);
    },
    async findHolders(subnetId, addresses) {
      const holders: NetworkInterface[] = [];
      for (let start = 0; start < addresses.length; start += FILTER_VALUES_MAX) {
        const Values = addresses.slice(start, start + FILTER_VALUES_MAX);
        const byAddress = { Name: 'addresses.private-ip-address', Values };
        holders.push(...(await list([byAddress, { Name: 'subnet-id', Values: [subnetId] }])));
      }
      return holders;
    },
    listStates: async (subnetId) => statesIn(reader, subnetId),
    listSubnet: async (subnetId) => list([{ Name: 'subnet-id', Values: [subnetId] }]),
    async readSubnet(subnetId) {
      const { Subnets: [found] = [] } = await reader.send(new DescribeSubnetsCommand({ SubnetIds: [subnetId] }));
      return found?.CidrBlock === undefined
        ? undefined
        : { cidr: found.CidrBlock, addressesFree: found.AvailableIpAddressCount };
    },
    async addressesPerInterface() {
      // The SDK's own names of the types, which a new one may not be among yet.
      const InstanceTypes = [await readInstanceType()] as _InstanceType[];
      const { InstanceTypes: [found] = [] } = await reader.send(new DescribeInstanceTypesCommand({ InstanceTypes }));
      return found?.NetworkInfo?.Ipv4AddressesPerInterface;
    },
    async mayModify(NetworkInterfaceId) {
      const input = { NetworkInterfaceId, SourceDestCheck: { Value: false }, DryRun: true };
      await reader.send(new ModifyNetworkInterfaceAttributeCommand(input));
    },
    async assign(id, addresses, allowReassignment) {
      const input = {
        NetworkInterfaceId: id,
        PrivateIpAddresses: [...addresses],
        ...(allowReassignment ? { AllowReassignment: true } : {}),
      };
      await write(async () => writer.send(new AssignPrivateIpAddressesCommand(input)));
    },
    async unassign(id, addresses) {
      const input = { NetworkInterfaceId: id, PrivateIpAddresses: [...addresses] };
      await write(async () => writer.send(new UnassignPrivateIpAddressesCommand(input)));
    },
    async setSourceDestCheck(id, enabled) {
      const input = { NetworkInterfaceId: id, SourceDestCheck: { Value: enabled } };
      await write(async () => writer.send(new ModifyNetworkInterfaceAttributeCommand(input)));
    },
  };
}

/** Within the SDK's own retries, so that each of them counts. */
function measure({ middlewareStack }: EC2Client, call: MeteredCall, meter: CallMeter): void {
  middlewareStack.add(
    (next) => async (given) => {
      meter.sent(call);
      try {
        return await next(given);
      } catch (cause) {
        const fault = faultOf(cause);
        const meaning = meaningOf(fault);
        if (meaning.kind === 'error' && meaning.errorClass === 'throttled') meter.refused(call, fault.retryAfterMs);
        throw cause;
      }
    },
    { step: 'deserialize', priority: 'high', name: 'routerdCallMeter' },
  );
}

async function statesIn(reader: EC2Client, subnetId: string): Promise<ReadonlyMap<string, string>> {
  const states = new Map<string, string>();
  const Filters = [{ Name: 'network-interface.subnet-id', Values: [subnetId] }];
  let NextToken: string | undefined;
  do {
    const next = NextToken === undefined ? {} : { NextToken };
    const page = await reader.send(new DescribeInstancesCommand({ Filters, MaxResults: 1000, ...next }));
    for (const { InstanceId, State } of (page.Reservations ?? []).flatMap(({ Instances = [] }) => Instances))
      if (InstanceId !== undefined && State?.Name !== undefined) states.set(InstanceId, State.Name);
    NextToken = page.NextToken;
  } while (NextToken !== undefined && NextToken !== '');
  return states;
}

function interfaceOf(wire: WireInterface): NetworkInterface {
  const addresses = wire.PrivateIpAddresses ?? [];
  return {
    id: wire.NetworkInterfaceId ?? '',
    subnetId: wire.SubnetId ?? '',
    primary: wire.PrivateIpAddress ?? '',
    secondaries: addresses.flatMap(({ Primary, PrivateIpAddress }) =>
      Primary === true || PrivateIpAddress === undefined ? [] : [PrivateIpAddress],
    ),
    // Absent means unknown, which is not permission to forward.
    sourceDestCheck: wire.SourceDestCheck ?? true,
    instanceId: wire.Attachment?.InstanceId,
  };
}
