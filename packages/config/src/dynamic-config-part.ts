/** What a source adds to startup-config for a while. Never authored; kept by the store, made by derivers and plugins. */
import type { Instant, Resource } from '@routerd/resources';
import { canonicalJson } from './canonical-json.ts';

export interface DynamicConfigPart {
  /** Who says so, `MobilityPool/demo/node/onprem-a`. One source has one part in effect at a time. */
  readonly source: string;
  /** Content version of this source; the higher replaces the lower. Not comparable between sources. */
  readonly generation: number;
  readonly observedAt: Instant;
  /** The part counts before this instant, not at it. */
  readonly expiresAt: Instant;
  readonly resources: readonly Resource[];
}

/** By source; of one source the one in effect first: highest generation, then latest, then by content. Total. */
export function compareParts(a: DynamicConfigPart, b: DynamicConfigPart): number {
  if (a.source !== b.source) return a.source < b.source ? -1 : 1;
  const newer = b.generation - a.generation || b.observedAt - a.observedAt || b.expiresAt - a.expiresAt;
  if (newer !== 0 || a === b) return newer;
  const [left, right] = [canonicalJson(a.resources), canonicalJson(b.resources)];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
