/** A view of resources by kind and name that leaves some out, made without copying the others. */
import type { Resource, ResourceIndex } from '@routerd/resources';

/** Cost: none; `ofKind` is linear in the kind, once for each kind asked for. */
export function without(below: ResourceIndex, masked: ReadonlySet<Resource>): ResourceIndex {
  if (masked.size === 0) return below;
  const isKept = (resource: Resource): boolean => !masked.has(resource);
  return {
    get: (kind, name) => {
      const found = below.get(kind, name);
      return found === undefined || !isKept(found) ? undefined : found;
    },
    ofKind: (kind) => below.ofKind(kind).filter(isKept),
    isBroken: (kind, name) => below.isBroken(kind, name),
  };
}
