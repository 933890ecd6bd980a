/** Whether one dynamic part can stand on a startup-config, remembered for as long as both are the same values. */
import {
  checkResource,
  identityOf,
  indexResources,
  kindsBrokenBy,
  ofKind,
  type Authorship,
  type Kind,
  type Problem,
  type Resource,
  type ResourceIndex,
} from '@routerd/resources';
import type { DynamicConfigPart } from './dynamic-config-part.ts';

export interface Rejection {
  readonly code: 'part.damaged' | 'part.superseded' | 'part.duplicate-identity' | 'part.invalid' | 'part.conflict';
  /** `Kind/name` of the resource that decided; undefined when the part as a whole did. */
  readonly resource: string | undefined;
  /** A full sentence. */
  readonly reason: string;
}

/** What is derived once per startup-config. */
export interface Foundation {
  readonly resources: readonly Resource[];
  readonly index: ResourceIndex;
  readonly identities: ReadonlySet<string>;
  readonly examined: WeakMap<readonly Resource[], Examination>;
}

/** What is derived once per part and startup-config. */
export interface Examination {
  /** Why the part cannot stand on startup-config alone; undefined if it can. */
  readonly rejection: Rejection | undefined;
  readonly identities: readonly string[];
  readonly kinds: ReadonlySet<Kind>;
}

/**
 * Keyed by the startup array itself: a daemon keeps one until its configuration changes. Resources are immutable, so
 * remembering changes no answer; it only spares indexing and validating again what has not changed.
 */
const foundations = new WeakMap<readonly Resource[], Foundation>();

/** Cost: linear in startup the first time, constant after. */
export function foundationOf(startup: readonly Resource[]): Foundation {
  const known = foundations.get(startup);
  if (known !== undefined) return known;
  const foundation: Foundation = {
    resources: startup,
    index: indexResources(startup),
    identities: new Set(startup.map(identityOf)),
    examined: new WeakMap(),
  };
  foundations.set(startup, foundation);
  return foundation;
}

/** Cost: linear in the part's resources (about a microsecond for a claim), constant for the same resources again. */
export function examine({ resources }: DynamicConfigPart, foundation: Foundation): Examination {
  const known = foundation.examined.get(resources);
  if (known !== undefined) return known;
  const identities = resources.map(identityOf);
  const examination: Examination = {
    rejection:
      duplicateIn(resources, identities, foundation) ?? invalidIn(resources, foundation.resources, foundation.index),
    identities,
    kinds: new Set(resources.map((resource): Kind => resource.kind)),
  };
  foundation.examined.set(resources, examination);
  return examination;
}

function duplicateIn(
  resources: readonly Resource[],
  identities: readonly string[],
  foundation: Foundation,
): Rejection | undefined {
  const own = new Set<string>();
  for (const [position, resource] of resources.entries()) {
    const identity = identities[position] ?? '';
    if (foundation.identities.has(identity)) return duplicate(resource, 'is declared in startup-config already');
    if (own.has(identity)) return duplicate(resource, 'occurs twice in the part');
    own.add(identity);
  }
  return undefined;
}

/**
 * Whether resources of these kinds can be in conflict with each other: one kind breaks the other, or both together break a
 * third. Claims and their domains never are.
 */
export function canConflict(a: ReadonlySet<Kind>, b: ReadonlySet<Kind>): boolean {
  const [byA, byB] = [kindsBrokenBy(a), kindsBrokenBy(b)];
  return [...byA].some((kind) => b.has(kind) || byB.has(kind)) || [...byB].some((kind) => a.has(kind));
}

export function duplicate(resource: Resource, what: string): Rejection {
  const name = nameOf(resource);
  return { code: 'part.duplicate-identity', resource: name, reason: `${name} ${what}.` };
}

/**
 * The part's own resources are checked on top of `below`; of `below` only the kinds that the addition can break, and
 * only resources that were valid before: nobody is blamed for what was wrong already.
 */
export function invalidIn(
  added: readonly Resource[],
  belowResources: readonly Resource[],
  below: ResourceIndex,
): Rejection | undefined {
  const index = indexResources(added, below);
  for (const resource of added) {
    const error = errorOf(resource, index, 'derived');
    if (error !== undefined) return invalid(resource, error);
  }
  for (const kind of kindsBrokenBy(new Set(added.map((resource): Kind => resource.kind)))) {
    for (const resource of ofKind(belowResources, kind)) {
      const error = errorOf(resource, index, 'authored');
      if (error !== undefined && errorOf(resource, below, 'authored') === undefined) return invalid(resource, error);
    }
  }
  return undefined;
}

function errorOf(resource: Resource, index: ResourceIndex, authorship: Authorship): Problem | undefined {
  return checkResource(resource, index, authorship).find(({ severity }) => severity === 'error');
}

function invalid(resource: Resource, { message }: Problem): Rejection {
  const name = nameOf(resource);
  return { code: 'part.invalid', resource: name, reason: `${name}: ${message}` };
}

function nameOf(resource: Resource): string {
  return `${resource.kind}/${resource.metadata.name}`;
}
