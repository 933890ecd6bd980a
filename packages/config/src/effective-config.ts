/** effective-config = startup-config + the dynamic parts in effect. A bad part costs itself alone. */
import { indexResources, type Instant, type Kind, type Resource } from '@routerd/resources';
import { compareParts, isDamaged, type DamagedPart, type DynamicConfigPart } from './dynamic-config-part.ts';
import {
  canConflict,
  duplicate,
  examine,
  foundationOf,
  invalidIn,
  type Examination,
  type Foundation,
  type Rejection,
} from './part-verdict.ts';

export interface EffectiveResource {
  readonly resource: Resource;
  /** `startup-config`, or the source of the part. */
  readonly source: string;
}

export interface RejectedPart extends Rejection {
  readonly source: string;
  readonly generation: number;
}

export interface ExpiredPart {
  readonly source: string;
  readonly generation: number;
  readonly expiredAt: Instant;
}

export interface EffectiveConfig {
  /** Startup-config in its own order, then the parts by source, each in its own order. */
  readonly resources: readonly EffectiveResource[];
  /** Set aside with the reason, by source. */
  readonly rejected: readonly RejectedPart[];
  /** Left out because their time has passed, by source. */
  readonly expired: readonly ExpiredPart[];
  /** The earliest instant at which time alone changes the result. */
  readonly nextExpiry: Instant | undefined;
}

export const STARTUP_SOURCE = 'startup-config';

/**
 * Rules, in this order:
 * 1. Of several parts of one source the highest generation counts, the others are superseded, also when it has expired.
 * 2. A part is left out from its `expiresAt` on.
 * 3. A part must stand on startup-config alone: no identity of startup again, no resource that is invalid there, none
 *    that makes startup invalid. It cannot refer to another part, whose expiry would take it down.
 * 4. Parts join in the order of their sources; one that repeats an identity of an earlier one, or conflicts with it,
 *    is rejected.
 *
 * Startup-config is not judged here: it was validated when it was loaded, and builds always.
 * Equal inputs give equal results whatever the order of `parts`; nothing is changed.
 * Cost: linear in the resources of the result, with one look-up each; validation is done for parts that are new
 * (by identity of their `resources`) on this startup array only.
 */
export function effectiveConfig(
  startup: readonly Resource[],
  parts: readonly (DynamicConfigPart | DamagedPart)[],
  now: Instant,
): EffectiveConfig {
  const rejected: RejectedPart[] = [];
  const expired: ExpiredPart[] = [];
  const merge = new Merge(startup);
  let previous: DynamicConfigPart | DamagedPart | undefined;
  let nextExpiry: Instant | undefined;
  for (const part of parts.toSorted(compareParts)) {
    const { source, generation, expiresAt } = part;
    if (previous?.source === source) {
      rejected.push({ source, generation, ...superseded(previous) });
      continue;
    }
    previous = part;
    if (now >= expiresAt) {
      expired.push({ source, generation, expiredAt: expiresAt });
      continue;
    }
    if (nextExpiry === undefined || expiresAt < nextExpiry) nextExpiry = expiresAt;
    const rejection: Rejection | undefined = isDamaged(part)
      ? { code: 'part.damaged', resource: undefined, reason: part.damage }
      : merge.add(part);
    if (rejection !== undefined) rejected.push({ source, generation, ...rejection });
  }
  return { resources: merge.resources, rejected, expired, nextExpiry };
}

function superseded(by: DynamicConfigPart | DamagedPart): Rejection {
  return {
    code: 'part.superseded',
    resource: undefined,
    reason: `Generation ${by.generation} of the same source replaces the part.`,
  };
}

/** The result while it is being built; lives inside one call. */
class Merge {
  readonly resources: EffectiveResource[];
  readonly #foundation: Foundation;
  readonly #accepted: Resource[] = [];
  /** Kinds of the accepted parts. */
  readonly #kinds = new Set<Kind>();
  /** Where each identity of the accepted parts came from. */
  readonly #sourceOf = new Map<string, string>();

  constructor(startup: readonly Resource[]) {
    this.#foundation = foundationOf(startup);
    this.resources = startup.map((resource) => ({ resource, source: STARTUP_SOURCE }));
  }

  add(part: DynamicConfigPart): Rejection | undefined {
    const examination = examine(part, this.#foundation);
    const rejection = examination.rejection ?? this.#conflictOf(part, examination);
    if (rejection !== undefined) return rejection;
    for (const identity of examination.identities) this.#sourceOf.set(identity, part.source);
    for (const kind of examination.kinds) this.#kinds.add(kind);
    for (const resource of part.resources) {
      this.#accepted.push(resource);
      this.resources.push({ resource, source: part.source });
    }
    return undefined;
  }

  /** Only a second part can be in conflict with another. */
  #conflictOf({ resources }: DynamicConfigPart, { identities, kinds }: Examination): Rejection | undefined {
    if (this.#accepted.length === 0) return undefined;
    for (const [position, resource] of resources.entries()) {
      const holder = this.#sourceOf.get(identities[position] ?? '');
      if (holder !== undefined) return duplicate(resource, `is in the part of ${holder} already`);
    }
    if (!canConflict(this.#kinds, kinds)) return undefined;
    const below = [...this.#foundation.resources, ...this.#accepted];
    const invalid = invalidIn(resources, below, indexResources(this.#accepted, this.#foundation.index));
    return invalid === undefined ? undefined : { ...invalid, code: 'part.conflict' };
  }
}
