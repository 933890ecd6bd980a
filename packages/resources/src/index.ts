export type { Brand } from './brand.ts';
export { err, ok, unreachable, type Result } from './result.ts';
export {
  durationMs,
  formatDuration,
  formatInstant,
  instant,
  parseDuration,
  type DurationFault,
  type DurationMs,
  type Instant,
  type Monotonic,
} from './time.ts';
export {
  bareAddress,
  compareAddresses,
  hostAddressOf,
  parseHostAddress,
  parseIpv4,
  parseIpv4Prefix,
  prefixContains,
  prefixesOverlap,
  prefixLength,
  type AddressFault,
  type HostAddress,
  type Ipv4,
  type Ipv4Prefix,
} from './ipv4.ts';
export {
  parseNodeName,
  parsePoolName,
  parseSiteName,
  type NameFault,
  type NodeName,
  type PoolName,
  type SiteName,
} from './node-name.ts';
export { ACTION_VERBS, PROVIDERS } from './kinds/hybrid.ts';
export { identityOf, KINDS, ofKind, type Kind, type Resource, type ResourceOf } from './resource.ts';
