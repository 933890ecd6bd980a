/** The WAN: one router with a port for each place, which shapes what it sends and can be made to carry only small packets. */
import { runCommand } from '@routerd/runtime';
import { outputOf } from './lab-fault.ts';
import { carrierPort, type Topology } from './topology.ts';
import type { Vm } from './vm.ts';

/** A host's cable into the WAN. */
export interface WanPlug {
  readonly host: string;
  /** The host's end. */
  readonly device: string;
  /** The WAN's end. */
  readonly port: string;
  readonly address: string;
  /** The hub's port is not: it stands for many machines. */
  readonly shaped: boolean;
}

export function wanPlugs({ hub, fabrics, routers, lanUplink }: Topology): readonly WanPlug[] {
  const plug = (host: string, device: string, address: string, shaped = true): WanPlug => ({
    host,
    device,
    port: carrierPort(host),
    address,
    shaped,
  });
  const onprem =
    lanUplink === undefined
      ? routers.flatMap(({ name, site, wanAddress }) =>
          site === 'onprem' && wanAddress !== undefined ? [plug(name, 'wan0', wanAddress)] : [],
        )
      : [plug('lan', 'wan0', lanUplink)];
  return [
    ...(hub === undefined ? [] : [plug(hub.name, 'wan0', hub.address, false)]),
    ...fabrics.map(({ name, wanAddress }) => plug(name, 'wan', wanAddress)),
    ...onprem,
  ];
}

/** A router that answers ARP for every address which lies behind another of its ports: the sites see one flat network, the WAN sees flows. */
export async function prepareWan(wan: Vm): Promise<void> {
  await wan.sysctl({
    'net.ipv4.ip_forward': 1,
    'net.ipv4.conf.all.send_redirects': 0,
    'net.ipv4.conf.default.send_redirects': 0,
    'net.ipv4.conf.default.proxy_arp': 1,
  });
  await wan.ip([`addr add 198.51.100.254/32 dev lo`]);
}

export async function connectWan(wan: Vm, topology: Topology, rate: string): Promise<void> {
  const plugs = wanPlugs(topology);
  const behindFabrics = topology.fabrics.flatMap((fabric) =>
    topology.routers
      .filter(({ site }) => site === fabric.cloud)
      .map(
        (router) => `route add ${router.wanAddress}/32 via ${fabric.wanAddress} dev ${carrierPort(fabric.name)} onlink`,
      ),
  );
  await wan.ip([
    ...plugs.flatMap(({ port, address }) => [`link set ${port} up`, `route add ${address}/32 dev ${port}`]),
    ...behindFabrics,
  ]);
  // The kernel delays proxied answers by up to 0.8 s (proxy_delay) unless told otherwise.
  await wan.sysctl(Object.fromEntries(plugs.map(({ port }) => [`net.ipv4.neigh.${port}.proxy_delay`, 0])));
  const lines = plugs
    .filter(({ shaped }) => shaped)
    .map(({ port }) => `qdisc replace dev ${port} root tbf rate ${rate} burst 128k latency 30ms`);
  outputOf(
    await runCommand(['tc', '-n', wan.record.namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` }),
    'shaping the WAN',
  );
}

/**
 * From now on packets over `mtu` bytes vanish between the WAN and a cloud, both ways: neither end tells the sender (RFC 2923, section 2.1, calls it a black
 * hole; filters that drop all ICMP make them).
 */
export async function shrinkCloudPath(wan: Vm, fabric: Vm, mtu: number): Promise<void> {
  await Promise.all([
    wan.ip([`link set ${carrierPort(fabric.name)} mtu ${mtu}`]),
    fabric.ip([`link set wan mtu ${mtu}`]),
    ...[wan, fabric].map(async (vm) => vm.nft(SILENCE)),
  ]);
}

const SILENCE = `table ip silence
delete table ip silence
table ip silence {
  chain out { type filter hook output priority 0; icmp type destination-unreachable icmp code frag-needed drop; }
}
`;
