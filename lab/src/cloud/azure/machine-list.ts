/**
 * `Virtual Machines - List All` with `statusOnly=true`: power states of the subscription's machines. Resource groups come back in capitals, as
 * this listing has them. Pure.
 */
import type { AddressSpace, MachineState } from '../address-space.ts';
import type { CloudConfig } from '../cloud-config.ts';

/** Compute REST API, "States and billing": a machine that somebody stopped is deallocated; one that was deleted is not listed. */
const POWER_STATES = {
  running: ['PowerState/running', 'VM running'],
  stopped: ['PowerState/deallocated', 'VM deallocated'],
} as const satisfies Readonly<Record<Exclude<MachineState, 'terminated'>, readonly [string, string]>>;

type Json = Readonly<Record<string, unknown>>;

export function renderMachines(space: AddressSpace, { region, scope }: CloudConfig): readonly Json[] {
  return [...space.machines.values()].flatMap(({ name, instanceId, state }): readonly Json[] => {
    if (state === 'terminated') return [];
    const [code, displayStatus] = POWER_STATES[state];
    const provisioned = { code: 'ProvisioningState/succeeded', displayStatus: 'Provisioning succeeded' };
    const statuses = [provisioned, { code, displayStatus }].map((status) => ({ ...status, level: 'Info' }));
    return [
      {
        name,
        id: instanceId.replace(`/resourceGroups/${scope}/`, `/resourceGroups/${scope.toUpperCase()}/`),
        type: 'Microsoft.Compute/virtualMachines',
        location: region,
        properties: { provisioningState: 'Succeeded', instanceView: { statuses } },
      },
    ];
  });
}
