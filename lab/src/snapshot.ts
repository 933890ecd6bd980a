/** The state of a host as its kernel has it, in text that two looks can be compared by: nothing that counts or ages is in it. */
import type { Vm } from './vm.ts';

/** Every table, in the kernel's order. */
export async function routesOf(vm: Vm): Promise<string> {
  return (await vm.ipOutput('-4', 'route', 'show', 'table', 'all')).trim();
}

export async function defaultRouteOf(vm: Vm): Promise<string> {
  return (await vm.ipOutput('-4', 'route', 'show', 'default')).trim();
}

/** Routes, addresses, proxy neighbours, rules, packet filter, tunnels and the switches of a router. */
export async function kernelState(vm: Vm): Promise<string> {
  const parts: readonly (readonly [string, Promise<string>])[] = [
    ['routes', routesOf(vm)],
    ['addresses', vm.ipOutput('-br', '-4', 'addr').then(sortLines)],
    ['links', vm.ipOutput('-br', 'link').then(sortLines)],
    ['proxy neighbours', vm.ipOutput('neigh', 'show', 'proxy').then(sortLines)],
    ['rules', vm.ipOutput('rule')],
    ['nft', vm.nftOutput('-s', 'list', 'ruleset')],
    ['wireguard', vm.output(['wg', 'show', 'all', 'dump']).then(withoutTraffic)],
    ['sysctl', vm.output(['sh', '-c', SWITCHES])],
  ];
  const texts = await Promise.all(parts.map(async ([title, text]) => `== ${title}\n${(await text).trim()}\n`));
  return texts.join('');
}

const SWITCHES = `cd /proc/sys/net/ipv4; grep -H . ip_forward ip_nonlocal_bind conf/*/proxy_arp conf/*/rp_filter conf/*/send_redirects neigh/*/proxy_delay`;

function sortLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .toSorted()
    .join('\n');
}

/**
 * `wg show all dump`, tab separated: an interface's line is (name, private key, public key, port, mark); a peer's is (name, public key, preshared key,
 * endpoint, allowed ips, handshake, received, sent, keepalive). Keys that are secret and what traffic changes are left out.
 */
export function withoutTraffic(dump: string): string {
  const kept = dump
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'))
    .map((fields) =>
      fields.length === 5
        ? [fields[0], fields[2], fields[3], fields[4]]
        : [fields[0], fields[1], fields[3], fields[4]?.split(',').toSorted().join(','), fields[8]],
    );
  return kept
    .map((fields) => fields.join(' '))
    .toSorted()
    .join('\n');
}

/** The lines that only one of two states has; `-` before, `+` after. */
export function differences(before: string, after: string): string {
  const left = before.split('\n');
  const right = after.split('\n');
  const gone = left.filter((line) => !right.includes(line)).map((line) => `-${line}`);
  const come = right.filter((line) => !left.includes(line)).map((line) => `+${line}`);
  return [...gone, ...come].join('\n');
}
