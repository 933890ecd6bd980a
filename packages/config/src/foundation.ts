/** What is derived once per startup-config, remembered for as long as it is the same value. */
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
import type { Examination } from './examination.ts';
import type { EffectiveResource } from './effective-config.ts';

export const STARTUP_SOURCE = 'startup-config';

export interface Foundation {
  readonly resources: readonly Resource[];
  /** The same, as parts of effective-config. */
  readonly entries: readonly EffectiveResource[];
  readonly index: ResourceIndex;
  readonly byIdentity: ReadonlyMap<string, Resource>;
  /** `SOURCE IDENTITY` of every mask that a DynamicOverridePolicy grants. */
  readonly grants: ReadonlySet<string>;
  /** Names of the claims of startup-config, by address. */
  readonly claims: ReadonlyMap<string, string>;
  readonly examined: WeakMap<readonly Resource[], Examination>;
  /** The examination of each source's part in the last merge. */
  lastOf: ReadonlyMap<string, Examination>;
  /** Claims that were valid, and what of their part stood beside them then. */
  readonly standing: WeakMap<Resource, readonly Resource[]>;
  /** The parts that joined the last time: they, and any of them, agree with each other. */
  agreeing: ReadonlySet<Examination>;
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
    entries: startup.map((resource) => ({ resource, source: STARTUP_SOURCE })),
    index: indexResources(startup),
    byIdentity: new Map(startup.map((resource) => [identityOf(resource), resource])),
    grants: new Set(grantsOf(startup)),
    claims: new Map(ofKind(startup, 'RemoteAddressClaim').map(({ metadata, spec }) => [spec.address, metadata.name])),
    examined: new WeakMap(),
    lastOf: new Map(),
    standing: new WeakMap(),
    agreeing: new Set(),
  };
  foundations.set(startup, foundation);
  return foundation;
}

function grantsOf(startup: readonly Resource[]): readonly string[] {
  return ofKind(startup, 'DynamicOverridePolicy').flatMap(({ spec }) =>
    spec.allow.flatMap(({ source, operations, targets }) =>
      operations.includes('mask')
        ? targets.map(({ apiVersion, kind, name }) =>
            grantKey(source, identityOf({ apiVersion, kind, metadata: { name } })),
          )
        : [],
    ),
  );
}

/** Neither a source nor an identity has a space in it. */
export function grantKey(source: string, identity: string): string {
  return `${source} ${identity}`;
}

/** The first error of a resource among others. */
export function errorOf(resource: Resource, index: ResourceIndex, authorship: Authorship): Problem | undefined {
  return checkResource(resource, index, authorship).find(({ severity }) => severity === 'error');
}

/** A resource that was valid before and is not any more, with its new error. Nobody is blamed for what was wrong already. */
export function newlyBroken(
  resources: Iterable<Resource>,
  { before, after, authorship }: { before: ResourceIndex; after: ResourceIndex; authorship: Authorship },
): { readonly resource: Resource; readonly problem: Problem } | undefined {
  for (const resource of resources) {
    const problem = errorOf(resource, after, authorship);
    if (problem !== undefined && errorOf(resource, before, authorship) === undefined) return { resource, problem };
  }
  return undefined;
}

const brokenByKnown = new Map<string, ReadonlySet<Kind>>();

/** Kinds of which resources may become invalid by an addition of these kinds. Remembered: there are few combinations. */
export function brokenBy(kinds: ReadonlySet<Kind>): ReadonlySet<Kind> {
  const key = [...kinds].toSorted().join(' ');
  const known = brokenByKnown.get(key);
  if (known !== undefined) return known;
  const broken = kindsBrokenBy(kinds);
  if (brokenByKnown.size < BROKEN_BY_KNOWN_MAX) brokenByKnown.set(key, broken);
  return broken;
}

const BROKEN_BY_KNOWN_MAX = 1000;
