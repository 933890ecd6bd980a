export type { Brand } from './brand.ts';
export { err, ok, unreachable, type Result } from './result.ts';
export {
  durationMs,
  formatDuration,
  formatInstant,
  instant,
  parseDuration,
  parseInstant,
  type DurationFault,
  type DurationMs,
  type Instant,
  type InstantFault,
  type Monotonic,
} from './time.ts';
export {
  addressRange,
  bareAddress,
  compareAddresses,
  hostAddressOf,
  networkOf,
  parseHostAddress,
  parseInterfaceAddress,
  parseIpv4,
  parseIpv4Prefix,
  prefixContains,
  prefixesOverlap,
  prefixLength,
  type AddressFault,
  type HostAddress,
  type InterfaceAddress,
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
export { identityOf, isKind, isOfKind, KINDS, ofKind, type Kind, type Resource, type ResourceOf } from './resource.ts';
export {
  compareDiagnostics,
  formatPath,
  hasErrors,
  type Diagnostic,
  type FieldPath,
  type Place,
  type Problem,
} from './diagnostic.ts';
export {
  parseDynamicConfigPart,
  type DynamicConfigDirective,
  type DynamicConfigPartResource,
  type ResourceReference,
} from './dynamic-part.ts';
export { DIRECTIVE_OPERATIONS } from './kinds/config.ts';
export { FIREWALL_PROTOCOLS } from './kinds/firewall.ts';
export { PLUGIN_CAPABILITIES } from './kinds/plugin.ts';
export { loweredRouteName } from './validate/rules/hybrid-route.ts';
export { diagnosticToJson, renderDiagnostic, renderDiagnostics } from './render-diagnostic.ts';
export type { ReconcileSettings, Router } from './router-document.ts';
export { loadResources, type LoadedResources, type Located } from './load-resources.ts';
export { parseResource, type ResourceFault } from './schema/parse-resource.ts';
export { checkResource, kindsBrokenBy, loadConfiguration, validateResources } from './validate/validate-resources.ts';
export { indexResources, type ResourceIndex } from './validate/resource-index.ts';
export type { Authorship } from './validate/rule.ts';
export { jsonSchema, jsonSchemaOf, type JsonSchema } from './schema/json-schema.ts';
export { referenceDocument } from './schema/reference-document.ts';
export { DIAGNOSTIC_CODES, type DiagnosticCode } from './diagnostic-codes.ts';
export { authoredForm, type AuthoredResource } from './schema/authored-form.ts';
export { namesSecret } from './secret-words.ts';
export { visibleLines, visibleWord } from './visible-text.ts';
export { yamlText } from './yaml-text.ts';
export { nearestSpelling } from './spelling.ts';
