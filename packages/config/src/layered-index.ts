/** Views of resources by kind and name that are made without copying what lies below. */
import {
  identityOf,
  isOfKind,
  type Kind,
  type Resource,
  type ResourceIndex,
  type ResourceOf,
} from '@routerd/resources';

/** The same without some resources. Cost: none; `ofKind` is linear in the kind, once for each kind asked for. */
export function without(below: ResourceIndex, masked: ReadonlySet<string>): ResourceIndex {
  if (masked.size === 0) return below;
  const isKept = (resource: Resource): boolean => !masked.has(identityOf(resource));
  return {
    get: (kind, name) => {
      const found = below.get(kind, name);
      return found === undefined || !isKept(found) ? undefined : found;
    },
    ofKind: (kind) => below.ofKind(kind).filter(isKept),
    isBroken: (kind, name) => below.isBroken(kind, name),
  };
}

/**
 * A layer that grows. What is derived from an index is remembered by its identity, so nothing is checked on this one:
 * it only lies below others.
 */
export class GrowingLayer implements ResourceIndex {
  readonly #below: ResourceIndex;
  readonly #byKind = new Map<Kind, Map<string, Resource>>();

  constructor(below: ResourceIndex) {
    this.#below = below;
  }

  /** Identities are new to the layer and to what lies below. */
  add(resources: readonly Resource[]): void {
    for (const resource of resources) {
      const ofKind = this.#byKind.get(resource.kind);
      if (ofKind === undefined) this.#byKind.set(resource.kind, new Map([[resource.metadata.name, resource]]));
      else ofKind.set(resource.metadata.name, resource);
    }
  }

  readonly get = <K extends Kind>(kind: K, name: string): ResourceOf<K> | undefined => {
    const own = this.#byKind.get(kind)?.get(name);
    return own !== undefined && isOfKind(own, kind) ? own : this.#below.get(kind, name);
  };

  readonly ofKind = <K extends Kind>(kind: K): readonly ResourceOf<K>[] => {
    const own = this.#byKind.get(kind);
    const below = this.#below.ofKind(kind);
    return own === undefined ? below : below.concat([...own.values()].filter((resource) => isOfKind(resource, kind)));
  };

  readonly isBroken = (kind: Kind, name: string): boolean => this.#below.isBroken(kind, name);
}
