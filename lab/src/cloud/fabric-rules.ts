/** The text that makes a network namespace a cloud's fabric: kernel settings, addresses, neighbours, routes and nftables rules. Pure. */
import type { CloudConfig, CloudInstance } from './cloud-config.ts';
import { routeTo } from './fabric-view.ts';

export const METADATA_ADDRESS = '169.254.169.254';
export const WAN_DEVICE = 'wan';

/** Files below /proc/sys/net/ipv4. `all` is ORed with each device for redirects, so both are off. */
export function fabricSettings(devices: readonly string[]): ReadonlyMap<string, string> {
  const everywhere = ['all', 'default', ...devices, WAN_DEVICE].flatMap((scope): readonly [string, string][] => [
    [`conf/${scope}/send_redirects`, '0'],
    [`conf/${scope}/rp_filter`, '0'],
  ]);
  const ports = devices.flatMap((device): readonly [string, string][] => [
    [`conf/${device}/proxy_arp`, '1'],
    [`neigh/${device}/proxy_delay`, '0'], // otherwise answers wait up to 0.8 s
  ]);
  return new Map([...everywhere, ...ports, ['ip_forward', '1']]);
}

/** Lines of one `ip -batch`, safe to repeat: the fabric's own addresses and a port for each instance's primary address. */
export function fabricPlumbing(config: CloudConfig): readonly string[] {
  const own = [config.subnet.gateway, METADATA_ADDRESS, config.apiAddress];
  const publicAddresses = config.instances.flatMap(({ publicIp }) => publicIp ?? []);
  return [
    'link set lo up',
    ...own.map((address) => `addr replace ${address}/32 dev lo`),
    `link set ${WAN_DEVICE} up`,
    ...publicAddresses.map((address) => `addr replace ${address}/32 dev ${WAN_DEVICE}`),
    // What an earlier process assigned is over: its state went with it.
    ...config.instances.map(({ device }) => `route flush dev ${device}`),
    ...config.instances.flatMap(portPlumbing),
    // Azure answers ARP for its whole subnet; what has no /32 route ends here, in the forward chain.
    ...(config.cloud === 'azure' ? [`route replace ${config.subnet.cidr} dev lo`] : []),
  ];
}

/** The fabric never asks a guest for its MAC: it knows it, as the vendors' do. */
export function portPlumbing({ device, mac, privateIp }: CloudInstance): readonly string[] {
  return [
    `link set ${device} up`,
    `neigh replace ${privateIp} lladdr ${mac} dev ${device} nud permanent`,
    routeTo(privateIp, device, privateIp),
  ];
}

/**
 * Source/destination check by NIC, one-to-one public addresses, and the metadata service only for whom it knows.
 * Declared, deleted and declared again: one transaction replaces whatever was there.
 */
export function fabricRuleset(config: CloudConfig): string {
  const ports = config.instances.map(({ device }) => `"${device}"`);
  const own = config.instances.map(({ device, privateIp }) => `"${device}" . ${privateIp}`);
  const mapped = config.instances.flatMap(({ privateIp, publicIp }) =>
    publicIp === undefined ? [] : [{ privateIp, publicIp }],
  );
  const elements = (items: readonly string[]): string =>
    items.length === 0 ? '' : ` elements = { ${items.join(', ')} }`;
  return `
table ip fabric
delete table ip fabric
table ip fabric {
  set ports { type ifname;${elements(ports)} }
  set nocheck { type ifname; }
  set powered_off { type ifname; }
  set primary { type ifname . ipv4_addr;${elements(own)} }
  set eni_addr { type ifname . ipv4_addr;${elements(own)} }
  counter srcdrop { }
  counter dstdrop { }
  counter metadatadrop { }
  counter wandrop { }
  chain pre { type filter hook prerouting priority -150; policy accept;
    iifname @powered_off drop
    iifname @ports ip daddr 169.254.0.0/16 iifname . ip saddr != @primary counter name metadatadrop drop
    iifname @ports iifname != @nocheck iifname . ip saddr != @eni_addr counter name srcdrop drop
    iifname "${WAN_DEVICE}" ip daddr 169.254.0.0/16 counter name metadatadrop drop
    iifname "${WAN_DEVICE}" ip saddr ${config.subnet.cidr} counter name wandrop drop
  }
  chain forward { type filter hook forward priority 0; policy accept;
    oifname @powered_off drop
    oifname "lo" drop
    oifname @ports oifname != @nocheck oifname . ip daddr != @eni_addr counter name dstdrop drop
  }
}
table ip igw
delete table ip igw
table ip igw {
  set ports { type ifname;${elements(ports)} }
  map pub2priv { type ipv4_addr : ipv4_addr;${elements(mapped.map((each) => `${each.publicIp} : ${each.privateIp}`))} }
  map priv2pub { type ipv4_addr : ipv4_addr;${elements(mapped.map((each) => `${each.privateIp} : ${each.publicIp}`))} }
  chain pre { type nat hook prerouting priority dstnat; policy accept;
    dnat to ip daddr map @pub2priv
  }
  chain post { type nat hook postrouting priority srcnat; policy accept;
    oifname "${WAN_DEVICE}" snat to ip saddr map @priv2pub
    oifname @ports ct status dnat iifname @ports snat to ip saddr map @priv2pub comment "both ends have public addresses here"
  }
}
`;
}
