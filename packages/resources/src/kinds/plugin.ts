/** plugin.routerd.net: local executables that observe or act, and when their results count. */
import { z } from 'zod';
import * as s from '../scalars.ts';
import { resourceReference } from './config.ts';

export const PLUGIN_CAPABILITIES = [
  'observe.cloud',
  'propose.dynamicConfig',
  'propose.providerAction',
  'execute.providerAction',
] as const;

/** When a plugin is run besides by hand and by an EventSubscription. */
const trigger = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('interval'), every: s.positiveDuration.describe('From start to start.') }),
  z.strictObject({ type: z.literal('event'), topic: s.exact('the name of a topic') }),
  z
    .strictObject({ type: z.literal('follow') })
    .describe(
      'It waits for what its cloud tells, for as long as it takes; an interval beside this is what it looks at anyway.',
    ),
]);

const triggers = z.array(trigger).default([]);

export const pluginSpec = z
  .strictObject({
    executable: s.absolutePath,
    args: z.array(z.string()).default([]).describe('Arguments after the executable; never secrets.'),
    timeout: s.positiveDuration
      .optional()
      .describe('Limit for one request. Without it 30s for executors, 10s for planners.'),
    env: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected letters, digits and "_"'), z.string())
      .default({})
      .describe('The whole environment of the process besides PATH.'),
    capabilities: z.array(z.enum(PLUGIN_CAPABILITIES)).min(1),
    triggers: triggers.describe(
      'When it observes. Without any only by hand, a DynamicConfigSource or an EventSubscription.',
    ),
    context: z
      .strictObject({
        resources: z
          .array(resourceReference)
          .default([])
          .describe('What it is shown of the configuration, without secrets; nothing else.'),
      })
      .prefault({}),
  })
  .describe('A local executable that observes or acts, as a process of its own.');

export const dynamicConfigSourceSpec = z
  .strictObject({
    pluginRef: s.ref('Plugin'),
    ttl: s.positiveDuration.describe('How long a result counts at most; a result may say less.'),
    mergePolicy: z
      .strictObject({
        conflict: z
          .literal('reject')
          .default('reject')
          .describe('A part that declares what is declared already is set aside as a whole.'),
      })
      .prefault({}),
    triggers: triggers.describe("When the plugin observes, in addition to the plugin's own triggers."),
  })
  .describe('Lets the results of a plugin become dynamic configuration.');
