/** A host as lines that people compare: one an object, as `ip`, `wg`, `sysctl` and `nft` would say it. */
import { textOfTunnel, type HostRoute, type ObservedHost, type ObservedWireGuard } from '@routerd/dataplane';

export interface HostLine {
  /** The place in the host that holds one object; lines before and after are compared by it. */
  readonly slot: string;
  readonly text: string;
}

/** Links, tunnels, addresses, routes, proxy neighbours, WireGuard devices, settings, tables; sorted by slot. */
export function hostLines(host: ObservedHost): readonly HostLine[] {
  const lines: HostLine[] = [
    ...host.wireGuard.map((device) => ({ slot: `wg ${device.name}`, text: wireGuardText(device, host) })),
    ...host.links.map(({ name, up, mtu }) => ({
      slot: `link ${name}`,
      text: `link ${name} ${up ? 'up' : 'down'} mtu ${mtu}`,
    })),
    ...host.tunnels.map((tunnel) => ({
      slot: `tunnel ${tunnel.name}`,
      text: `tunnel ${tunnel.name} ${textOfTunnel(tunnel)}`,
    })),
    ...host.addresses.map(({ interface: name, address }) => same(`addr ${address} dev ${name}`)),
    ...host.routes.map((route) => ({
      slot: `route ${route.destination} metric ${route.metric}`,
      text: `route ${routeText(route)}`,
    })),
    ...[...host.sysctls].map(([path, value]) => ({ slot: `sysctl ${path}`, text: `sysctl ${path}=${value}` })),
    ...host.proxyNeighbors.map(({ address, interface: name }) => same(`neigh proxy ${address} dev ${name}`)),
    ...(host.mssClamps ?? []).map(({ captureInterface, tunnelInterface, mss }) => ({
      slot: `clamp ${captureInterface} ${tunnelInterface}`,
      text: `clamp ${captureInterface} <-> ${tunnelInterface} to ${mss} bytes`,
    })),
    ...host.tables.map(({ family, name, digest }) => ({
      slot: `table ${family} ${name}`,
      text: `table ${family} ${name} ${digest === undefined ? 'changed by somebody' : digest.slice(0, 12)}`,
    })),
    ...[...host.sysctlFiles].flatMap(([name, content]) =>
      content
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => ({ slot: `file ${name}`, text: `file 90-routerd-${name}.conf: ${line}` })),
    ),
  ];
  return lines.toSorted((a, b) => compareText(a.slot, b.slot) || compareText(a.text, b.text));
}

/** Lines that one of the two has and the other has not, `-` before `+`, by slot. */
export function changedLines(before: ObservedHost, after: ObservedHost): readonly string[] {
  const [old, fresh] = [hostLines(before), hostLines(after)];
  const [known, kept] = [new Set(old.map(({ text }) => text)), new Set(fresh.map(({ text }) => text))];
  return [
    ...old.filter(({ text }) => !kept.has(text)).map(({ slot, text }) => ({ slot, text: `-${text}` })),
    ...fresh.filter(({ text }) => !known.has(text)).map(({ slot, text }) => ({ slot, text: `+${text}` })),
  ]
    .toSorted((a, b) => compareText(a.slot, b.slot))
    .map(({ text }) => text);
}

function same(text: string): HostLine {
  return { slot: text, text };
}

function routeText({ destination, device, gateway, preferredSource, metric, blackhole }: HostRoute): string {
  const parts = [
    ...(blackhole ? ['blackhole'] : []),
    destination,
    ...(gateway === undefined ? [] : ['via', gateway]),
    ...(device === undefined ? [] : ['dev', device]),
    ...(preferredSource === undefined ? [] : ['src', preferredSource]),
    'metric',
    `${metric}`,
  ];
  return parts.join(' ');
}

/** Endpoints are learned and keys of the device made: neither is compared. */
function wireGuardText({ name, listenPort, peers }: ObservedWireGuard, { links }: ObservedHost): string {
  const mtu = links.find((link) => link.name === name)?.mtu;
  const peerTexts = peers.map(
    ({ publicKey, allowedIPs, persistentKeepalive }) =>
      `peer ${publicKey} allowed-ips ${allowedIPs.toSorted(compareText).join(',')} keepalive ${persistentKeepalive}`,
  );
  return [`wg ${name} port ${listenPort} mtu ${mtu ?? 'unknown'}`, ...peerTexts.toSorted(compareText)].join(' ');
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
