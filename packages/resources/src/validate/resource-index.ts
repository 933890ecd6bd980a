/** Look-up of resources by kind and name, in layers: startup-config below, one dynamic part above. */
import { isOfKind, type Kind, type Resource, type ResourceOf } from '../resource.ts';

export interface ResourceIndex {
  /** Cost: constant. */
  readonly get: <K extends Kind>(kind: K, name: string) => ResourceOf<K> | undefined;
  /** In declaration order, lower layers first. The order decides which of two resources in conflict is the later one. */
  readonly ofKind: <K extends Kind>(kind: K) => readonly ResourceOf<K>[];
  /** Declared, but invalid by itself: a reference to it is not at fault as well. */
  readonly isBroken: (kind: Kind, name: string) => boolean;
}

const EMPTY: ResourceIndex = { get: () => undefined, ofKind: () => [], isBroken: () => false };

/**
 * Cost: linear in `resources`; the layer below is shared, not copied. Of equal names in one layer the first counts.
 * @param broken `Kind/name` of what was declared and could not be read
 */
export function indexResources(
  resources: readonly Resource[],
  below: ResourceIndex = EMPTY,
  broken: ReadonlySet<string> = new Set(),
): ResourceIndex {
  const byKind = new Map<Kind, Map<string, Resource>>();
  for (const resource of resources) {
    const ofKind = byKind.get(resource.kind) ?? new Map<string, Resource>();
    byKind.set(resource.kind, ofKind);
    if (!ofKind.has(resource.metadata.name)) ofKind.set(resource.metadata.name, resource);
  }
  const ownOfKind = <K extends Kind>(kind: K): readonly ResourceOf<K>[] =>
    [...(byKind.get(kind)?.values() ?? [])].filter((resource) => isOfKind(resource, kind));
  return {
    get: (kind, name) => {
      const lower = below.get(kind, name);
      if (lower !== undefined) return lower;
      const own = byKind.get(kind)?.get(name);
      return own !== undefined && isOfKind(own, kind) ? own : undefined;
    },
    isBroken: (kind, name) => broken.has(`${kind}/${name}`) || below.isBroken(kind, name),
    ofKind: (kind) => (byKind.has(kind) ? [...below.ofKind(kind), ...ownOfKind(kind)] : below.ofKind(kind)),
  };
}

/** Remembers what is derived from an index for as long as the index lives: n checks cost one derivation. */
export function oncePerIndex<T>(derive: (index: ResourceIndex) => T): (index: ResourceIndex) => T {
  const known = new WeakMap<ResourceIndex, { readonly value: T }>();
  return (index) => {
    const found = known.get(index);
    if (found !== undefined) return found.value;
    const value = derive(index);
    known.set(index, { value });
    return value;
  };
}

/**
 * Of the resources of a kind with equal keys the one declared first: each other one is in conflict with it.
 * @param keysOf what may occur once; a resource may have several, or none
 */
export function firstByKey<K extends Kind>(
  kind: K,
  keysOf: (resource: ResourceOf<K>) => readonly string[],
): (index: ResourceIndex) => ReadonlyMap<string, ResourceOf<K>> {
  return oncePerIndex((index) => {
    const first = new Map<string, ResourceOf<K>>();
    for (const resource of index.ofKind(kind)) {
      for (const key of keysOf(resource)) if (!first.has(key)) first.set(key, resource);
    }
    return first;
  });
}

/** The node that this configuration is for: `nodeName` of the only EventGroup, or of the one that a pool names. */
export function selfOf(index: ResourceIndex, groupRef: string): string | undefined {
  return index.get('EventGroup', groupRef)?.spec.nodeName;
}

const peersByGroup = oncePerIndex((index) => {
  const groups = Map.groupBy(index.ofKind('EventPeer'), ({ spec }) => spec.groupRef);
  return new Map([...groups].map(([group, peers]) => [group, new Set<string>(peers.map(({ spec }) => spec.nodeName))]));
});

/** The other nodes of a group, whose facts are accepted. */
export function peersOfGroup(index: ResourceIndex, groupRef: string): ReadonlySet<string> {
  return peersByGroup(index).get(groupRef) ?? new Set();
}
