/** Machines that appear on the on-prem LAN while the lab runs. */
import { LabFault } from './lab-fault.ts';
import { writeGuestFiles } from './guest-files.ts';
import type { Lab } from './lab.ts';
import { macOf } from './mac-address.ts';
import { connectClient, lanPortLines, layCables } from './network.ts';
import { CLOUDS, GATEWAY, POOL_PREFIX, routersAt } from './topology.ts';
import type { Vm } from './vm.ts';

const NAME_STEM = 'machine-';

export interface Newcomer {
  readonly name: string;
  readonly address: string;
  readonly vm: Vm;
}

/** Addresses that no cloud router has a route for, and no machine of an earlier run: nobody has heard of them in this lab's life. */
export async function unheardAddresses(lab: Lab, count: number): Promise<readonly string[]> {
  if ([...lab.vms.keys()].some((name) => name.startsWith(NAME_STEM))) {
    throw new LabFault(
      'lab.scenario-spent',
      'Machines have appeared in this lab before, and they stay: a NIC of the emulated AWS router has no room for as many again.',
      'pnpm lab down && pnpm lab up',
    );
  }
  const routes = await Promise.all(
    CLOUDS.flatMap(routersAt).map(async (router) => lab.vm(router.name).ipOutput('-4', 'route', 'show')),
  );
  const known = new Set(routes.flatMap((text) => text.split('\n').map((line) => line.split(' ')[0])));
  const network = POOL_PREFIX.slice(0, POOL_PREFIX.lastIndexOf('.'));
  return Array.from({ length: 150 }, (_, index) => `${network}.${100 + index}`)
    .filter((address) => !known.has(address))
    .slice(0, count);
}

/** The first address from 10.77.60.200 on that no machine of this lab has had. One that has moved lately would be held back, as an address that flaps is. */
export function unusedAddress(lab: Lab): string {
  const network = POOL_PREFIX.slice(0, POOL_PREFIX.lastIndexOf('.'));
  const addresses = Array.from({ length: 50 }, (_, index) => `${network}.${200 + index}`);
  const unused = addresses.find((address) => !lab.vms.has(nameOf(address)));
  if (unused === undefined) throw new LabFault('lab.scenario-spent', 'Fifty machines have appeared in this lab.');
  return unused;
}

/** Boots machines and plugs them in; not one of them sends anything yet: their NICs are down. */
export async function bootNewcomers(lab: Lab, addresses: readonly string[]): Promise<readonly Newcomer[]> {
  const guest = writeGuestFiles(lab.files, lab.topology);
  const newcomers = await Promise.all(
    addresses.map(async (address) => {
      const name = nameOf(address);
      return { name, address, vm: await lab.boot(name, 'onprem', guest) };
    }),
  );
  const lan = lab.vm('lan');
  await layCables(
    newcomers.map(({ address, vm, name }) => ({
      guest: vm,
      guestDevice: 'lan0',
      guestMac: macOf(address),
      carrier: lan,
      carrierDevice: `p-${name}`,
    })),
  );
  await lan.ip(newcomers.flatMap(({ name }) => lanPortLines(`p-${name}`)));
  await Promise.all(
    newcomers.map(async ({ vm, address }) => connectClient(vm, { nic: 'lan0', address, gateway: GATEWAY })),
  );
  return newcomers;
}

function nameOf(address: string): string {
  return `${NAME_STEM}${address.slice(address.lastIndexOf('.') + 1)}`;
}

/** The first packet of most machines: who has the gateway's address? */
export async function firstPing({ vm }: Newcomer): Promise<void> {
  await vm.exec(['ping', '-n', '-c', '1', '-W', '1', GATEWAY]);
}

/** The first packet of the others: a gratuitous ARP reply (RFC 5227). arping stays a second to hear who else answers; nobody waits for it. */
export async function announce({ vm, address }: Newcomer): Promise<void> {
  await vm.stream(['arping', '-A', '-c', '1', '-I', 'lan0', '-s', address, address], () => undefined);
}
