/** Reads `wg show all dump`: tab separated; a line of five fields is a device, one of nine a peer. */
import type { ObservedWireGuard, ObservedWireGuardPeer } from '../../host-op.ts';

/** The private key in the second field is never kept. @param present names of links; userspace sockets of other namespaces are left out */
export function parseWireGuardDump(text: string, present: ReadonlySet<string>): readonly ObservedWireGuard[] {
  const devices = new Map<string, { device: Omit<ObservedWireGuard, 'peers'>; peers: ObservedWireGuardPeer[] }>();
  for (const line of text.split('\n')) {
    const fields = line.split('\t');
    const [name = ''] = fields;
    if (!present.has(name)) continue;
    if (fields.length === 5) {
      const [, , publicKey, listenPort] = fields;
      devices.set(name, {
        device: { name, publicKey: valueOf(publicKey), listenPort: Number(listenPort) },
        peers: [],
      });
    } else if (fields.length === 9) {
      const [, publicKey = '', , endpoint, allowedIPs = '', latestHandshake, , , keepalive = ''] = fields;
      devices.get(name)?.peers.push({
        publicKey,
        endpoint: valueOf(endpoint),
        allowedIPs: valueOf(allowedIPs) === undefined ? [] : allowedIPs.split(','),
        latestHandshake: Number(latestHandshake),
        persistentKeepalive: keepalive === 'off' ? 0 : Number(keepalive),
      });
    }
  }
  return [...devices.values()].map(({ device, peers }) => ({ ...device, peers }));
}

function valueOf(field: string | undefined): string | undefined {
  return field === undefined || field === '(none)' || field === '' ? undefined : field;
}
