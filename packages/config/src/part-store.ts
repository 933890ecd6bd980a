/** The port behind which parts are kept over restarts. */
import type { Instant } from '@routerd/resources';
import type { DamagedPart, DynamicConfigPart, PartContent, PartStamp } from './dynamic-config-part.ts';

/** A part as a source hands it in; the store numbers it. */
export type OfferedPart = Omit<PartStamp, 'generation'> & PartContent;

export type IntactPart = DynamicConfigPart & {
  /** Of the content, as `partDigest` computes it. */
  readonly digest: string;
};

export type StoredPart = IntactPart | DamagedPart;

/**
 * Synchronous; a method that cannot do its work throws and has changed nothing.
 * 1. `generation` versions the content: the same content again keeps it and renews its times, other content gets the next.
 * 2. Of one source the newest {@link GENERATIONS_KEPT} generations are kept, so that what was replaced can be shown.
 * 3. A content that does not match its digest is handed out as damaged, and the others as ever.
 * 4. What is handed out is the same value again until it changes: callers remember by identity.
 */
export interface PartStore {
  /** Atomic: after a crash the part is there as a whole or not at all. On disk when it returns. */
  put(part: OfferedPart): IntactPart;
  /** All of them, by source, highest generation first. */
  list(): readonly StoredPart[];
  /** The highest generation of a source, in effect or not. */
  newest(source: string): StoredPart | undefined;
  /** Forgets all generations of a source. @returns whether there were any */
  withdraw(source: string): boolean;
  /** Forgets what expired before that instant. @returns how many parts */
  prune(expiredBefore: Instant): number;
  /** Told after each change, once it is on disk. @returns how to unsubscribe */
  onChange(listener: () => void): () => void;
}

export const GENERATIONS_KEPT = 3;

/** What putting content with this digest means, given what is stored of the source, in any order. Pure. */
export function numberPart(
  stored: readonly { readonly generation: number; readonly digest: string | undefined }[],
  digest: string,
): { readonly generation: number; readonly isRenewal: boolean; readonly dropped: readonly number[] } {
  const generations = stored.map(({ generation }) => generation).toSorted((a, b) => b - a);
  const highest = generations[0] ?? 0;
  const isRenewal = stored.some((part) => part.generation === highest && part.digest === digest);
  if (isRenewal) return { generation: highest, isRenewal, dropped: [] };
  return { generation: highest + 1, isRenewal, dropped: generations.slice(GENERATIONS_KEPT - 1) };
}

/** The part of exactly these members, whatever else the arguments carry. */
export function intactPart(stamp: PartStamp, content: PartContent, digest: string): IntactPart {
  const { source, generation, observedAt, expiresAt } = stamp;
  const { resources, directives, actionPlans } = content;
  return { source, generation, observedAt, expiresAt, digest, resources, directives, actionPlans };
}
