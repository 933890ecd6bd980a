/** Cables, addresses and routes of the four sites: what an operator would find there before routerd is installed. */
import { runCommand } from '@routerd/runtime';
import { outputOf } from './lab-fault.ts';
import { macOf } from './mac-address.ts';
import {
  carrierPort,
  CLIENTS,
  FABRICS,
  GATEWAY,
  HUB,
  ROUTERS,
  WAN_PREFIX_LENGTH,
  type Client,
  type Fabric,
  type Router,
} from './topology.ts';
import type { Vm } from './vm.ts';

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

export async function buildNetwork(vms: ReadonlyMap<string, Vm>, options: NetworkOptions): Promise<void> {
  const wan = vmNamed(vms, 'wan');
  const lan = vmNamed(vms, 'lan');
  await Promise.all([prepareWan(wan), prepareLan(lan)]);
  await layCables(allCables(vms));
  await Promise.all([
    connectWan(wan, options.wanRate),
    connectLan(lan),
    vmNamed(vms, HUB.name).ip(['link set wan0 up', `addr add ${HUB.address}/${WAN_PREFIX_LENGTH} dev wan0`]),
    ...FABRICS.map(async (fabric) => connectFabric(vmNamed(vms, fabric.name), fabric)),
    ...ROUTERS.map(async (router) => connectRouter(vmNamed(vms, router.name), router)),
    ...CLIENTS.map(async (client) => connectClient(vmNamed(vms, client.name), client)),
  ]);
}

export function vmNamed(vms: ReadonlyMap<string, Vm>, name: string): Vm {
  const vm = vms.get(name);
  if (vm === undefined) throw new Error(`the topology has no host ${name}`);
  return vm;
}

function allCables(vms: ReadonlyMap<string, Vm>): readonly Cable[] {
  const wan = (name: string, guestDevice: string): Cable => ({
    guest: vmNamed(vms, name),
    guestDevice,
    carrier: vmNamed(vms, 'wan'),
    carrierDevice: carrierPort(name),
  });
  const inside = (guest: Router | Client): Cable => ({
    guest: vmNamed(vms, guest.name),
    guestDevice: guest.nic,
    guestMac: macOf(guest.address),
    carrier: vmNamed(vms, guest.site === 'onprem' ? 'lan' : `${guest.site}-fabric`),
    carrierDevice: guest.site === 'onprem' ? carrierPort(guest.name) : fabricDevice(guest.name),
  });
  return [
    wan(HUB.name, 'wan0'),
    ...FABRICS.map((fabric) => wan(fabric.name, 'wan')),
    ...ROUTERS.filter((router) => router.site === 'onprem').map((router) => wan(router.name, 'wan0')),
    ...ROUTERS.map(inside),
    ...CLIENTS.map(inside),
  ];
}

/** A router that answers ARP for every address which lies behind another of its ports: the sites see one flat network, the WAN sees flows. */
async function prepareWan(wan: Vm): Promise<void> {
  await wan.sysctl({
    'net.ipv4.ip_forward': 1,
    'net.ipv4.conf.all.send_redirects': 0,
    'net.ipv4.conf.default.send_redirects': 0,
    'net.ipv4.conf.default.proxy_arp': 1,
  });
  await wan.ip([`addr add 198.51.100.254/32 dev lo`]);
}

async function connectWan(wan: Vm, rate: string): Promise<void> {
  const direct = [
    { port: carrierPort(HUB.name), address: HUB.address },
    ...ROUTERS.filter((router) => router.site === 'onprem').map((router) => ({
      port: carrierPort(router.name),
      address: router.wanAddress,
    })),
    ...FABRICS.map((fabric) => ({ port: carrierPort(fabric.name), address: fabric.wanAddress })),
  ];
  const behindFabrics = FABRICS.flatMap((fabric) =>
    ROUTERS.filter((router) => router.site === fabric.cloud).map(
      (router) => `route add ${router.wanAddress}/32 via ${fabric.wanAddress} dev ${carrierPort(fabric.name)} onlink`,
    ),
  );
  await wan.ip([
    ...direct.flatMap(({ port, address }) => [`link set ${port} up`, `route add ${address}/32 dev ${port}`]),
    ...behindFabrics,
  ]);
  // The kernel delays proxied answers by up to 0.8 s (proxy_delay) unless told otherwise.
  await wan.sysctl(Object.fromEntries(direct.map(({ port }) => [`net.ipv4.neigh.${port}.proxy_delay`, 0])));
  const shaped = direct.filter(({ port }) => port !== carrierPort(HUB.name));
  const lines = shaped.map(({ port }) => `qdisc replace dev ${port} root tbf rate ${rate} burst 128k latency 30ms`);
  outputOf(
    await runCommand(['tc', '-n', wan.record.namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` }),
    'shaping the WAN',
  );
}

/** The bridge also is the clients' default gateway, as the site's ordinary router would be. */
async function prepareLan(lan: Vm): Promise<void> {
  await lan.ip([
    'link add br0 type bridge forward_delay 0 mcast_snooping 0',
    'link set br0 up',
    `addr add ${GATEWAY}/24 dev br0`,
  ]);
}

async function connectLan(lan: Vm): Promise<void> {
  const guests = [...ROUTERS, ...CLIENTS].filter((guest) => guest.site === 'onprem');
  await lan.ip(guests.flatMap((guest) => lanPortLines(carrierPort(guest.name))));
}

export function lanPortLines(port: string): readonly string[] {
  return [`link set ${port} master br0 up`];
}

async function connectFabric(vm: Vm, fabric: Fabric): Promise<void> {
  await vm.ip([
    'link set wan up',
    `addr add ${fabric.wanAddress}/${WAN_PREFIX_LENGTH} dev wan`,
    ...[...ROUTERS, ...CLIENTS]
      .filter((guest) => guest.site === fabric.cloud)
      .map((guest) => `link set ${fabricDevice(guest.name)} up`),
  ]);
}

async function connectRouter(vm: Vm, router: Router): Promise<void> {
  const wan = router.site === 'onprem' ? ['link set wan0 up', `addr add ${router.wanAddress}/24 dev wan0`] : [];
  const gateway = router.site === 'onprem' ? [] : [`route add default via ${GATEWAY} dev ${router.nic}`];
  await vm.ip([`link set ${router.nic} up`, `addr add ${router.address}/24 dev ${router.nic}`, ...gateway, ...wan]);
}

export async function connectClient(vm: Vm, client: Pick<Client, 'nic' | 'address'>): Promise<void> {
  await vm.ip([
    `link set ${client.nic} up`,
    `addr add ${client.address}/24 dev ${client.nic}`,
    `route add default via ${GATEWAY} dev ${client.nic}`,
  ]);
}
