/** config.routerd.net: what dynamic configuration may do, and the form in which routerd stores it. */
import { z } from 'zod';
import * as s from '../scalars.ts';

/** The only thing that a dynamic part may do to startup-config. */
export const DIRECTIVE_OPERATIONS = ['mask'] as const;

/** Exactly one resource. */
export const resourceReference = z.strictObject({
  apiVersion: s.exact('an apiVersion such as net.routerd.net/v1alpha1'),
  kind: s.exact('a kind'),
  name: s.exact('the name of a resource'),
});

/** `Kind/name`, and for a source of several parts what tells them apart: `MobilityPool/demo/node/onprem-a`. */
const source = s.exact('the source of a dynamic part, such as Plugin/NAME', /^[A-Za-z0-9]+(\/[^/\s*?]+)+$/);

export const dynamicOverridePolicySpec = z
  .strictObject({
    allow: z
      .array(
        z.strictObject({
          source: source.describe('The part that may do it, as `routerctl dynamic list` shows its source.'),
          operations: z.array(z.enum(DIRECTIVE_OPERATIONS)).min(1),
          targets: z.array(resourceReference).min(1).describe('Resources of startup-config.'),
        }),
      )
      .min(1),
  })
  .describe(
    'Which sources of dynamic configuration may mask which resources of startup-config. Everything is exact: there are no wildcards. Without a policy nothing may be masked.',
  );

/** What a dynamic part asks for besides its resources. */
export const dynamicConfigDirective = z.strictObject({
  op: z.enum(DIRECTIVE_OPERATIONS),
  target: resourceReference,
  reason: s.word.describe('Shown with the resource that is masked.'),
});

/**
 * A part as it is stored. `resources` are checked one by one by `parseDynamicConfigPart`, `actionPlans` by the journal
 * of provider actions. The digest is over the content, not the times: `config` says how it is made.
 */
export const dynamicConfigPartSpec = z.strictObject({
  source,
  generation: z.number().int().min(0).describe('Content version of this source; the higher replaces the lower.'),
  observedAt: s.timestamp,
  expiresAt: s.timestamp.describe('The part counts before this instant, not at it.'),
  digest: s.text(/^[0-9a-f]{64}$/, 'a SHA-256 of 64 hexadecimal digits'),
  resources: z.array(z.unknown()).default([]),
  directives: z.array(dynamicConfigDirective).default([]),
  actionPlans: z.array(z.record(z.string(), z.unknown())).default([]),
});
