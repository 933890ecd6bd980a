/** What a source adds to startup-config, or leaves out of it, for a while. Never authored; kept by the store, made by derivers and plugins. */
import type { DynamicConfigDirective, Instant, Resource } from '@routerd/resources';
import { canonicalJson, digestOf } from './canonical-json.ts';

/** A provider action that a source suggests. It is shown and never executed from here, so its form is its source's. */
export type SuggestedAction = Readonly<Record<string, unknown>>;

/** What says who, which version and how long; readable also where the content is not. */
export interface PartStamp {
  /** Who says so, `MobilityPool/demo/node/onprem-a`, `Plugin/oci-inventory`. One source has one part in effect at a time. */
  readonly source: string;
  /** Version of this source's content; the higher replaces the lower. Not comparable between sources. */
  readonly generation: number;
  readonly observedAt: Instant;
  /** The part counts before this instant, not at it. */
  readonly expiresAt: Instant;
}

export interface PartContent {
  readonly resources: readonly Resource[];
  /** Masks need a grant of a DynamicOverridePolicy in startup-config. */
  readonly directives: readonly DynamicConfigDirective[];
  readonly actionPlans: readonly SuggestedAction[];
}

export interface DynamicConfigPart extends PartStamp, PartContent {}

/** A part whose stored content is not what was stored: never used, and it does not let an older generation come back. */
export interface DamagedPart extends PartStamp {
  /** What is wrong, a full sentence. */
  readonly damage: string;
}

export function isDamaged(part: DynamicConfigPart | DamagedPart): part is DamagedPart {
  return 'damage' in part;
}

/** SHA-256 of the canonical JSON of the content, 64 lower-case hexadecimal digits. Stamps do not change it. */
export function partDigest({ resources, directives, actionPlans }: PartContent): string {
  return digestOf({ resources, directives, actionPlans });
}

/** By source; of one source the one in effect first: highest generation, then latest, then by content. Total. */
export function compareParts(a: DynamicConfigPart | DamagedPart, b: DynamicConfigPart | DamagedPart): number {
  if (a.source !== b.source) return a.source < b.source ? -1 : 1;
  const newer = b.generation - a.generation || b.observedAt - a.observedAt || b.expiresAt - a.expiresAt;
  if (newer !== 0 || a === b) return newer;
  const [left, right] = [contentText(a), contentText(b)];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function contentText(part: DynamicConfigPart | DamagedPart): string {
  if (isDamaged(part)) return '';
  const { resources, directives, actionPlans } = part;
  return canonicalJson([resources, directives, actionPlans]);
}

/**
 * What this node's own planner derives comes before what plugins and subscriptions say: in a conflict an observation
 * never takes the paths of a pool down.
 */
export function isPlanned({ source }: Pick<PartStamp, 'source'>): boolean {
  return source.startsWith('MobilityPool/');
}
