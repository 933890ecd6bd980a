/** mobility.routerd.net: the intent that an operator writes for one mobile prefix. */
import { z } from 'zod';
import * as s from '../scalars.ts';
import { oneIsThere } from '../schema/json-condition.ts';
import { activeWhen, configureOSAddress, reservedCapture } from './hybrid.ts';

/** Keys that would carry a secret into plans, journals and logs are refused. */
const SECRET_WORDS = ['secret', 'token', 'password', 'credential', 'private[_-]?key', 'access[_-]?key'];
/** In either case, without a flag: JSON Schema has none. */
const SECRET_LIKE = new RegExp(`^(?!.*(${SECRET_WORDS.map(inEitherCase).join('|')})).`);

function inEitherCase(words: string): string {
  return words.replaceAll(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}

const HEARTBEAT =
  'For heartbeatInterval, heartbeatTTL and promotionHoldDuration write heartbeat.interval and heartbeat.deadAfter of the EventGroup.';

const target = z.record(
  s.text(SECRET_LIKE, 'names that do not look like a secret (executors use the identity of the instance)'),
  s.word,
);

const capture = z.discriminatedUnion(
  'type',
  [
    z.strictObject({
      type: z.literal('provider-secondary-ip'),
      providerRef: s.ref('CloudProviderProfile'),
      providerMode: s.word.describe("One of the profile's capabilities."),
      nicRef: s.word.describe("The NIC as the provider names it: eni-…, an ARM id, a VNIC's OCID."),
      interface: s.interfaceName.optional().describe("The NIC as the router's kernel names it; for the MSS clamp."),
      configureOSAddress,
      capacity: z
        .number()
        .int()
        .min(1)
        .max(65_536)
        .optional()
        .describe('How many captured addresses the NIC may carry, besides its own. Without it there is no bound.'),
      target: target.default({}).describe('Provider-specific keys for the executor; never secrets.'),
    }),
    z.strictObject({
      type: z.literal('proxy-arp'),
      interface: s.interfaceName,
      gratuitousARP: z.boolean().default(true),
      configureOSAddress,
      activeWhen: activeWhen.optional(),
    }),
  ],
  reservedCapture,
);

const delivery = z.strictObject({
  peerRef: s.ref('OverlayPeer'),
  mode: z.literal('route').default('route'),
  tunnelInterface: s.interfaceName.optional().describe("Without it the peer's `underlay.interface`."),
});

const member = z
  .strictObject({
    nodeRef: s.nodeName,
    site: s.siteName.describe('The LAN or cloud network, a failure domain.'),
    role: z.enum(['onprem', 'cloud']),
    capture: capture.describe('How this member attracts packets for addresses that live elsewhere.'),
    delivery: delivery
      .optional()
      .describe(
        "Default delivery. Without any, the OverlayPeer whose `nodeID` is the delivering router's name is used.",
      ),
    deliveryTo: z
      .array(
        delivery
          .extend({
            nodeRef: s.nodeName.optional(),
            site: s.siteName.optional(),
            role: z.enum(['onprem', 'cloud']).optional(),
          })
          .refine((entry) => entry.nodeRef ?? entry.site ?? entry.role, {
            error: 'A deliveryTo entry needs at least one of nodeRef, site, role',
          })
          .meta(oneIsThere(['nodeRef', 'site', 'role'])),
      )
      .default([])
      .describe('Delivery to certain members; the most specific entry counts: nodeRef, then site, then role.'),
    staticOwnedAddresses: z
      .array(s.hostAddress)
      .default([])
      .describe("Addresses that live at this member's site, known without being observed. Only for role onprem."),
    placement: z
      .strictObject({
        group: s.word.optional().describe('Routers of one site that stand in for each other. Only for role cloud.'),
        priority: z.number().int().min(0).max(1_000_000).default(100).describe('The lowest captures.'),
      })
      .optional(),
    maintenance: z
      .strictObject({ drain: z.boolean().default(false).describe('Hand all captures over, and take none.') })
      .optional(),
  })
  .meta(s.instead({ heartbeat: HEARTBEAT }));

const staticHandover = z.strictObject({
  address: s.hostAddress,
  fromNodeRef: s.nodeName.describe('The onprem member that owns it, and releases it first.'),
  toNodeRef: s.nodeName.describe('The member that owns it once it is released.'),
});

export const mobilityPoolSpec = z
  .strictObject({
    prefix: s.ipv4Prefix.describe('The subnet whose addresses may live at any site.'),
    excludedAddresses: z
      .array(s.ipv4Prefix)
      .default([])
      .describe('Parts of the prefix that never move: gateways, the routers themselves, what exists at every site.'),
    groupRef: s.ref('EventGroup'),
    mode: z
      .literal('selective-address', {
        error:
          'full L2 extension is not supported; routerd implements Selective Address Mobility (mode: selective-address)',
      })
      .default('selective-address'),
    members: z.array(member).min(1).describe('The routers of all sites. The same on every node.'),
    leasePolicy: z
      .strictObject({
        ttl: s.duration.prefault('5m').describe('How long a sighting counts without being repeated.'),
        holdDuration: s.duration
          .prefault('30s')
          .describe('How long an owner that has gone is kept before another takes over.'),
      })
      .prefault({}),
    capturePolicy: z
      .strictObject({
        mode: z.literal('all-non-owner-sites').default('all-non-owner-sites'),
        deprovisionHoldDuration: s.duration
          .optional()
          .describe('How long a capture outlasts its lease. Without it `leasePolicy.holdDuration`.'),
      })
      .prefault({}),
    deliveryPolicy: z.strictObject({ mode: z.literal('route').default('route') }).prefault({}),
    staticHandovers: z
      .array(staticHandover)
      .default([])
      .describe('Addresses that an operator moves to another member: released first, then owned there.'),
  })
  .meta(
    s.instead({
      authority:
        'Remove it: whose facts are fresh owns an address. What a node owns without being observed stands in its staticOwnedAddresses.',
      ipOwnershipPolicy: `Remove it: epochs are always fenced, and failover inside a placement group always happens. For preferNodes write members[].placement.priority (the lowest captures). ${HEARTBEAT}`,
      heartbeatInterval: HEARTBEAT,
      heartbeatTTL: HEARTBEAT,
    }),
  )
  .describe('The intent of the operator: one subnet whose chosen addresses are reachable from every site.');
