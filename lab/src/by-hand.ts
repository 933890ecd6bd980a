/**
 * What an operator does once at a vendor for a router that has no executor: lets the NIC forward, and gives it an address that lives elsewhere. The same calls
 * as the commands in the comments of the example files make; the router's instance identity stands in for the operator's, since the emulators know no other.
 */
import { z } from 'zod';
import { CLOUD_ACCOUNTS } from './cloud-accounts.ts';
import { LabFault } from './lab-fault.ts';
import type { Lab } from './lab.ts';
import { vendorCaFile } from './material.ts';
import type { Cloud } from './topology.ts';
import { errorOf, SdkShell } from './vendor-sdk/sdk-shell.ts';

export async function assignByHand(lab: Lab, cloud: Cloud, routerName: string, address: string): Promise<void> {
  const sdk = await SdkShell.open(lab.vm(routerName), {
    cloud,
    caFile: vendorCaFile(lab.files),
    onCall: () => undefined,
  });
  try {
    await ASSIGN[cloud](sdk, CLOUD_ACCOUNTS[cloud].nicId(routerName), address);
  } finally {
    sdk.stop();
  }
}

/** What has to be known of a NIC to change it; the rest is sent back as it came. */
const nicReply = z.looseObject({
  body: z.looseObject({
    etag: z.string(),
    properties: z.looseObject({ ipConfigurations: z.array(z.unknown()) }),
  }),
});

const ASSIGN: Readonly<Record<Cloud, (sdk: SdkShell, nicId: string, address: string) => Promise<void>>> = {
  async aws(sdk, nicId, address) {
    const nic = { NetworkInterfaceId: nicId };
    await order(sdk, 'ModifyNetworkInterfaceAttribute', { ...nic, SourceDestCheck: { Value: false } });
    await order(sdk, 'AssignPrivateIpAddresses', { ...nic, PrivateIpAddresses: [address] });
  },
  /** Reads the whole NIC and puts it back with what is to be: Azure has no smaller order. */
  async azure(sdk, nicId, address) {
    const { body } = nicReply.parse(await order(sdk, 'GET', { path: nicId }));
    const configuration = {
      name: 'onprem-vm',
      properties: {
        privateIPAddress: address,
        privateIPAllocationMethod: 'Static',
        privateIPAddressVersion: 'IPv4',
        primary: false,
        subnet: { id: CLOUD_ACCOUNTS.azure.subnetId },
      },
    };
    const ipConfigurations = [...body.properties.ipConfigurations, configuration];
    const properties = { ...body.properties, enableIPForwarding: true, ipConfigurations };
    await order(sdk, 'PUT', { path: nicId, body: { ...body, properties }, headers: { 'If-Match': body.etag } });
  },
  async oci(sdk, vnicId, ipAddress) {
    await order(sdk, 'updateVnic', { vnicId, updateVnicDetails: { skipSourceDestCheck: true } });
    await order(sdk, 'createPrivateIp', { createPrivateIpDetails: { vnicId, ipAddress } });
  },
};

async function order(sdk: SdkShell, operation: string, input: Readonly<Record<string, unknown>>): Promise<unknown> {
  const outcome = await sdk.call(operation, input);
  if (outcome.ok) return outcome.value;
  throw new LabFault('lab.vendor-refused', `The emulated cloud refused ${operation}: ${errorOf(outcome)}`);
}
