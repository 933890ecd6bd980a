/** firewall.routerd.net: what may pass. Mobile addresses are meant by their /32 only: nothing here refers to claims. */
import { z } from 'zod';
import * as s from '../scalars.ts';

export const FIREWALL_PROTOCOLS = ['tcp', 'udp', 'icmp', 'icmpv6', 'ipv6-icmp', 'ipip'] as const;

export const firewallZoneSpec = z
  .strictObject({
    role: z
      .enum(['untrust', 'trust', 'mgmt'])
      .describe(
        'Without a rule: mgmt may reach everything; trust may reach this router, trust and untrust, and not mgmt; untrust may reach nothing.',
      ),
    interfaces: z.array(s.interfaceName).min(1),
  })
  .describe('Interfaces that are trusted alike. Replies always pass.');

export const firewallRuleSpec = z
  .strictObject({
    fromZone: s.ref('FirewallZone').optional().describe('Without it every zone.'),
    toZone: s.ref('FirewallZone').optional().describe('`self` is this router. Without it every zone.'),
    srcCIDRs: z.array(s.ipv4Prefix).default([]).describe('Without any, every source.'),
    destinationCIDRs: z.array(s.ipv4Prefix).default([]).describe('Without any, every destination.'),
    protocol: z.enum(FIREWALL_PROTOCOLS).optional().describe('Without it every protocol.'),
    port: s.port.optional().describe('Destination port of tcp or udp.'),
    destinationPorts: z.array(s.port).min(1).optional().describe('Several of them, in place of `port`.'),
    action: z.enum(['accept', 'drop', 'reject']),
    log: z.boolean().default(false),
    rateLimit: z
      .strictObject({
        perSecond: z.number().int().min(1).describe('Packets that match; those above it do not.'),
        burst: z.number().int().min(1).default(5).describe('Packets.'),
      })
      .optional(),
    connLimit: z
      .strictObject({ maxPerSource: z.number().int().min(0).describe('Connections of one address; 0 sets no limit.') })
      .optional(),
  })
  .refine(({ port, destinationPorts }) => port === undefined || destinationPorts === undefined, {
    path: ['destinationPorts'],
    error: 'The fields port and destinationPorts exclude each other',
  })
  .refine(
    ({ protocol, port, destinationPorts }) =>
      (port === undefined && destinationPorts === undefined) || protocol === 'tcp' || protocol === 'udp',
    { path: ['protocol'], error: 'is not tcp or udp, and only they have ports' },
  )
  .meta(s.instead({ sourceCIDRs: 'Write srcCIDRs.', dstCIDRs: 'Write destinationCIDRs.' }))
  .describe('An exception from what the roles of two zones say.');
