/** Parts that join startup-config together; each lives inside one merge. */
import {
  identityOf,
  indexResources,
  type Kind,
  type Problem,
  type Resource,
  type ResourceIndex,
} from '@routerd/resources';
import { isPlanned, type DynamicConfigPart } from './dynamic-config-part.ts';
import type { EffectiveResource, Suppression } from './effective-config.ts';
import { ofKinds, rememberedIdentity, targetIdentity, type Examination } from './examination.ts';
import { brokenBy, errorOf, newlyBroken, type Foundation } from './foundation.ts';
import { Holders } from './holders.ts';
import { without } from './layered-index.ts';
import { duplicate, nameOf, type Rejection } from './part-verdict.ts';

/** A part that can stand on startup-config alone. */
export interface Candidate {
  readonly part: DynamicConfigPart;
  readonly examination: Examination;
}

export interface Broken {
  readonly resource: Resource;
  readonly problem: Problem;
}

export class Merge {
  readonly candidates: Candidate[] = [];
  readonly #foundation: Foundation;
  /** Where each identity of the parts came from. */
  readonly #sources = new Holders();
  /** What of startup-config the parts mask. */
  readonly #masked = new Set<Resource>();
  /** Of how many candidates the claims are in it. */
  #claimsOf = 0;
  #claimed: Holders | undefined;

  constructor(foundation: Foundation) {
    this.#foundation = foundation;
  }

  /** Takes the part in, or says what it repeats and has changed nothing. Whether the parts agree is another question. */
  add(candidate: Candidate): Rejection | undefined {
    const { examination } = candidate;
    const rejection = this.#takenClaim(candidate) ?? this.#repeated(candidate);
    if (rejection !== undefined) return rejection;
    this.candidates.push(candidate);
    this.#sources.add(examination.identities);
    for (const resource of examination.masked) this.#masked.add(resource);
    return undefined;
  }

  /**
   * What is invalid because the parts are there together, and was valid before `fresh` came to the others. An addition
   * breaks certain kinds only, anything can refer to a gap; each part alone was examined already.
   * Cost: linear in the fresh parts and in what they can break; with a mask among them in everything.
   */
  brokenBy(fresh: readonly Candidate[]): Broken | undefined {
    if (this.candidates.length < 2 || fresh.length === 0) return undefined;
    const added = new Set(fresh.flatMap(({ examination }) => [...examination.kinds]));
    const opensGap = fresh.some(({ examination }) => examination.masked.size > 0);
    const broken = brokenBy(added);
    if (this.#masked.size === 0 && !this.#canConflict(added, broken)) return undefined;
    const { index, resources } = this.#foundation;
    const left = without(index, this.#masked);
    const after = indexResources(
      this.candidates.flatMap(({ part }) => part.resources),
      left,
    );
    const among = new Set(fresh);
    const others = this.candidates.filter((candidate) => !among.has(candidate)).flatMap(({ part }) => part.resources);
    return (
      firstInvalid(
        fresh.flatMap(({ part }) => part.resources),
        after,
      ) ??
      newlyBroken(opensGap ? this.#kept(resources) : ofKinds(left, broken), {
        before: index,
        after,
        authorship: 'authored',
      }) ??
      firstInvalid(opensGap ? others : others.filter(({ kind }) => broken.has(kind)), after)
    );
  }

  resources(): readonly EffectiveResource[] {
    const { entries } = this.#foundation;
    const kept = this.#masked.size === 0 ? entries : entries.filter(({ resource }) => !this.#masked.has(resource));
    return kept.concat(...this.candidates.map(({ examination }) => examination.entries));
  }

  /** In the order of startup-config. */
  suppressed(): readonly Suppression[] {
    if (this.#masked.size === 0) return [];
    const maskers = this.candidates.flatMap(({ part }) =>
      part.directives.map(({ target, reason }) => ({ identity: targetIdentity(target), reason, part })),
    );
    const byTarget = Map.groupBy(maskers, ({ identity }) => identity);
    return this.#foundation.resources.flatMap((resource) => {
      const [first, ...others] = byTarget.get(identityOf(resource)) ?? [];
      if (first === undefined) return [];
      const all = [first, ...others];
      return [
        {
          resource,
          maskedBy: [...new Set(all.map(({ part }) => `DynamicConfigPart/${part.source}`))],
          maskedUntil: others.reduce(
            (until, { part }) => (part.expiresAt > until ? part.expiresAt : until),
            first.part.expiresAt,
          ),
          reason: [...new Set(all.map(({ reason }) => reason))].join('; '),
        },
      ];
    });
  }

  /** Of two claims for one address only one route could be installed; the planner's own come first and are not judged by it. */
  #takenClaim({ part, examination }: Candidate): Rejection | undefined {
    if (isPlanned(part)) return undefined;
    const claimed = this.#claimsSoFar(examination);
    for (const claim of examination.claims) {
      const { address } = claim.spec;
      const holder = this.#foundation.claims.get(address) ?? claimed?.holderOf(address);
      if (holder === undefined) continue;
      const reason = `${nameOf(claim)}: ${address} is already claimed by RemoteAddressClaim/${holder}; an address has one claim.`;
      return { code: 'part.conflict', resource: nameOf(claim), reason };
    }
    return undefined;
  }

  /** Names of the claims of the parts, by address; kept only where somebody asks, since the planner's are many. */
  #claimsSoFar({ claims }: Examination): Holders | undefined {
    if (claims.length === 0) return undefined;
    this.#claimed ??= new Holders();
    for (const { examination } of this.candidates.slice(this.#claimsOf)) this.#claimed.add(examination.claimNames());
    this.#claimsOf = this.candidates.length;
    return this.#claimed;
  }

  #repeated({ part }: Candidate): Rejection | undefined {
    if (this.#sources.isEmpty) return undefined;
    for (const resource of part.resources) {
      const holder = this.#sources.holderOf(rememberedIdentity(resource));
      if (holder !== undefined) return duplicate(resource, `is in the part of ${holder} already`);
    }
    return undefined;
  }

  /** Whether any two of the parts have kinds that one of can break the other, or both together a third. */
  #canConflict(added: ReadonlySet<Kind>, broken: ReadonlySet<Kind>): boolean {
    if (broken.size > 0) return true;
    const present = new Set(this.candidates.flatMap(({ examination }) => [...examination.kinds]));
    return [...brokenBy(present)].some((kind) => added.has(kind));
  }

  #kept(resources: readonly Resource[]): readonly Resource[] {
    return resources.filter((resource) => !this.#masked.has(resource));
  }
}

function firstInvalid(resources: readonly Resource[], index: ResourceIndex): Broken | undefined {
  for (const resource of resources) {
    const problem = errorOf(resource, index, 'derived');
    if (problem !== undefined) return { resource, problem };
  }
  return undefined;
}
