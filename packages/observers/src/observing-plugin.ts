/** Which plugins observe, what runs them, and for how long their results may count. Pure. */
import {
  formatDuration,
  ofKind,
  unreachable,
  type DurationMs,
  type Resource,
  type ResourceOf,
} from '@routerd/resources';

export interface ObservingPlugin {
  readonly plugin: ResourceOf<'Plugin'>;
  /** Triggers of the plugin and of every DynamicConfigSource that names it. */
  readonly own: ResourceOf<'Plugin'>['spec']['triggers'];
  readonly descriptions: readonly string[];
  /** The shortest of its sources; undefined if no source lets its results become configuration. */
  readonly ttlMax: DurationMs | undefined;
}

const OBSERVES = ['observe.cloud', 'propose.dynamicConfig', 'propose.providerAction'] as const;

/** In the order of startup-config. A plugin that only executes is none of them. */
export function observingPlugins(startup: readonly Resource[]): readonly ObservingPlugin[] {
  const sources = ofKind(startup, 'DynamicConfigSource');
  const subscriptions = ofKind(startup, 'EventSubscription');
  return ofKind(startup, 'Plugin')
    .filter(({ spec }) => OBSERVES.some((capability) => spec.capabilities.includes(capability)))
    .map((plugin) => {
      const { name } = plugin.metadata;
      const naming = sources.filter(({ spec }) => spec.pluginRef === name);
      const own = [...plugin.spec.triggers, ...naming.flatMap(({ spec }) => spec.triggers)];
      const ttls = naming.map(({ spec }) => spec.ttl);
      return {
        plugin,
        own,
        descriptions: [
          ...own.map(describe),
          ...subscriptions.flatMap(({ metadata, spec }) =>
            spec.trigger.pluginRef === name ? [`EventSubscription/${metadata.name}`] : [],
          ),
        ],
        ttlMax: ttls.length === 0 ? undefined : (Math.min(...ttls) as DurationMs),
      };
    });
}

function describe(trigger: ObservingPlugin['own'][number]): string {
  switch (trigger.type) {
    case 'interval':
      return `every ${formatDuration(trigger.every)}`;
    case 'event':
      return `on ${trigger.topic}`;
    case 'follow':
      return 'when its cloud tells of something';
    default:
      return unreachable(trigger);
  }
}
