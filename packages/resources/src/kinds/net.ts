/** net.routerd.net: links, addresses, routes and tunnels of one node. */
import { z } from 'zod';
import * as s from '../scalars.ts';

export const interfaceSpec = z.strictObject({
  ifname: s.interfaceName,
  adminUp: z.boolean().optional(),
  mtu: s.mtu.optional(),
  managed: z.boolean().default(false),
  owner: z.enum(['routerd', 'external']).default('external'),
});

export const ipv4StaticAddressSpec = z.strictObject({
  interface: s.interfaceName,
  /** Address with prefix length, `10.255.0.1/32`. */
  address: s.interfaceAddress,
});

export const ipv4RouteSpec = z
  .strictObject({
    destination: s.ipv4Prefix,
    type: z.enum(['unicast', 'blackhole']).default('unicast'),
    device: s.interfaceName.optional(),
    gateway: s.ipv4.optional(),
    preferredSource: s.ipv4.optional(),
    metric: z.number().int().min(0).default(0),
  })
  .refine((route) => route.type === 'unicast' || (!route.device && !route.gateway && !route.preferredSource), {
    error: 'a blackhole route has no device, gateway or preferredSource',
  })
  .refine((route) => route.type === 'blackhole' || route.device !== undefined || route.gateway !== undefined, {
    error: 'a unicast route needs a device or a gateway',
  });

/** `metadata.name` is the interface's name in the kernel. */
export const wireGuardInterfaceSpec = z.strictObject({
  privateKeyFile: s.absolutePath,
  listenPort: s.port,
  mtu: s.mtu.default(1420),
});

export const wireGuardPeerSpec = z.strictObject({
  interface: s.ref('WireGuardInterface'),
  publicKey: s.text(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/, 'a WireGuard public key: 44 base64 characters'),
  allowedIPs: z.array(s.ipv4Prefix).min(1),
  endpoint: s
    .text(
      /^[^\s:]+:([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$/,
      'HOST:PORT with a port from 1 to 65535',
    )
    .optional(),
  /** Seconds; 0 switches it off. */
  persistentKeepalive: z.number().int().min(0).max(65535).default(0),
  presharedKeyFile: s.absolutePath.optional(),
});
