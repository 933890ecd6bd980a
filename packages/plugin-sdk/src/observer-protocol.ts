/**
 * The observer protocol on the wire: one `PluginRequest` as JSON on stdin, one `PluginResult` as JSON or YAML on stdout, and the process ends.
 * docs/reference/plugin-protocol.md
 */
import { z } from 'zod';
import { PROVIDERS, VERBS } from './protocol-parts.ts';

export const PLUGIN_API_VERSION = 'plugin.routerd.net/v1alpha1';
/** A longer request is refused. Bytes. */
export const PLUGIN_REQUEST_BYTES_MAX = 16 * 1024 * 1024;
/** A plugin that writes more is killed. Bytes. */
export const PLUGIN_RESULT_BYTES_MAX = 4 * 1024 * 1024;
/** YAML takes longer to read than JSON, and the daemon reads it while it routes: more than this has to be JSON. Bytes. */
export const PLUGIN_RESULT_YAML_BYTES_MAX = 256 * 1024;

const strings = z.record(z.string(), z.string());
const identity = { apiVersion: z.string().min(1), kind: z.string().min(1), name: z.string().min(1) };

export const pluginRequest = z.strictObject({
  apiVersion: z.literal(PLUGIN_API_VERSION),
  kind: z.literal('PluginRequest'),
  metadata: z.strictObject({ name: z.string() }),
  spec: z.strictObject({
    trigger: z.strictObject({
      type: z.enum(['interval', 'event', 'follow', 'manual', 'federation-subscription']),
      topic: z.string(),
    }),
    startupConfigHash: z.string(),
    effectiveGeneration: z.number().int(),
    previousDynamicGeneration: z.number().int(),
    now: z.iso.datetime(),
    events: z.array(
      z.strictObject({
        id: z.string(),
        group: z.string(),
        sourceNode: z.string(),
        type: z.string(),
        subject: z.string(),
        dedupeKey: z.string(),
        payload: strings,
        observedAt: z.iso.datetime(),
        expiresAt: z.iso.datetime(),
      }),
    ),
    context: z.strictObject({ resources: z.array(z.strictObject({ ...identity, spec: z.unknown() })) }),
  }),
});

const NOT_EXECUTED =
  'actionPlan mode=execute is not supported; provider actions are dry-run/display-only: only the engine decides to execute';

const actionPlan = z
  .strictObject({
    name: z.string().min(1),
    provider: z.enum(PROVIDERS),
    providerRef: z.string().min(1),
    action: z.enum(VERBS),
    target: strings,
    parameters: strings.default({}),
    mode: z
      .string()
      .refine((mode) => mode === '' || mode === 'dry-run', NOT_EXECUTED)
      .default('dry-run'),
    description: z.string().default(''),
    riskLevel: z.enum(['low', 'medium', 'high']).default('medium'),
    idempotencyKey: z.string().min(1),
    expectedEffects: z.array(z.string()).default([]),
    undo: z.strictObject({ action: z.enum(VERBS), parameters: strings.default({}) }).optional(),
  })
  .superRefine(({ action, target }, context) => {
    if (action !== 'assign-secondary-ip' && action !== 'unassign-secondary-ip') return;
    for (const key of ['address', 'nicRef']) {
      if ((target[key] ?? '') === '')
        context.addIssue({ code: 'custom', path: ['target', key], message: `${action} needs target.${key}` });
    }
  });

const directive = z.strictObject({
  op: z.literal('mask'),
  target: z.strictObject(identity),
  reason: z.string().regex(/\S/, 'expected text that is not blank'),
});

const observedEvent = z.strictObject({
  type: z.string().min(1),
  /** `10.77.60.10/32`. */
  subject: z.string().min(1),
  /** Needed where the node has several pools. */
  pool: z.string().optional(),
  /** A duration; the pool's own where it is left out. */
  ttl: z.string().optional(),
});

/** What was observed. `resources` are checked one by one by the reader, by the schema of their kind. */
export const observeResult = z.strictObject({
  /** RFC 3339 in UTC; the time of the answer where it is left out. */
  observedAt: z.iso.datetime().optional(),
  /** How long it counts: a duration above zero, `30m`. */
  ttl: z.string(),
  /** `previousDynamicGeneration` + 1, for a plugin that wants a result for an older request to be refused. */
  generation: z.number().int().min(1).optional(),
  resources: z.array(z.unknown()).default([]),
  directives: z.array(directive).default([]),
  actionPlans: z.array(actionPlan).default([]),
  events: z.array(observedEvent).default([]),
});

export const pluginResult = z.strictObject({
  apiVersion: z.literal(PLUGIN_API_VERSION),
  kind: z.literal('PluginResult'),
  /** The name in the request. */
  metadata: z.strictObject({ name: z.string() }),
  status: observeResult,
});

export type PluginRequest = z.output<typeof pluginRequest>;
export type ObserveRequest = PluginRequest['spec'];
export type PluginResult = z.output<typeof pluginResult>;
/** As a plugin gives it: what is empty may be left out. */
export type ObserveResult = Readonly<z.input<typeof observeResult>>;
export type ObservedEvent = z.output<typeof observedEvent>;
