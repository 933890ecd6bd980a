/** What a plugin is asked, as the JSON document that it reads. Pure. */
import { formatInstant, type Instant, type Resource, type ResourceOf } from '@routerd/resources';
import { contextOf, type ContextResource } from './context.ts';
import type { FactEvent } from './fact-event.ts';
import type { RunTrigger } from './trigger-state.ts';

/** docs/reference/plugin-protocol.md; the schema on the plugin's side is `pluginRequest` of plugin-sdk. */
export interface PluginRequest {
  readonly apiVersion: 'plugin.routerd.net/v1alpha1';
  readonly kind: 'PluginRequest';
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly trigger: RunTrigger;
    /** SHA-256 over the canonical startup-config. */
    readonly startupConfigHash: string;
    /** Grows with each change of effective-config. */
    readonly effectiveGeneration: number;
    /** Of the part that the result replaces; 0 if there is none. */
    readonly previousDynamicGeneration: number;
    readonly now: string;
    readonly events: readonly RequestEvent[];
    readonly context: { readonly resources: readonly ContextResource[] };
  };
}

type RequestEvent = Omit<FactEvent, 'observedAt' | 'expiresAt'> & {
  readonly observedAt: string;
  readonly expiresAt: string;
};

export interface RequestParts {
  readonly plugin: ResourceOf<'Plugin'>;
  readonly trigger: RunTrigger;
  readonly events: readonly FactEvent[];
  readonly effective: readonly Resource[];
  readonly startupConfigHash: string;
  readonly effectiveGeneration: number;
  readonly previousDynamicGeneration: number;
  readonly now: Instant;
}

export function pluginRequest(parts: RequestParts): PluginRequest {
  const { plugin, trigger, events, effective, startupConfigHash, effectiveGeneration } = parts;
  return {
    apiVersion: 'plugin.routerd.net/v1alpha1',
    kind: 'PluginRequest',
    metadata: { name: plugin.metadata.name },
    spec: {
      trigger,
      startupConfigHash,
      effectiveGeneration,
      previousDynamicGeneration: parts.previousDynamicGeneration,
      now: formatInstant(parts.now),
      events: events.map((event) => ({
        ...event,
        observedAt: formatInstant(event.observedAt),
        expiresAt: formatInstant(event.expiresAt),
      })),
      context: { resources: contextOf(plugin.spec.context.resources, effective) },
    },
  };
}
