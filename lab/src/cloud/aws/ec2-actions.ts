/** The EC2 actions that change a NIC, with EC2's own refusals. */
import { err, ok, unreachable, type Result } from '@routerd/resources';
import { assign, setForwarding, unassign, type AddressRefusal, type AddressSpace, type Nic } from '../address-space.ts';
import type { ControlPlane } from '../control-plane.ts';
import {
  describeInstanceTypes,
  describeNetworkInterfaces,
  describeSubnets,
  nicNotFound,
  type Description,
} from './describe.ts';
import { describeInstances } from './describe-instances.ts';
import type { Ec2Fault, QueryParameters, XmlValue } from './query-protocol.ts';

export type ActionResult = Result<Readonly<Record<string, XmlValue>>, Ec2Fault>;

/** Ready to go: parameters are read, so that what is left over can be refused before anything happens. */
export type ActionRun = () => ActionResult | Promise<ActionResult>;

export interface Action {
  readonly mutating: boolean;
  /** Reads its parameters. */
  readonly prepare: (plane: ControlPlane, parameters: QueryParameters, principal: string) => ActionRun;
}

const fault = (code: string, message: string, status = 400): Result<never, Ec2Fault> => err({ status, code, message });

export const ACTIONS: Readonly<Record<string, Action>> = {
  DescribeNetworkInterfaces: describing(describeNetworkInterfaces),
  DescribeInstances: describing(describeInstances),
  DescribeInstanceTypes: describing(describeInstanceTypes),
  DescribeSubnets: describing(describeSubnets),
  AssignPrivateIpAddresses: { mutating: true, prepare: assignPrivateIpAddresses },
  UnassignPrivateIpAddresses: { mutating: true, prepare: unassignPrivateIpAddresses },
  ModifyNetworkInterfaceAttribute: { mutating: true, prepare: modifyNetworkInterfaceAttribute },
};

function describing(describe: (parameters: QueryParameters) => Description): Action {
  return {
    mutating: false,
    prepare: (plane, parameters) => {
      const description = describe(parameters);
      return dryRunnable(parameters, () => description(plane.seen, plane.config));
    },
  };
}

/** A dry run is told what the caller may do, and nothing else. */
function dryRun(plane: ControlPlane, principal: string, operation: string, nicId: string): ActionResult {
  if (plane.isDenied({ operation, principal, mutating: true })) return unauthorized(principal, operation, nicId);
  return fault('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
}

function dryRunnable(parameters: QueryParameters, run: ActionRun): ActionRun {
  if (!parameters.flag('DryRun')) return run;
  return () => fault('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
}

/** A `DryRun` parameter does not exist here: whoever sends one gets the addresses assigned. */
function assignPrivateIpAddresses(plane: ControlPlane, parameters: QueryParameters, principal: string): ActionRun {
  parameters.flag('DryRun');
  const nicId = parameters.text('NetworkInterfaceId') ?? '';
  const addresses = parameters.list('PrivateIpAddress');
  const reassign = parameters.flag('AllowReassignment');
  const action = 'AssignPrivateIpAddresses';
  return async () => {
    if (nicId === '') return missing('networkInterfaceId');
    if (addresses.length === 0) return missing('privateIpAddress or secondaryPrivateIpAddressCount');
    const denied = denial(plane.space, principal, action, nicId);
    if (denied !== undefined) return denied;
    const mayTake = (holder: Nic): boolean => reassign && holder.permissions === 'router';
    const changed = await plane.change((space) =>
      assign(space, { nicId, addresses, mayTake, settled: true, addressesMax: plane.knobs.addressesPerNicMax }),
    );
    if (!changed.ok) {
      const { error } = changed;
      // Taking an address away is a change of the NIC that loses it, too.
      if (reassign && error.code === 'address.held-elsewhere') return unauthorized(principal, action, error.holder.id);
      return refused(error);
    }
    return ok({
      networkInterfaceId: nicId,
      assignedPrivateIpAddressesSet: addresses.map((privateIpAddress) => ({ privateIpAddress })),
      return: true,
    });
  };
}

function unassignPrivateIpAddresses(plane: ControlPlane, parameters: QueryParameters, principal: string): ActionRun {
  parameters.flag('DryRun');
  const nicId = parameters.text('NetworkInterfaceId') ?? '';
  const addresses = parameters.list('PrivateIpAddress');
  return async () => {
    if (nicId === '') return missing('networkInterfaceId');
    if (addresses.length === 0) return missing('privateIpAddress');
    const denied = denial(plane.space, principal, 'UnassignPrivateIpAddresses', nicId);
    if (denied !== undefined) return denied;
    const changed = await plane.change((space) => unassign(space, nicId, addresses));
    if (changed.ok) return ok({ return: true });
    if (changed.error.code === 'address.primary') {
      return fault('InvalidParameterValue', 'The primary IP address of an interface cannot be unassigned.');
    }
    return refused(changed.error);
  };
}

function modifyNetworkInterfaceAttribute(
  plane: ControlPlane,
  parameters: QueryParameters,
  principal: string,
): ActionRun {
  const nicId = parameters.text('NetworkInterfaceId') ?? '';
  const check = parameters.text('SourceDestCheck.Value');
  const isDry = parameters.flag('DryRun');
  return async () => {
    if (nicId === '') return missing('networkInterfaceId');
    if (check === undefined) return fault('InvalidParameterCombination', 'No attributes specified.');
    const denied = denial(plane.space, principal, 'ModifyNetworkInterfaceAttribute', nicId);
    if (denied !== undefined) return denied;
    if (isDry) return dryRun(plane, principal, 'ModifyNetworkInterfaceAttribute', nicId);
    const changed = await plane.change((space) => setForwarding(space, nicId, check !== 'true'));
    return changed.ok ? ok({ return: true }) : refused(changed.error);
  };
}

function missing(parameter: string): ActionResult {
  return fault('MissingParameter', `The request must contain the parameter ${parameter}`);
}

/** Routers may change the NICs of routers. */
function denial(
  space: AddressSpace,
  principal: string,
  action: string,
  nicId: string,
): Result<never, Ec2Fault> | undefined {
  const nic = space.nics.get(nicId);
  if (nic === undefined) return nicNotFound(nicId);
  return nic.permissions === 'router' ? undefined : unauthorized(principal, action, nicId);
}

function unauthorized(principal: string, action: string, nicId: string): Result<never, Ec2Fault> {
  return err(unauthorizedFault(principal, action, `network-interface/${nicId}`));
}

export function unauthorizedFault(principal: string, action: string, resource: string): Ec2Fault {
  const who = `User: arn:aws:sts::assumed-role/${principal}`;
  const why = `${who} is not authorized to perform: ec2:${action} on resource: ${resource}`;
  const message = `You are not authorized to perform this operation. ${why}`;
  return { status: 403, code: 'UnauthorizedOperation', message };
}

/** EC2 has one code for four different facts; callers tell them apart by the message. */
function refused(refusal: AddressRefusal): Result<never, Ec2Fault> {
  switch (refusal.code) {
    case 'address.nic-not-found':
      return nicNotFound(refusal.nicId);
    case 'address.outside-subnet': {
      const why = `Address ${refusal.address} does not fall within the subnet's address range`;
      return fault('InvalidParameterValue', why);
    }
    case 'address.reserved':
      return fault('InvalidParameterValue', `Address ${refusal.address} is in subnet's reserved address range`);
    case 'address.held-elsewhere':
      return fault('InvalidParameterValue', `[${refusal.address}] assigned, but move is not allowed.`);
    case 'address.primary': {
      const why = `Invalid value for secondary-addresses: ${refusal.address} is a primary address`;
      return fault('InvalidParameterValue', why);
    }
    case 'address.limit':
      return fault('PrivateIpAddressLimitExceeded', 'Number of private addresses will exceed limit.');
    case 'address.not-assigned': {
      const which = `[${refusal.addresses.join(', ')}]`;
      return fault('InvalidParameterValue', `Some of ${which} are not assigned to interface ${refusal.nic.id}`);
    }
    default:
      return unreachable(refusal);
  }
}
