/** net.routerd.net: links, addresses, routes and tunnels of one node. */
import { z } from 'zod';
import * as s from '../scalars.ts';
import { conditional, fieldIs, oneIsThere } from '../schema/json-condition.ts';

export const interfaceSpec = z
  .strictObject({
    ifname: s.interfaceName.describe('The name in the kernel.'),
    adminUp: z.boolean().optional().describe('Up or down, if it is managed; without it as it is.'),
    mtu: s.mtu.optional().describe('What segments are measured by; it is also set, if it is managed.'),
    managed: z
      .boolean()
      .default(false)
      .describe('Set as declared, kept so, and put back to what it was when that ends.'),
    owner: z.enum(['routerd', 'external']).default('external'),
  })
  .describe('A network interface of this node.');

export const ipv4StaticAddressSpec = z
  .strictObject({
    interface: s.interfaceName,
    address: s.interfaceAddress,
    allowOverlap: z
      .boolean()
      .default(false)
      .describe('Another interface may be in the same network; otherwise that is an error.'),
  })
  .meta(s.instead({ exclusive: 'Remove it: routerd removes only addresses that it has added.' }))
  .describe('An address of an interface.');

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
  })
  .meta(
    conditional({
      when: fieldIs('type', 'blackhole'),
      demands: { not: oneIsThere(['device', 'gateway', 'preferredSource']) },
      otherwise: oneIsThere(['device', 'gateway']),
    }),
  )
  .meta(
    s.instead({
      deviceFrom: 'Write the device.',
      gatewayFrom: 'Write the gateway.',
      dependsOn: 'Remove it: a route is installed as soon as its device is there.',
    }),
  )
  .describe('A route. A unicast route needs a device or a gateway; a blackhole has neither.');

export const wireGuardInterfaceSpec = z
  .strictObject({
    privateKeyFile: s.absolutePath,
    listenPort: s.port,
    mtu: s.mtu.default(1420),
  })
  .meta(
    s.instead({
      privateKey: 'Write the key to a file of mode 600 and name it in privateKeyFile.',
      fwmark: 'Remove it: routerd chooses it.',
      table: 'Remove it: routes are declared as IPv4Route or HybridRoute.',
    }),
  )
  .describe("A WireGuard tunnel; `metadata.name` is the interface's name in the kernel.");

export const wireGuardPeerSpec = z
  .strictObject({
    interface: s.ref('WireGuardInterface'),
    publicKey: s.text(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/, 'a WireGuard public key: 44 base64 characters'),
    allowedIPs: z
      .array(s.ipv4Prefix)
      .min(1)
      .describe('With an interface for each peer: the whole prefix of the pool. What moves is decided by /32 routes.'),
    endpoint: s
      .text(
        /^[^\s:]+:([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$/,
        'HOST:PORT with a port from 1 to 65535',
      )
      .optional(),
    persistentKeepalive: z.number().int().min(0).max(65535).default(0).describe('Seconds; 0 switches it off.'),
    presharedKeyFile: s.absolutePath.optional(),
  })
  .meta(s.instead({ presharedKey: 'Write the key to a file of mode 600 and name it in presharedKeyFile.' }))
  .describe('The other end of a WireGuard tunnel.');
