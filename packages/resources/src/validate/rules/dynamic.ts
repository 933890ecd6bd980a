/** Plugins, what they are shown, when their results count and what those may mask. */
import type { FieldPath, Problem } from '../../diagnostic.ts';
import type { ResourceReference } from '../../dynamic-part.ts';
import { isKind, KINDS, type Kind, type Resource, type ResourceOf } from '../../resource.ts';
import { nearestSpelling } from '../../spelling.ts';
import { peersOfGroup, selfOf, type ResourceIndex } from '../resource-index.ts';
import { errorAt, rule, warningAt, type Rule } from '../rule.ts';
import { nearestName, resolve } from './references.ts';

/** An exact reference has no `Kind/NAME` to normalise; a kind or group that is misspelt would never match anything. */
function* exactReference(target: ResourceReference, index: ResourceIndex, path: FieldPath): Iterable<Problem> {
  const { apiVersion, kind, name } = target;
  if (!isKind(kind)) {
    const nearest = nearestSpelling(kind, Object.keys(KINDS));
    yield errorAt([...path, 'kind'], {
      code: 'reference.no-such-kind',
      message: `There is no kind "${kind}" that can be declared.`,
      ...(nearest === undefined ? {} : { remedy: `Did you mean "${nearest}"?` }),
    });
    return;
  }
  const wanted = KINDS[kind].shape.apiVersion.value;
  if (apiVersion !== wanted) {
    yield errorAt([...path, 'apiVersion'], {
      code: 'reference.no-such-kind',
      message: `${kind} has apiVersion ${wanted}, not "${apiVersion}".`,
      remedy: `Write apiVersion: ${wanted}.`,
    });
    return;
  }
  if (index.get(kind, name) !== undefined || index.isBroken(kind, name)) return;
  const nearest = nearestName(name, kind, index);
  yield warningAt([...path, 'name'], {
    code: 'reference.undeclared',
    message: `No ${kind} "${name}" is declared here: the entry has no effect until it is.`,
    ...(nearest === undefined ? {} : { remedy: `Did you mean "${nearest}"?` }),
  });
}

function* overridePolicy(policy: ResourceOf<'DynamicOverridePolicy'>, index: ResourceIndex): Iterable<Problem> {
  for (const [grant, { source, targets }] of policy.spec.allow.entries()) {
    const path = ['spec', 'allow', grant];
    yield* sourceExists(source, index, [...path, 'source']);
    for (const [position, target] of targets.entries()) {
      yield* exactReference(target, index, [...path, 'targets', position]);
    }
  }
}

/** Kinds that parts come from; the part of a source after the name is not known beforehand. */
const SOURCE_KINDS = ['DynamicConfigSource', 'EventSubscription', 'MobilityPool', 'Plugin'] as const;

function* sourceExists(source: string, index: ResourceIndex, path: FieldPath): Iterable<Problem> {
  const [kind = '', name = ''] = source.split('/');
  const known = SOURCE_KINDS.find((candidate) => candidate === kind);
  if (known !== undefined && (index.get(known, name) !== undefined || index.isBroken(known, name))) return;
  const message =
    known === undefined
      ? `No dynamic part comes from the kind ${kind}; sources are ${SOURCE_KINDS.join(', ')}.`
      : `No ${known} "${name}" is declared here: the grant has no effect until it is.`;
  yield warningAt(path, { code: 'reference.undeclared', message });
}

const OBSERVES = ['observe.cloud', 'propose.dynamicConfig', 'propose.providerAction'] as const;

function* pluginItself(plugin: ResourceOf<'Plugin'>, index: ResourceIndex): Iterable<Problem> {
  const { capabilities, context, triggers } = plugin.spec;
  for (const [position, target] of context.resources.entries()) {
    yield* exactReference(target, index, ['spec', 'context', 'resources', position]);
  }
  yield* followsBesideInterval(triggers);
  if (triggers.length === 0 || OBSERVES.some((capability) => capabilities.includes(capability))) return;
  yield errorAt(['spec', 'triggers'], {
    code: 'plugin.capability',
    message: `The plugin is run to observe, and has none of the capabilities ${OBSERVES.join(', ')}.`,
    remedy: 'Remove the triggers: an executor is run when an action is executed.',
    at: 'key',
  });
}

/** Queues lose messages and expire: without an interval what one of them lost would never be seen. */
function* followsBesideInterval(triggers: ResourceOf<'Plugin'>['spec']['triggers']): Iterable<Problem> {
  const position = triggers.findIndex(({ type }) => type === 'follow');
  if (position === -1 || triggers.some(({ type }) => type === 'interval')) return;
  yield errorAt(['spec', 'triggers', position], {
    code: 'plugin.follow-alone',
    message: 'A follow trigger stands without an interval: an event that is lost would never be made up for.',
    remedy: 'Add { type: interval, every: 10m } beside it.',
  });
}

/** What runs a plugin for its result needs one that may give it. */
function* pluginMay(
  name: string,
  wanted: readonly (typeof OBSERVES)[number][],
  index: ResourceIndex,
  path: FieldPath,
): Iterable<Problem> {
  yield* resolve(index, 'Plugin', name, path);
  const capabilities = index.get('Plugin', name)?.spec.capabilities;
  if (capabilities === undefined || wanted.some((capability) => capabilities.includes(capability))) return;
  yield errorAt(path, {
    code: 'plugin.capability',
    message: `Plugin/${name} has the capabilities ${capabilities.join(', ')}; for its results to be used here it needs ${wanted.join(' or ')}.`,
    remedy: `Add the capability to Plugin/${name}, or name another plugin.`,
  });
}

function* configSource(source: ResourceOf<'DynamicConfigSource'>, index: ResourceIndex): Iterable<Problem> {
  yield* pluginMay(source.spec.pluginRef, ['propose.dynamicConfig'], index, ['spec', 'pluginRef']);
  yield* followsBesideInterval(source.spec.triggers);
}

function* eventSubscription(subscription: ResourceOf<'EventSubscription'>, index: ResourceIndex): Iterable<Problem> {
  const { groupRef, match, trigger } = subscription.spec;
  yield* resolve(index, 'EventGroup', groupRef, ['spec', 'groupRef']);
  yield* pluginMay(trigger.pluginRef, OBSERVES, index, ['spec', 'trigger', 'pluginRef']);
  const self = selfOf(index, groupRef);
  if (self === undefined) return;
  const nodes = new Set([self, ...peersOfGroup(index, groupRef)]);
  for (const [position, node] of match.sourceNodes.entries()) {
    if (nodes.has(node)) continue;
    const nearest = nearestSpelling(node, [...nodes]);
    yield warningAt(['spec', 'match', 'sourceNodes', position], {
      code: 'subscription.unknown-node',
      message: `"${node}" is neither this node nor an EventPeer of EventGroup/${groupRef}: no fact of it is ever accepted.`,
      remedy: nearest === undefined ? 'Declare an EventPeer with its public key.' : `Did you mean "${nearest}"?`,
    });
  }
}

/**
 * What a plugin could use to give itself more rights, or to make this node believe others: grants, permissions at
 * providers, executables, and the identities of nodes.
 */
const STARTUP_ONLY = [
  'DynamicConfigSource',
  'DynamicOverridePolicy',
  'EventGroup',
  'EventPeer',
  'EventSubscription',
  'Plugin',
  'ProviderActionPolicy',
] as const satisfies readonly Kind[];

function* notDynamic({ kind }: Resource): Iterable<Problem> {
  yield errorAt(['kind'], {
    code: 'kind.not-dynamic',
    message: `A ${kind} cannot come from dynamic configuration; it stands in startup-config.`,
  });
}

export const dynamicRules: readonly Rule[] = [
  rule('DynamicOverridePolicy', overridePolicy),
  rule('Plugin', pluginItself),
  rule('DynamicConfigSource', configSource),
  rule('EventSubscription', eventSubscription),
  ...STARTUP_ONLY.map((kind) => rule(kind, notDynamic, { appliesTo: 'derived' })),
];
