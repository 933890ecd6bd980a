/** NIC documents as Resource Manager returns them, with fields that the executor knows nothing of. */
import type { CallContext, ExecuteCall, RequestedAddress } from '@routerd/plugin-sdk';
import type { ArmFault } from '../src/index.ts';

const GROUP = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network';
const SUBNET = `${GROUP}/virtualNetworks/v/subnets/mobility`;

export function nicId(name: string): string {
  return `${GROUP}/networkInterfaces/${name}`;
}

export interface Entry {
  readonly name: string;
  readonly address: string;
}

export function nicJson(name: string, primary: string, secondaries: readonly Entry[] = []): Record<string, unknown> {
  const entry = (entryName: string, address: string, isPrimary: boolean): Record<string, unknown> => ({
    name: entryName,
    id: `${nicId(name)}/ipConfigurations/${entryName}`,
    properties: {
      privateIPAddress: address,
      privateIPAllocationMethod: isPrimary ? 'Dynamic' : 'Static',
      primary: isPrimary,
      subnet: { id: SUBNET },
      loadBalancerBackendAddressPools: [{ id: 'pool' }],
    },
  });
  return {
    id: nicId(name),
    name,
    etag: 'W/"1"',
    location: 'westeurope',
    tags: { owner: 'network' },
    properties: {
      provisioningState: 'Succeeded',
      ipConfigurations: [
        entry('ipconfig1', primary, true),
        ...secondaries.map((one) => entry(one.name, one.address, false)),
      ],
      enableIPForwarding: false,
      enableAcceleratedNetworking: true,
      propertyOfTheFuture: { kept: true },
    },
  };
}

export function requested(bare: string, epoch = 7, seizeFrom?: string): RequestedAddress {
  const address = `${bare}/32`;
  const captureKey = `pool|${address}|provider:azure:placement:g`;
  return { address, captureKey, captureEpoch: epoch, ...(seizeFrom === undefined ? {} : { seizeFrom }) };
}

export function callFor(
  action: ExecuteCall['action'],
  addresses: readonly RequestedAddress[],
  more: Partial<ExecuteCall> = {},
): ExecuteCall {
  const target = { 'nicOf.router-b': nicId('b'), 'nicOf.router-c': nicId('c') };
  const nic = { provider: 'azure', providerRef: 'azure', nicRef: nicId('a'), target } as const;
  return { action, nic, addresses, mode: 'execute', attempt: 'a1', ...more };
}

export function fault(code: string, httpStatus: number | undefined, message = ''): ArmFault {
  return { code, message, httpStatus, requestId: 'req-1', retryAfterMs: undefined };
}

export const executing: CallContext = {
  mode: 'execute',
  mutate: async (_, call) => call(),
  note: () => undefined,
  spent: () => undefined,
};
