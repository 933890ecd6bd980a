/** Resources as a parsed configuration holds them, with what a test does not care about filled in. */
import { KINDS, parseIpv4Prefix, type Ipv4Prefix, type Resource } from '@routerd/resources';

export const KEY_A = `${'A'.repeat(43)}=`;
export const KEY_E = `${'E'.repeat(43)}=`;

export function overlayPeer(name: string, underlay: Readonly<Record<string, unknown>> = {}): Resource {
  return KINDS.OverlayPeer.parse({
    ...header('hybrid', 'OverlayPeer', name),
    spec: { role: 'cloud', nodeID: name, underlay: { type: 'wireguard', interface: `wg-${name}`, ...underlay } },
  });
}

export function wireGuardInterface(name: string, spec: Readonly<Record<string, unknown>> = {}): Resource {
  return KINDS.WireGuardInterface.parse({
    ...header('net', 'WireGuardInterface', name),
    spec: { privateKeyFile: '/etc/routerd/wireguard.key', listenPort: 51_820, ...spec },
  });
}

export function wireGuardPeer(name: string, device: string, spec: Readonly<Record<string, unknown>> = {}): Resource {
  return KINDS.WireGuardPeer.parse({
    ...header('net', 'WireGuardPeer', name),
    spec: { interface: device, publicKey: KEY_A, allowedIPs: ['10.77.60.0/24'], ...spec },
  });
}

export function proxyArpClaim(
  address: string,
  peerRef: string,
  capture: Readonly<Record<string, unknown>> = {},
): Resource {
  return claim(address, peerRef, { type: 'proxy-arp', interface: 'lan0', ...capture });
}

export function providerClaim(
  address: string,
  peerRef: string,
  capture: Readonly<Record<string, unknown>> = {},
): Resource {
  return claim(address, peerRef, {
    type: 'provider-secondary-ip',
    providerRef: 'aws',
    providerMode: 'eni-secondary-ip',
    nicRef: 'eni-1',
    interface: 'eth0',
    ...capture,
  });
}

export function claim(
  address: string,
  peerRef: string,
  capture: Readonly<Record<string, unknown>>,
  delivery: Readonly<Record<string, unknown>> = {},
): Resource {
  return KINDS.RemoteAddressClaim.parse({
    ...header('hybrid', 'RemoteAddressClaim', `claim-${address.replaceAll(/[^0-9]/g, '-')}-${peerRef}`),
    spec: { domainRef: 'pool', address, ownerSide: 'cloud', capture, delivery: { peerRef, ...delivery } },
  });
}

export function hybridRoute(
  name: string,
  destinationCIDRs: readonly string[],
  peerRef: string,
  spec: Readonly<Record<string, unknown>> = {},
): Resource {
  return KINDS.HybridRoute.parse({
    ...header('hybrid', 'HybridRoute', name),
    spec: { destinationCIDRs, peerRef, ...spec },
  });
}

export function tunnelInterface(name: string, spec: Readonly<Record<string, unknown>>): Resource {
  return KINDS.TunnelInterface.parse({
    ...header('hybrid', 'TunnelInterface', name),
    spec: { local: '192.0.2.1', remote: '192.0.2.2', trustedUnderlay: true, ...spec },
  });
}

export function sysctl(name: string, spec: Readonly<Record<string, unknown>>): Resource {
  return KINDS.Sysctl.parse({ ...header('system', 'Sysctl', name), spec });
}

export function firewallZone(name: string, role: string, ...interfaces: readonly string[]): Resource {
  return KINDS.FirewallZone.parse({ ...header('firewall', 'FirewallZone', name), spec: { role, interfaces } });
}

export function firewallRule(name: string, spec: Readonly<Record<string, unknown>>): Resource {
  return KINDS.FirewallRule.parse({ ...header('firewall', 'FirewallRule', name), spec });
}

export function nat44Rule(name: string, spec: Readonly<Record<string, unknown>>): Resource {
  return KINDS.NAT44Rule.parse({ ...header('net', 'NAT44Rule', name), spec });
}

export function prefix(text: string): Ipv4Prefix {
  const parsed = parseIpv4Prefix(text);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return parsed.value;
}

export function ipv4Route(name: string, spec: Readonly<Record<string, unknown>>): Resource {
  return KINDS.IPv4Route.parse({ ...header('net', 'IPv4Route', name), spec });
}

export function staticAddress(name: string, device: string, address: string): Resource {
  return KINDS.IPv4StaticAddress.parse({
    ...header('net', 'IPv4StaticAddress', name),
    spec: { interface: device, address },
  });
}

export function virtualAddress(name: string, spec: object): Resource {
  return KINDS.VirtualAddress.parse({ ...header('net', 'VirtualAddress', name), spec });
}

export function networkInterface(ifname: string, spec: Readonly<Record<string, unknown>> = {}): Resource {
  return KINDS.Interface.parse({ ...header('net', 'Interface', ifname), spec: { ifname, ...spec } });
}

function header(group: string, kind: string, name: string) {
  return { apiVersion: `${group}.routerd.net/v1alpha1`, kind, metadata: { name } };
}
