/** Cables, addresses and routes of a lab's sites: what an operator would find there before routerd is installed. */
import { runCommand } from '@routerd/runtime';
import { outputOf } from './lab-fault.ts';
import { macOf } from './mac-address.ts';
import {
  carrierPort,
  WAN_PREFIX_LENGTH,
  type Client,
  type Fabric,
  type RouterPlace,
  type Topology,
} from './topology.ts';
import type { Vm } from './vm.ts';
import { connectWan, prepareWan, shrinkCloudPath, wanPlugs } from './wan.ts';

/** One cable: a veth pair made directly in the two namespaces, so that names never collide on the host. */
export interface Cable {
  readonly guest: Vm;
  readonly guestDevice: string;
  readonly guestMac?: string;
  readonly carrier: Vm;
  readonly carrierDevice: string;
}

export async function layCables(cables: readonly Cable[]): Promise<void> {
  const lines = cables.map(({ guest, guestDevice, guestMac, carrier, carrierDevice }) => {
    const mac = guestMac === undefined ? '' : ` address ${guestMac}`;
    const near = `name ${guestDevice}${mac} netns ${guest.record.namespace}`;
    return `link add ${near} type veth peer name ${carrierDevice} netns ${carrier.record.namespace}`;
  });
  outputOf(await runCommand(['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` }), 'laying cables');
}

export interface NetworkOptions {
  /** Rate of each WAN port, as tc(8) writes it. */
  readonly wanRate: string;
}

/** The fabric's end of a guest's NIC. Unique within the fabric, at most 15 characters. */
export function fabricDevice(guestName: string): string {
  return `e-${guestName.slice(guestName.indexOf('-') + 1)}`;
}

export async function buildNetwork(
  topology: Topology,
  vms: ReadonlyMap<string, Vm>,
  options: NetworkOptions,
): Promise<void> {
  const { hub, fabrics, routers, clients, gateway, underlayMtu } = topology;
  const wan = vmNamed(vms, 'wan');
  const lan = vmNamed(vms, 'lan');
  await Promise.all([prepareWan(wan), prepareLan(lan, gateway)]);
  await layCables(allCables(topology, vms));
  await Promise.all([
    connectWan(wan, topology, options.wanRate),
    connectLan(lan, topology),
    hub && vmNamed(vms, hub.name).ip(['link set wan0 up', `addr add ${hub.address}/${WAN_PREFIX_LENGTH} dev wan0`]),
    ...fabrics.map(async (fabric) => connectFabric(vmNamed(vms, fabric.name), fabric, topology)),
    ...routers.map(async (router) => connectRouter(vmNamed(vms, router.name), router, topology)),
    ...clients.map(async (client) => connectClient(vmNamed(vms, client.name), { ...client, gateway })),
  ]);
  if (underlayMtu === undefined) return;
  for (const { name } of fabrics) await shrinkCloudPath(wan, vmNamed(vms, name), underlayMtu);
}

export function vmNamed(vms: ReadonlyMap<string, Vm>, name: string): Vm {
  const vm = vms.get(name);
  if (vm === undefined) throw new Error(`the topology has no host ${name}`);
  return vm;
}

function allCables(topology: Topology, vms: ReadonlyMap<string, Vm>): readonly Cable[] {
  const wan = wanPlugs(topology).map(({ host, device, port }) => ({
    guest: vmNamed(vms, host),
    guestDevice: device,
    carrier: vmNamed(vms, 'wan'),
    carrierDevice: port,
  }));
  const inside = (guest: RouterPlace | Client): Cable => ({
    guest: vmNamed(vms, guest.name),
    guestDevice: guest.nic,
    guestMac: macOf(guest.address),
    carrier: vmNamed(vms, guest.site === 'onprem' ? 'lan' : `${guest.site}-fabric`),
    carrierDevice: guest.site === 'onprem' ? carrierPort(guest.name) : fabricDevice(guest.name),
  });
  return [...wan, ...topology.routers.map(inside), ...topology.clients.map(inside)];
}

/** The bridge also is the clients' default gateway, as the site's ordinary router would be. */
async function prepareLan(lan: Vm, gateway: string): Promise<void> {
  await lan.ip([
    'link add br0 type bridge forward_delay 0 mcast_snooping 0',
    'link set br0 up',
    `addr add ${gateway}/24 dev br0`,
  ]);
}

async function connectLan(lan: Vm, { routers, clients, lanUplink }: Topology): Promise<void> {
  const guests = [...routers, ...clients].filter((guest) => guest.site === 'onprem');
  await lan.ip(guests.flatMap((guest) => lanPortLines(carrierPort(guest.name))));
  if (lanUplink === undefined) return;
  await lan.ip(['link set wan0 up', `addr add ${lanUplink}/${WAN_PREFIX_LENGTH} dev wan0`]);
  await lan.sysctl({ 'net.ipv4.ip_forward': 1 });
  await lan.nft(
    'table ip uplink {\n chain post {\n type nat hook postrouting priority srcnat;\n oifname wan0 masquerade\n }\n}\n',
  );
}

export function lanPortLines(port: string): readonly string[] {
  return [`link set ${port} master br0 up`];
}

async function connectFabric(vm: Vm, fabric: Fabric, { routers, clients }: Topology): Promise<void> {
  await vm.ip([
    'link set wan up',
    `addr add ${fabric.wanAddress}/${WAN_PREFIX_LENGTH} dev wan`,
    ...[...routers, ...clients]
      .filter((guest) => guest.site === fabric.cloud)
      .map((guest) => `link set ${fabricDevice(guest.name)} up`),
  ]);
}

/** A router with a WAN cable of its own has no default route: what it needs is on that network. */
async function connectRouter(vm: Vm, router: RouterPlace, { gateway, lanUplink }: Topology): Promise<void> {
  const isOnWan = router.site === 'onprem' && lanUplink === undefined;
  const wan = isOnWan ? ['link set wan0 up', `addr add ${router.wanAddress}/${WAN_PREFIX_LENGTH} dev wan0`] : [];
  const toGateway = isOnWan ? [] : [`route add default via ${gateway} dev ${router.nic}`];
  await vm.ip([`link set ${router.nic} up`, `addr add ${router.address}/24 dev ${router.nic}`, ...toGateway, ...wan]);
}

export async function connectClient(
  vm: Vm,
  { nic, address, gateway }: Pick<Client, 'nic' | 'address'> & { readonly gateway: string },
): Promise<void> {
  await vm.ip([
    `link set ${nic} up`,
    `addr add ${address}/24 dev ${nic}`,
    `route add default via ${gateway} dev ${nic}`,
  ]);
}
