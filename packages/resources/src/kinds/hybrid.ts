/** hybrid.routerd.net: overlay peers, claims and what may be done at a provider. */
import { z } from 'zod';
import * as s from '../scalars.ts';

export const PROVIDERS = ['aws', 'azure', 'oci', 'gcp'] as const;
export const ACTION_VERBS = [
  'assign-secondary-ip',
  'unassign-secondary-ip',
  'ensure-forwarding-enabled',
  'ensure-forwarding-disabled',
] as const;

/** When a capture may answer. `capture-holder`: while the capture registry names this node (derived claims). */
export const activeWhen = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('vrrp-master'), virtualAddressRef: s.ref('VirtualAddress') }),
  z.strictObject({ type: z.literal('capture-holder'), captureKey: z.string().min(1) }),
]);

export const overlayPeerSpec = z.strictObject({
  role: z.enum(['onprem', 'cloud']),
  nodeID: s.nodeName,
  underlay: z
    .strictObject({
      type: z.enum(['wireguard', 'tailscale', 'ipsec', 'route', 'ipip', 'gre']),
      interface: s.interfaceName.optional(),
      address: s.ipv4.optional(),
    })
    .refine((underlay) => underlay.interface !== undefined || !['wireguard', 'ipip', 'gre'].includes(underlay.type), {
      path: ['interface'],
      error: 'is required for underlay types wireguard, ipip and gre',
    }),
  remote: z.strictObject({ nodeID: s.nodeName.optional(), address: s.ipv4.optional() }).optional(),
});

export const addressMobilityDomainSpec = z.strictObject({
  prefix: s.ipv4Prefix,
  mode: z.literal('selective-address', {
    error:
      'full L2 extension is not supported; routerd implements Selective Address Mobility (mode: selective-address)',
  }),
  peerRef: s.ref('OverlayPeer').optional(),
});

export const cloudProviderProfileSpec = z.strictObject({
  provider: z.enum(PROVIDERS),
  region: z.string().min(1).optional(),
  accountID: z.string().min(1).optional(),
  subscriptionID: z.string().min(1).optional(),
  resourceGroup: z.string().min(1).optional(),
  compartmentId: z.string().min(1).optional(),
  capabilities: z.array(z.string().min(1)).min(1),
  auth: z
    .discriminatedUnion('mode', [
      z.strictObject({ mode: z.literal('instance-identity') }),
      z.strictObject({ mode: z.literal('external-command'), command: z.string().min(1) }),
    ])
    .default({ mode: 'instance-identity' }),
});

const RESERVED = 'reserved/not implemented in MVP; expected provider-secondary-ip or proxy-arp';
const configureOSAddress = z.literal(false, { error: 'must be false (not implemented in the MVP)' }).default(false);

export const remoteAddressClaimSpec = z.strictObject({
  domainRef: s.ref('AddressMobilityDomain'),
  address: s.hostAddress,
  ownerSide: z.enum(['cloud', 'onprem']),
  capture: z.discriminatedUnion(
    'type',
    [
      z.strictObject({
        type: z.literal('provider-secondary-ip'),
        providerRef: s.ref('CloudProviderProfile'),
        providerMode: z.string().min(1),
        nicRef: z.string().min(1),
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
    { error: (issue) => (issue.code === 'invalid_union' ? RESERVED : undefined) },
  ),
  delivery: z.strictObject({
    peerRef: s.ref('OverlayPeer'),
    mode: z.literal('route').default('route'),
    tunnelInterface: s.interfaceName.optional(),
    /** Source of packets that the router itself sends to the address; used only while it is configured on the host. */
    preferredSource: s.ipv4.optional(),
  }),
});

export const providerActionPolicySpec = z.strictObject({
  enabled: z.boolean().default(false),
  dryRunOnly: z.boolean().default(true),
  requireApproval: z.boolean().default(true),
  allowedProviders: z.array(z.enum(PROVIDERS)).default([]),
  allowedProviderRefs: z.array(s.ref('CloudProviderProfile')).default([]),
  allowedActions: z.array(z.enum(ACTION_VERBS)).default([]),
  allowedCIDRs: z.array(s.ipv4Prefix).default([]),
  /** How many actions may be admitted in one run; 0 admits none. */
  maxActionsPerRun: z.number().int().min(0).default(0),
  allowUndo: z.boolean().default(false),
  executionWindow: z
    .strictObject({
      days: z.array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])).min(1),
      start: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected HH:MM'),
      end: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected HH:MM'),
      /** IANA time zone. */
      timezone: z.string().min(1).default('UTC'),
    })
    .optional(),
});
