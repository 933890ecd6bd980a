/** hybrid.routerd.net: overlay peers, claims and what may be done at a provider. */
import { z } from 'zod';
import * as s from '../scalars.ts';
import { conditional } from '../schema/json-condition.ts';

export const PROVIDERS = ['aws', 'azure', 'oci', 'gcp'] as const;
export const ACTION_VERBS = [
  'assign-secondary-ip',
  'unassign-secondary-ip',
  'ensure-forwarding-enabled',
  'ensure-forwarding-disabled',
] as const;

/** When a capture may answer. `capture-holder`: while the capture registry names this node (derived claims). */
export const activeWhen = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('vrrp-master'), virtualAddressRef: s.ref('VirtualAddress') }),
    z.strictObject({ type: z.literal('capture-holder'), captureKey: s.word }),
  ])
  .describe(
    'When the capture answers. `capture-holder`, while the capture registry names this node, is for derived claims.',
  );

export const overlayPeerSpec = z
  .strictObject({
    role: z.enum(['onprem', 'cloud']).describe('Of the remote node.'),
    nodeID: s.nodeName.describe('The remote node.'),
    underlay: z
      .strictObject({
        type: z.enum(['wireguard', 'tailscale', 'ipsec', 'route', 'ipip', 'gre']),
        interface: s.interfaceName.optional().describe('Required for wireguard, ipip and gre.'),
        address: s.ipv4.optional(),
      })
      .refine((underlay) => underlay.interface !== undefined || !['wireguard', 'ipip', 'gre'].includes(underlay.type), {
        path: ['interface'],
        error: 'is required for underlay types wireguard, ipip and gre',
      })
      .meta(
        conditional({
          when: { properties: { type: { enum: ['wireguard', 'ipip', 'gre'] } } },
          demands: { required: ['interface'] },
        }),
      ),
    remote: z
      .strictObject({ nodeID: s.word.optional(), address: s.word.optional() })
      .optional()
      .describe('Descriptive only.'),
  })
  .describe('The way to another router through the overlay.');

/** What both kinds of tunnel have. They carry packets in the clear, so the operator vouches for what they cross. */
const tunnel = {
  local: s.ipv4.describe('Address of this router that the tunnel begins at.'),
  remote: s.ipv4.describe('Address of the other router.'),
  address: s.interfaceAddress.optional().describe('Address of the interface itself.'),
  ttl: z.number().int().min(1).max(255).default(64).describe('Of the outer packets.'),
  trustedUnderlay: z
    .literal(true, { error: 'must be true: the tunnel has no encryption, so the network under it has to be trusted' })
    .describe('The tunnel has no encryption.'),
};

export const tunnelInterfaceSpec = z
  .discriminatedUnion('mode', [
    z.strictObject({ mode: z.literal('ipip'), ...tunnel, mtu: s.mtu.default(1480) }),
    z.strictObject({
      mode: z.literal('gre'),
      ...tunnel,
      mtu: s.mtu.default(1476),
      key: z
        .number()
        .int()
        .min(0)
        .max(4_294_967_295)
        .optional()
        .describe('Tells tunnels between the same routers apart.'),
    }),
  ])
  .describe("A tunnel without encryption; `metadata.name` is the interface's name in the kernel.");

export const hybridRouteSpec = z
  .strictObject({
    destinationCIDRs: z
      .array(s.ipv4Prefix)
      .min(1)
      .describe('Networks behind the peer; never a default route, and no part of a MobilityPool.'),
    peerRef: s.ref('OverlayPeer'),
    install: z
      .strictObject({
        table: z.literal('main').default('main'),
        metric: z.number().int().min(0).max(4_294_967_295).default(0),
      })
      .prefault({}),
    healthCheckRef: s.ref('HealthCheck').optional().describe('The routes are Degraded while it is unhealthy.'),
  })
  .describe('Networks that are reached through an OverlayPeer. Each becomes an IPv4Route of its own.');

export const addressMobilityDomainSpec = z
  .strictObject({
    prefix: s.ipv4Prefix,
    mode: z.literal('selective-address', {
      error:
        'full L2 extension is not supported; routerd implements Selective Address Mobility (mode: selective-address)',
    }),
    peerRef: s.ref('OverlayPeer').optional().describe("Documentation only: delivery uses the claim's own peer."),
  })
  .describe('A subnet some of whose addresses live elsewhere. Derived from a MobilityPool, or written by hand.');

export const cloudProviderProfileSpec = z
  .strictObject({
    provider: z.enum(PROVIDERS),
    region: s.word.optional(),
    accountID: s.word.optional(),
    subscriptionID: s.word.optional(),
    resourceGroup: s.word.optional(),
    compartmentId: s.word.optional(),
    capabilities: z
      .array(s.word)
      .min(1)
      .describe('Free words such as `eni-secondary-ip`, `nic-secondary-ip`, `source-dest-check-disable`.'),
    auth: z
      .discriminatedUnion('mode', [
        z.strictObject({ mode: z.literal('instance-identity') }),
        z.strictObject({ mode: z.literal('external-command'), command: s.word }),
      ])
      .default({ mode: 'instance-identity' })
      .describe('How executors authenticate; routerd itself never calls a cloud.'),
  })
  .describe('A cloud account or tenancy, as executors need it.');

/** Other ways to capture have names already, and no implementation. */
export const reservedCapture = {
  error: (issue: { readonly code?: string | undefined }): string | undefined =>
    issue.code === 'invalid_union'
      ? 'reserved/not implemented in MVP; expected provider-secondary-ip or proxy-arp'
      : undefined,
};
export const configureOSAddress = z
  .literal(false, { error: 'must be false (not implemented in the MVP)' })
  .default(false);

export const remoteAddressClaimSpec = z
  .strictObject({
    domainRef: s.ref('AddressMobilityDomain'),
    address: s.hostAddress,
    ownerSide: z.enum(['cloud', 'onprem']).describe('Where the address really lives.'),
    capture: z.discriminatedUnion(
      'type',
      [
        z.strictObject({
          type: z.literal('provider-secondary-ip'),
          providerRef: s.ref('CloudProviderProfile'),
          providerMode: s.word,
          nicRef: s.word,
          interface: s.interfaceName.optional(),
          configureOSAddress,
          activeWhen: activeWhen.optional(),
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
    ),
    delivery: z.strictObject({
      peerRef: s.ref('OverlayPeer'),
      mode: z.literal('route').default('route'),
      tunnelInterface: s.interfaceName.optional().describe("Without it the peer's `underlay.interface`."),
      preferredSource: s.ipv4
        .optional()
        .describe(
          'Source of packets that the router itself sends to the address; used while it is configured on the host.',
        ),
    }),
  })
  .describe(
    'The duty to capture one address here and deliver it there. Derived from a MobilityPool, or written by hand.',
  );

export const providerActionPolicySpec = z
  .strictObject({
    enabled: z.boolean().default(false),
    dryRunOnly: z.boolean().default(true),
    requireApproval: z.boolean().default(true),
    allowedProviders: z.array(z.enum(PROVIDERS)).default([]),
    allowedProviderRefs: z
      .array(s.ref('CloudProviderProfile'))
      .default([])
      .describe('Without any, every profile of the allowed providers.'),
    allowedActions: z.array(z.enum(ACTION_VERBS)).default([]),
    allowedCIDRs: z.array(s.ipv4Prefix).default([]).describe('Without any, every address is allowed.'),
    maxActionsPerRun: z
      .number()
      .int()
      .min(0)
      .default(0)
      .describe('How many actions may be admitted in one run; 0 admits none.'),
    allowUndo: z.boolean().default(false),
    executionWindow: z
      .strictObject({
        days: z
          .array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']))
          .min(1)
          .describe('On which it opens.'),
        start: s.text(/^([01]\d|2[0-3]):[0-5]\d$/, 'HH:MM'),
        end: s
          .text(/^([01]\d|2[0-3]):[0-5]\d$/, 'HH:MM')
          .describe('Before `start`: on the next day. The same: the whole day.'),
        timezone: s.timeZone.default('UTC'),
      })
      .optional()
      .describe('When actions may be executed. Without it always.'),
  })
  .describe('What may be done at a provider. Without a policy, and by its defaults, nothing.');
