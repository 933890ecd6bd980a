/** plugin.routerd.net: local executables that observe or act. */
import { z } from 'zod';
import * as s from '../scalars.ts';

export const PLUGIN_CAPABILITIES = [
  'observe.cloud',
  'propose.dynamicConfig',
  'propose.providerAction',
  'execute.providerAction',
] as const;

export const pluginSpec = z
  .strictObject({
    executable: s.absolutePath,
    args: z.array(z.string()).default([]).describe('Arguments after the executable; never secrets.'),
    timeout: s.duration.optional().describe('Limit for one request. Without it 30s for executors, 10s for planners.'),
    env: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected letters, digits and "_"'), z.string())
      .default({})
      .describe('The whole environment of the process besides PATH.'),
    capabilities: z.array(z.enum(PLUGIN_CAPABILITIES)).min(1),
  })
  .describe('A local executable that observes or acts, as a process of its own.');
