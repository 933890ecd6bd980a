/** What DescribeInstances tells of machines, each in a reservation of its own; those that are terminated stay listed, without a NIC. Pure. */
import { err, ok } from '@routerd/resources';
import type { Machine, MachineState } from '../address-space.ts';
import type { CloudConfig } from '../cloud-config.ts';
import { pageOf, type Description } from './describe.ts';
import { zoneOf } from './imds.ts';
import type { QueryParameters, XmlValue } from './query-protocol.ts';

/** EC2 API reference, InstanceState: the code is the low byte. */
const CODES = { running: 16, stopped: 80, terminated: 48 } as const satisfies Readonly<Record<MachineState, number>>;

export function describeInstances(parameters: QueryParameters): Description {
  const filters = parameters.filters();
  const pageSize = parameters.text('MaxResults');
  const nextToken = parameters.text('NextToken');
  return (space, config) => {
    const unknown = filters.find(({ name }) => filterValue(name, config) === undefined);
    if (unknown !== undefined)
      return err({ status: 400, code: 'InvalidParameterValue', message: `The filter '${unknown.name}' is invalid` });
    const matching = [...space.machines.values()].filter((machine) =>
      filters.every(({ name, values }) => values.includes(filterValue(name, config)?.(machine) ?? '')),
    );
    const page = pageOf(matching, pageSize, nextToken);
    if (!page.ok) return page;
    const { items, next } = page.value;
    return ok({
      reservationSet: items.map((machine) => ({
        reservationId: machine.instanceId.replace('i-', 'r-'),
        ownerId: config.account,
        groupSet: [],
        instancesSet: [instanceItem(machine, config)],
      })),
      ...(next === undefined ? {} : { nextToken: next }),
    });
  };
}

/** @returns what a machine has for that filter; `undefined` for a filter that does not exist here */
function filterValue(name: string, config: CloudConfig): ((machine: Machine) => string) | undefined {
  switch (name) {
    case 'network-interface.subnet-id':
      return ({ state }) => (state === 'terminated' ? '' : config.subnet.id);
    case 'instance-state-name':
      return ({ state }) => state;
    default:
      return undefined;
  }
}

function instanceItem({ instanceId, name, type, state }: Machine, config: CloudConfig): XmlValue {
  return {
    instanceId,
    instanceType: type,
    instanceState: { code: CODES[state], name: state },
    placement: { availabilityZone: zoneOf(config) },
    ...(state === 'terminated' ? {} : { subnetId: config.subnet.id, vpcId: config.scope }),
    tagSet: [{ key: 'Name', value: name }],
  };
}
