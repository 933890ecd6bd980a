/** plugin.routerd.net: local executables that observe or act. */
import { z } from 'zod';
import * as s from '../scalars.ts';

export const PLUGIN_CAPABILITIES = [
  'observe.cloud',
  'propose.dynamicConfig',
  'propose.providerAction',
  'execute.providerAction',
] as const;

export const pluginSpec = z.strictObject({
  executable: s.absolutePath,
  /** Arguments after the executable; never secrets. */
  args: z.array(z.string()).default([]),
  /** Limit for one request; default 30s for executors, 10s for planners. */
  timeout: s.duration.optional(),
  /** The whole environment of the process besides PATH. */
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected letters, digits and "_"'), z.string())
    .default({}),
  capabilities: z.array(z.enum(PLUGIN_CAPABILITIES)).min(1),
});
