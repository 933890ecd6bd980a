export { createMemoryPartStore, type MemoryPartStore } from './adapters/memory/memory-part-store.ts';
export { canonicalJson, digestOf } from './canonical-json.ts';
export {
  compareParts,
  isDamaged,
  isPlanned,
  partDigest,
  type DamagedPart,
  type DynamicConfigPart,
  type PartContent,
  type PartStamp,
  type SuggestedAction,
} from './dynamic-config-part.ts';
export {
  effectiveConfig,
  type EffectiveConfig,
  type EffectiveResource,
  type ExpiredPart,
  type RejectedPart,
  type Suppression,
} from './effective-config.ts';
export { STARTUP_SOURCE } from './foundation.ts';
export {
  GENERATIONS_KEPT,
  intactPart,
  numberPart,
  type IntactPart,
  type OfferedPart,
  type PartStore,
  type StoredPart,
} from './part-store.ts';
export type { PartVerdict, Rejection } from './part-verdict.ts';
