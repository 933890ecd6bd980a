/** effective-config = startup-config + the dynamic parts in effect − what they mask. A bad part costs itself alone. */
import type { Instant, Resource } from '@routerd/resources';
import { compareParts, isDamaged, isPlanned, type DamagedPart, type DynamicConfigPart } from './dynamic-config-part.ts';
import { joinParts } from './join-parts.ts';
import { superseded, type PartVerdict, type Rejection } from './part-verdict.ts';

export interface EffectiveResource {
  readonly resource: Resource;
  /** `startup-config`, or the source of the part. */
  readonly source: string;
}

/** A resource of startup-config that is left out for a while. It comes back by itself. */
export interface Suppression {
  readonly resource: Resource;
  /** `DynamicConfigPart/SOURCE`, in the order in which the parts join. */
  readonly maskedBy: readonly string[];
  /** The latest expiry among them: as far as it is known, the resource comes back then. */
  readonly maskedUntil: Instant;
  /** Their reasons, joined by "; ". */
  readonly reason: string;
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
  /** Startup-config in its own order, then the parts in the order in which they join, each in its own order. */
  readonly resources: readonly EffectiveResource[];
  /** What of startup-config is masked, in its order. */
  readonly suppressed: readonly Suppression[];
  /** What became of every part, in the order in which they join. */
  readonly parts: readonly PartVerdict[];
  /** Those of them that were set aside, with the reason. */
  readonly rejected: readonly RejectedPart[];
  /** Those of them whose time has passed. */
  readonly expired: readonly ExpiredPart[];
  /** The earliest instant at which time alone changes the result. */
  readonly nextExpiry: Instant | undefined;
}

/**
 * Rules, in this order:
 * 1. Of several parts of one source the highest generation counts, the others are superseded, also when it has expired.
 * 2. A part whose stored content is damaged is rejected. A part is left out from its `expiresAt` on.
 * 3. Every mask of a part names a resource of startup-config and is granted by a DynamicOverridePolicy there.
 * 4. A part must stand on startup-config without what it masks, alone: no identity of startup again (masked or not), no
 *    resource that is invalid there, nothing valid of startup that becomes invalid. It cannot lean on another part,
 *    whose expiry would take it down.
 * 5. Parts join in the order of their sources, those of the planner first; one that repeats an identity or claims an
 *    address of an earlier one, or is in conflict with it, is rejected.
 *
 * Startup-config is not judged here: it was validated when it was loaded, and builds always.
 * Equal inputs give equal results whatever the order of `parts`; nothing is changed.
 * Cost: linear in the resources of the result, with one look-up each; validation is done for parts that are new
 * (by identity of their `resources` and `directives`) on this startup array only, and for what they can break. A part
 * that masks, when it is new, costs the validation of everything.
 */
export function effectiveConfig(
  startup: readonly Resource[],
  parts: readonly (DynamicConfigPart | DamagedPart)[],
  now: Instant,
): EffectiveConfig {
  const ordered = parts.toSorted(byPrecedence);
  const candidates: DynamicConfigPart[] = [];
  /** By position in `ordered`; undefined for candidates until it is known who joins. */
  const settled: (PartVerdict | undefined)[] = [];
  let previous: DynamicConfigPart | DamagedPart | undefined;
  let nextExpiry: Instant | undefined;
  for (const part of ordered) {
    const isNewest = previous?.source !== part.source;
    const verdict = isNewest ? verdictByItself(part, now) : supersededBy(part, previous?.generation ?? 0);
    settled.push(verdict);
    if (isNewest && now < part.expiresAt && (nextExpiry === undefined || part.expiresAt < nextExpiry))
      nextExpiry = part.expiresAt;
    if (verdict === undefined && !isDamaged(part)) candidates.push(part);
    if (isNewest) previous = part;
  }
  const { merge, rejections } = joinParts(startup, candidates);
  const joining = candidates[Symbol.iterator]();
  const verdicts = settled.flatMap((verdict) => {
    const part = verdict === undefined ? joining.next().value : undefined;
    return part === undefined ? (verdict ?? []) : verdictAmongOthers(part, rejections.get(part));
  });
  return {
    resources: merge.resources(),
    suppressed: merge.suppressed(),
    parts: verdicts,
    rejected: verdicts.flatMap(rejectedOf),
    expired: verdicts.flatMap(expiredOf),
    nextExpiry,
  };
}

/** @returns undefined for a part that may join: the others decide */
function verdictByItself(part: DynamicConfigPart | DamagedPart, now: Instant): PartVerdict | undefined {
  const { source, generation, expiresAt } = part;
  if (now >= expiresAt) return { source, generation, status: 'Expired', expiredAt: expiresAt };
  return isDamaged(part) ? { source, generation, status: 'Rejected', ...damaged(part) } : undefined;
}

function verdictAmongOthers(part: DynamicConfigPart, rejection: Rejection | undefined): PartVerdict {
  const { source, generation, expiresAt } = part;
  return rejection === undefined
    ? { source, generation, status: 'Active', expiresAt }
    : { source, generation, status: 'Rejected', ...rejection };
}

/** @param newest the generation that counts instead */
function supersededBy({ source, generation }: DynamicConfigPart | DamagedPart, newest: number): PartVerdict {
  return { source, generation, status: 'Superseded', ...superseded(newest) };
}

function byPrecedence(a: DynamicConfigPart | DamagedPart, b: DynamicConfigPart | DamagedPart): number {
  return Number(isPlanned(b)) - Number(isPlanned(a)) || compareParts(a, b);
}

function damaged({ damage }: DamagedPart): Rejection {
  return { code: 'part.damaged', resource: undefined, reason: damage };
}

function rejectedOf(verdict: PartVerdict): readonly RejectedPart[] {
  if (verdict.status !== 'Rejected' && verdict.status !== 'Superseded') return [];
  const { source, generation, code, resource, reason } = verdict;
  return [{ source, generation, code, resource, reason }];
}

function expiredOf(verdict: PartVerdict): readonly ExpiredPart[] {
  if (verdict.status !== 'Expired') return [];
  const { source, generation, expiredAt } = verdict;
  return [{ source, generation, expiredAt }];
}
