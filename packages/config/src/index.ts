export { createMemoryPartStore, type MemoryPartStore } from './adapters/memory/memory-part-store.ts';
export { canonicalJson, digestOf } from './canonical-json.ts';
export {
  compareParts,
  isDamaged,
  partDigest,
  type DamagedPart,
  type DynamicConfigPart,
  type MaskDirective,
  type PartContent,
  type PartStamp,
  type ResourceTarget,
  type SuggestedAction,
} from './dynamic-config-part.ts';
export {
  effectiveConfig,
  STARTUP_SOURCE,
  type EffectiveConfig,
  type EffectiveResource,
  type ExpiredPart,
  type RejectedPart,
} from './effective-config.ts';
export {
  GENERATIONS_KEPT,
  numberPart,
  type IntactPart,
  type OfferedPart,
  type PartStore,
  type StoredPart,
} from './part-store.ts';
export type { Rejection } from './part-verdict.ts';
