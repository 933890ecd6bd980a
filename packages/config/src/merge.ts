/** The result of a merge while it is being built; lives inside one call. */
import { identityOf, indexResources, isOfKind, type Kind, type Resource, type ResourceIndex } from '@routerd/resources';
import { isPlanned, type DynamicConfigPart } from './dynamic-config-part.ts';
import type { EffectiveResource, Suppression } from './effective-config.ts';
import { examine, ofKinds, targetIdentity, type Examination } from './examination.ts';
import { brokenBy, canConflict, errorOf, foundationOf, newlyBroken, type Foundation } from './foundation.ts';
import { GrowingLayer, without } from './layered-index.ts';
import { duplicate, invalid, nameOf, type Rejection } from './part-verdict.ts';

export class Merge {
  readonly #foundation: Foundation;
  readonly #accepted: { readonly part: DynamicConfigPart; readonly examination: Examination }[] = [];
  /** Kinds of the accepted parts. */
  readonly #kinds = new Set<Kind>();
  /** Where each identity of the accepted parts came from. */
  readonly #sourceOf = new Map<string, string>();
  /** Names of the claims of the accepted parts, by address. */
  readonly #claims = new Map<string, string>();
  /** Identities of startup-config that accepted parts mask. */
  readonly #masked = new Set<string>();
  readonly #layer: GrowingLayer;

  constructor(startup: readonly Resource[]) {
    this.#foundation = foundationOf(startup);
    this.#layer = new GrowingLayer(this.#foundation.index);
  }

  /** Takes the part in, or says why not and has changed nothing. */
  add(part: DynamicConfigPart): Rejection | undefined {
    const examination = examine(part, this.#foundation);
    const rejection = examination.rejection ?? this.#takenClaim(part) ?? this.#conflictOf(part, examination);
    if (rejection !== undefined) return rejection;
    this.#accepted.push({ part, examination });
    this.#layer.add(part.resources);
    for (const identity of examination.identities) this.#sourceOf.set(identity, part.source);
    for (const kind of examination.kinds) this.#kinds.add(kind);
    for (const identity of examination.masked) this.#masked.add(identity);
    for (const resource of part.resources)
      if (isOfKind(resource, 'RemoteAddressClaim')) this.#claims.set(resource.spec.address, resource.metadata.name);
    return undefined;
  }

  resources(): readonly EffectiveResource[] {
    const { entries } = this.#foundation;
    const kept =
      this.#masked.size === 0 ? entries : entries.filter(({ resource }) => !this.#masked.has(identityOf(resource)));
    const added = this.#accepted.flatMap(({ part }) =>
      part.resources.map((resource): EffectiveResource => ({ resource, source: part.source })),
    );
    return kept.concat(added);
  }

  /** In the order of startup-config. */
  suppressed(): readonly Suppression[] {
    if (this.#masked.size === 0) return [];
    const maskers = this.#accepted.flatMap(({ part }) =>
      part.directives.map(({ target, reason }) => ({ identity: targetIdentity(target), reason, part })),
    );
    const byTarget = Map.groupBy(maskers, ({ identity }) => identity);
    return this.#foundation.resources.flatMap((resource) => {
      const [first, ...others] = byTarget.get(identityOf(resource)) ?? [];
      if (first === undefined) return [];
      const all = [first, ...others];
      const latest = all.reduce(
        (until, { part }) => (part.expiresAt > until ? part.expiresAt : until),
        first.part.expiresAt,
      );
      return [
        {
          resource,
          maskedBy: [...new Set(all.map(({ part }) => `DynamicConfigPart/${part.source}`))],
          maskedUntil: latest,
          reason: [...new Set(all.map(({ reason }) => reason))].join('; '),
        },
      ];
    });
  }

  /** Of two claims for one address only one route could be installed; the planner's own come first and are not judged by it. */
  #takenClaim(part: DynamicConfigPart): Rejection | undefined {
    if (isPlanned(part)) return undefined;
    for (const resource of part.resources) {
      if (!isOfKind(resource, 'RemoteAddressClaim')) continue;
      const { address } = resource.spec;
      const holder = this.#foundation.claims.get(address) ?? this.#claims.get(address);
      if (holder === undefined) continue;
      const reason = `${nameOf(resource)}: ${address} is already claimed by RemoteAddressClaim/${holder}; an address has one claim.`;
      return { code: 'part.conflict', resource: nameOf(resource), reason };
    }
    return undefined;
  }

  /** Only a second part can be in conflict with another. */
  #conflictOf(part: DynamicConfigPart, examination: Examination): Rejection | undefined {
    if (this.#accepted.length === 0) return undefined;
    const { identities, kinds, masked } = examination;
    for (const [position, resource] of part.resources.entries()) {
      const holder = this.#sourceOf.get(identities[position] ?? '');
      if (holder !== undefined) return duplicate(resource, `is in the part of ${holder} already`);
    }
    const meeting = {
      kinds: canConflict(this.#kinds, kinds),
      gaps: this.#masked.size > 0 && masked.size > 0,
    };
    if (!meeting.kinds && this.#masked.size === 0 && masked.size === 0) return undefined;
    const before = indexResources([], without(this.#layer, this.#masked));
    const after = indexResources(part.resources, without(this.#layer, unionOf(this.#masked, masked)));
    const own = firstInvalid(part.resources, after);
    if (own !== undefined) return { ...own, code: 'part.conflict' };
    const found =
      newlyBroken(this.#startupConcerned(examination, meeting), { before, after, authorship: 'authored' }) ??
      newlyBroken(this.#acceptedConcerned(examination, meeting), { before, after, authorship: 'derived' });
    return found === undefined ? undefined : { ...invalid(found.resource, found.problem), code: 'part.conflict' };
  }

  /**
   * Each part was examined with its own gaps and additions. What is left are those of several parts together: anything
   * can refer to a gap, an addition breaks certain kinds only.
   */
  #startupConcerned({ kinds, masked }: Examination, meeting: Meeting): readonly Resource[] {
    const { resources, index } = this.#foundation;
    if (!meeting.gaps && !meeting.kinds) return [];
    const gone = unionOf(this.#masked, masked);
    if (masked.size === 0) return ofKinds(without(index, gone), brokenBy(kinds));
    return resources.filter((resource) => !gone.has(identityOf(resource)));
  }

  #acceptedConcerned({ kinds, masked }: Examination, meeting: Meeting): readonly Resource[] {
    if (masked.size === 0 && !meeting.kinds) return [];
    const all = this.#accepted.flatMap(({ part }) => part.resources);
    const broken = brokenBy(kinds);
    return masked.size > 0 ? all : all.filter(({ kind }) => broken.has(kind));
  }
}

/** What of two parts comes together. */
interface Meeting {
  /** Kinds of which resources can be in conflict. */
  readonly kinds: boolean;
  /** Both mask. */
  readonly gaps: boolean;
}

function unionOf<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): ReadonlySet<T> {
  if (a.size === 0) return b;
  return b.size === 0 ? a : new Set([...a, ...b]);
}

function firstInvalid(resources: readonly Resource[], index: ResourceIndex): Rejection | undefined {
  for (const resource of resources) {
    const error = errorOf(resource, index, 'derived');
    if (error !== undefined) return invalid(resource, error);
  }
  return undefined;
}
