/** Stories as files: what a failure leaves behind, and what a regression test plays again. */
import { z } from 'zod';
import { MEDDLINGS, NIC_MEDDLINGS, RULES, VRRP_TROUBLES, type Story } from './story.ts';
import { CLOUD_PROVIDERS } from './topology.ts';

const count = z.number();
const name = z.string();

const happening = z.discriminatedUnion('what', [
  z.strictObject({ what: z.literal('appear'), address: count, site: name }),
  z.strictObject({ what: z.literal('vanish'), address: count }),
  z.strictObject({ what: z.literal('move'), address: count, site: name, gapMs: count }),
  z.strictObject({ what: z.literal('duplicate'), address: count, site: name, forMs: count }),
  z.strictObject({ what: z.literal('crash'), node: name, calls: count, downMs: count }),
  z.strictObject({ what: z.literal('power-cut'), node: name, downMs: count }),
  z.strictObject({ what: z.literal('restart'), node: name, downMs: count }),
  z.strictObject({ what: z.literal('partition'), node: name, forMs: count }),
  z.strictObject({ what: z.literal('site-partition'), site: name, forMs: count }),
  z.strictObject({ what: z.literal('one-way'), node: name, deaf: z.enum(['node', 'hub']), forMs: count }),
  z.strictObject({ what: z.literal('slow-link'), node: name, latencyMs: count, forMs: count }),
  z.strictObject({ what: z.literal('lossy-heartbeats'), loss: count, forMs: count }),
  z.strictObject({ what: z.literal('read-again'), node: name }),
  z.strictObject({ what: z.literal('hub-down'), forMs: count }),
  z.strictObject({ what: z.literal('hub-paused'), forMs: count }),
  z.strictObject({ what: z.literal('hub-rolled-back'), facts: count, captures: count, downMs: count }),
  z.strictObject({ what: z.literal('hub-wiped'), downMs: count }),
  z.strictObject({ what: z.literal('ambiguous-writes'), share: count, forMs: count }),
  z.strictObject({ what: z.literal('stale-hub-reads'), forMs: count }),
  z.strictObject({ what: z.literal('throttled'), site: name, share: count, forMs: count }),
  z.strictObject({ what: z.literal('lost-responses'), site: name, share: count, forMs: count }),
  z.strictObject({ what: z.literal('slow-cloud'), site: name, latencyMs: count, forMs: count }),
  z.strictObject({ what: z.literal('half-moves'), site: name, share: count, forMs: count }),
  z.strictObject({ what: z.literal('stale-cloud-reads'), site: name, reads: count }),
  z.strictObject({ what: z.literal('nic-meddling'), site: name, address: count, kind: z.enum(NIC_MEDDLINGS) }),
  z.strictObject({ what: z.literal('kernel-meddling'), node: name, address: count, kind: z.enum(MEDDLINGS) }),
  z.strictObject({ what: z.literal('clock-jump'), node: name, toMs: count }),
  z.strictObject({ what: z.literal('clock-drift'), node: name, ppm: count }),
  z.strictObject({ what: z.literal('false-fact'), node: name, address: count, says: z.enum(['observed', 'expired']) }),
  z.strictObject({ what: z.literal('drain'), node: name, forMs: count, rollOutMs: count }),
  z.strictObject({ what: z.literal('ordered-drain'), node: name, forMs: count }),
  z.strictObject({ what: z.literal('other-rules'), node: name, rules: z.enum(RULES), forMs: count }),
  z.strictObject({ what: z.literal('vrrp'), site: name, kind: z.enum(VRRP_TROUBLES), forMs: count }),
]);

const topology = z.strictObject({
  sites: z.array(
    z.strictObject({
      name,
      provider: z.enum(CLOUD_PROVIDERS).nullable(),
      routers: z.array(z.strictObject({ name, priority: count })),
      hasVrrp: z.literal(true).optional(),
    }),
  ),
  addresses: count,
  staticEvery: count,
  ttlMs: count,
  holdMs: count,
  heartbeatMs: count,
  deadAfterMs: count,
});

const file = z.strictObject({
  /** What went wrong, in the words of whoever found it. */
  about: z.string(),
  seed: count,
  topology,
  events: z.array(z.strictObject({ at: count, happens: happening })),
  calmAt: count,
});

/** Throws what zod throws: such a file is part of the tests. */
export function parseStory(text: string): Story & { readonly about: string } {
  const { topology: drawn, ...rest } = file.parse(JSON.parse(text));
  const sites = drawn.sites.map(({ name: of, provider, routers, hasVrrp }) => ({
    name: of,
    provider: provider ?? undefined,
    routers,
    ...(hasVrrp === undefined ? {} : { hasVrrp }),
  }));
  return { ...rest, topology: { ...drawn, sites } };
}

/** One event a line, so that a person can read it and a diff shows what changed. */
export function renderStory({ seed, topology: drawn, events, calmAt }: Story, about: string): string {
  const sites = drawn.sites.map((site) => ({ ...site, provider: site.provider ?? null }));
  const lines = [
    `  "about": ${JSON.stringify(about)}`,
    `  "seed": ${seed}`,
    `  "topology": ${JSON.stringify({ ...drawn, sites })}`,
    `  "events": [\n${events.map((event) => `    ${JSON.stringify(event)}`).join(',\n')}\n  ]`,
    `  "calmAt": ${calmAt}`,
  ];
  return `{\n${lines.join(',\n')}\n}\n`;
}
