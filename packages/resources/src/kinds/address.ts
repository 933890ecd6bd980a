/** net.routerd.net: addresses that several routers share, what is watched for them, and what addresses become. */
import { z } from 'zod';
import * as s from '../scalars.ts';
import { conditional, fieldIs } from '../schema/json-condition.ts';

const vrrp = z
  .strictObject({
    virtualRouterID: z.number().int().min(1).max(255).describe('The same on all routers of the address.'),
    priority: z.number().int().min(1).max(254).default(100).describe('The highest becomes master.'),
    peers: z.array(s.ipv4).min(1).describe('The other routers: advertisements are unicast.'),
    advertInterval: s.positiveDuration
      .optional()
      .describe(
        'Between advertisements, 100ms to 40s; three of them missed are a loss. Without it 300ms, with authentication 1s. Tell all routers the same.',
      ),
    preempt: z
      .boolean()
      .default(true)
      .describe('A router with a higher priority takes over from a living master, once it can capture itself.'),
    authentication: z
      .strictObject({ passwordFile: s.absolutePath.describe('At most 8 characters of it count.') })
      .optional(),
  })
  .refine(({ advertInterval = 1000 }) => advertInterval >= 100 && advertInterval <= 40_000, {
    path: ['advertInterval'],
    error: 'is out of range; expected 100ms to 40s',
  })
  // The versions that have passwords count in seconds, the one without in hundredths (RFC 3768 and RFC 5798, section 5.2.7).
  .refine(({ advertInterval = 1000 }) => advertInterval % 10 === 0, {
    path: ['advertInterval'],
    error: 'is advertised in hundredths of a second; expected a multiple of 10ms',
  })
  .refine(({ advertInterval = 1000, authentication }) => authentication === undefined || advertInterval % 1000 === 0, {
    path: ['advertInterval'],
    error: 'is advertised in whole seconds where there is a password; expected 1s, 2s, …',
  })
  .meta(
    s.instead({
      preemptDelay: 'Remove it: a router is master no earlier than it can deliver.',
    }),
  );

export const virtualAddressSpec = z
  .strictObject({
    family: z
      .literal('ipv4', { error: 'only ipv4 is supported: mobile addresses and their routers are IPv4' })
      .default('ipv4'),
    interface: s.interfaceName,
    address: s.hostAddress,
    mode: z.enum(['static', 'vrrp']).default('static'),
    vrrp: vrrp.optional().describe('Required for mode vrrp.'),
    track: z
      .array(
        z
          .strictObject({
            resource: s.ref('HealthCheck').optional(),
            interface: s.interfaceName.optional().describe('Costs while its link is down, or it is not there.'),
            unhealthyPenalty: z.number().int().min(1).max(253).describe('Subtracted from the priority.'),
          })
          .refine(({ resource, interface: link }) => (resource === undefined) !== (link === undefined), {
            error: 'needs either a resource or an interface',
          })
          .meta({ oneOf: [{ required: ['resource'] }, { required: ['interface'] }] }),
      )
      .default([])
      .describe('What costs priority while it is not well.'),
  })
  .refine(({ mode, vrrp: settings }) => mode === 'static' || settings !== undefined, {
    path: ['vrrp'],
    error: 'is required for mode vrrp',
  })
  .refine(({ mode, vrrp: settings, track }) => mode === 'vrrp' || (settings === undefined && track.length === 0), {
    path: ['mode'],
    error: 'is static: vrrp and track are for mode vrrp',
  })
  .meta(
    conditional({
      when: fieldIs('mode', 'vrrp'),
      demands: { required: ['vrrp'] },
      otherwise: { not: { required: ['vrrp'] } },
    }),
  )
  .meta(s.instead({ addressFrom: 'Write the address.' }))
  .describe('An address that one of several routers has: the master of a VRRP group, or always this one.');

const HAS_PORT = ['tcp', 'dns', 'http'];

export const healthCheckSpec = z
  .strictObject({
    type: z.literal('ping').default('ping'),
    protocol: z.enum(['icmp', 'tcp', 'dns', 'http']).default('icmp'),
    role: z.enum(['link', 'next-hop', 'internet', 'service', 'policy']).optional().describe('Shown with the result.'),
    targetSource: z
      .enum(['auto', 'static', 'defaultGateway'])
      .default('auto')
      .describe('`auto`: the target if there is one, otherwise the default gateway.'),
    target: s.ipv4.optional().describe('Required for targetSource static.'),
    port: s.port.optional().describe('Required for tcp; without it 53 for dns and 80 for http.'),
    interface: s.interfaceName.optional().describe('Where it is sent from; without it as the host routes it.'),
    interval: s.positiveDuration.prefault('30s').describe('From start to start.'),
    timeout: s.positiveDuration.prefault('3s').describe('At most the interval.'),
    healthyThreshold: z.number().int().min(1).max(100).default(1).describe('Answers in a row that make it healthy.'),
    unhealthyThreshold: z
      .number()
      .int()
      .min(1)
      .max(100)
      .default(3)
      .describe('Failures in a row that make it unhealthy.'),
  })
  .refine(({ targetSource, target }) => targetSource !== 'static' || target !== undefined, {
    path: ['target'],
    error: 'is required for targetSource static',
  })
  .refine(({ targetSource, target }) => targetSource !== 'defaultGateway' || target === undefined, {
    path: ['target'],
    error: 'Target and targetSource defaultGateway exclude each other',
  })
  .refine(({ protocol, port }) => protocol !== 'tcp' || port !== undefined, {
    path: ['port'],
    error: 'is required for protocol tcp',
  })
  .refine(({ protocol, port }) => port === undefined || HAS_PORT.includes(protocol), {
    path: ['port'],
    error: 'Protocol icmp has no port',
  })
  .refine(({ interval, timeout }) => timeout <= interval, {
    path: ['timeout'],
    error: 'The timeout is longer than the interval; expected at most the interval',
  })
  .meta({
    allOf: [
      conditional({ when: fieldIs('targetSource', 'static'), demands: { required: ['target'] } }),
      conditional({ when: fieldIs('protocol', 'tcp'), demands: { required: ['port'] } }),
    ],
  })
  .describe('Whether something answers. What refers to it acts on it.');

/** Which source ports a translated flow gets. */
const portMapping = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('auto') }),
  z.strictObject({ type: z.literal('preserve') }),
  z
    .strictObject({ type: z.literal('range'), from: s.port, to: s.port })
    .refine(({ from, to }) => from <= to, { path: ['to'], error: 'The range ends before it begins' }),
]);

const mapping = portMapping
  .default({ type: 'auto' })
  .describe('Source ports: `preserve` keeps them as far as they are free, `auto` leaves it to the kernel.');

export const nat44RuleSpec = z
  .strictObject({
    outboundInterface: s.interfaceName,
    sourceCIDRs: z.array(s.ipv4Prefix).min(1),
    translation: z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('interfaceAddress'), portMapping: mapping }),
      z.strictObject({ type: z.literal('address'), address: s.ipv4, portMapping: mapping }),
      z.strictObject({ type: z.literal('pool'), addresses: z.array(s.ipv4).min(1), portMapping: mapping }),
    ]),
  })
  .meta(
    s.instead({
      type: 'For masquerade write translation: {type: interfaceAddress}; for snat translation: {type: address, address: A}.',
      egressInterface: 'Write outboundInterface.',
      egressPolicyRef: 'Write outboundInterface: there are no egress policies.',
      sourceRanges: 'Write sourceCIDRs.',
    }),
  )
  .describe(
    'Other source addresses for what leaves by an interface. Mobile addresses are never translated on the way to each other.',
  );
