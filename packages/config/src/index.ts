export { canonicalJson, digestOf } from './canonical-json.ts';
export type { DynamicConfigPart } from './dynamic-config-part.ts';
export {
  effectiveConfig,
  STARTUP_SOURCE,
  type EffectiveConfig,
  type EffectiveResource,
  type ExpiredPart,
  type RejectedPart,
} from './effective-config.ts';
export type { Rejection } from './part-verdict.ts';
