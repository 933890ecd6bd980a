/** mobility.routerd.net: the intent that an operator writes for one mobile prefix. */
import { z } from 'zod';
import * as s from '../scalars.ts';
import { activeWhen, configureOSAddress, reservedCapture } from './hybrid.ts';

/** Keys that would carry a secret into plans, journals and logs are refused. */
const SECRET_LIKE = /^(?!.*(secret|token|password|credential|private[_-]?key|access[_-]?key))./i;

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
      providerMode: s.word,
      nicRef: s.word,
      /** The NIC as the router's kernel names it; needed for the MSS clamp. */
      interface: s.interfaceName.optional(),
      configureOSAddress,
      target: target.default({}),
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
  tunnelInterface: s.interfaceName.optional(),
});

const member = z.strictObject({
  nodeRef: s.nodeName,
  site: s.siteName,
  role: z.enum(['onprem', 'cloud']),
  capture,
  /** Default delivery. Without any, the OverlayPeer whose `nodeID` is the delivering router's name is used. */
  delivery: delivery.optional(),
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
        }),
    )
    .default([]),
  staticOwnedAddresses: z.array(s.hostAddress).default([]),
  placement: z
    .strictObject({
      group: s.word.optional(),
      priority: z.number().int().min(0).max(1_000_000).default(100),
    })
    .optional(),
  maintenance: z.strictObject({ drain: z.boolean().default(false) }).optional(),
});

export const mobilityPoolSpec = z.strictObject({
  prefix: s.ipv4Prefix,
  groupRef: s.ref('EventGroup'),
  mode: z
    .literal('selective-address', {
      error:
        'full L2 extension is not supported; routerd implements Selective Address Mobility (mode: selective-address)',
    })
    .default('selective-address'),
  members: z.array(member).min(1),
  leasePolicy: z
    .strictObject({ ttl: s.duration.prefault('5m'), holdDuration: s.duration.prefault('30s') })
    .prefault({}),
  capturePolicy: z
    .strictObject({
      mode: z.literal('all-non-owner-sites').default('all-non-owner-sites'),
      deprovisionHoldDuration: s.duration.optional(),
    })
    .prefault({}),
  deliveryPolicy: z.strictObject({ mode: z.literal('route').default('route') }).prefault({}),
});
