export {
  executeActionRequest,
  executeActionResult,
  observeNicRequest,
  observeNicResult,
  request,
  result,
  type CheckRequest,
  type CheckResult,
  type DescribeRequest,
  type DescribeResult,
  type ErrorClass,
  type ExecuteActionRequest,
  type ExecuteActionResult,
  type InventoryRequest,
  type InventoryResult,
  type ObserveNicRequest,
  type ObserveNicResult,
  type PreflightRequest,
  type PreflightResult,
  type Provider,
  type Request,
  type RequestKind,
  type ResultMessage,
  type Usage,
  type Verb,
} from './protocol.ts';
export {
  API_VERSION,
  API_VERSIONS,
  ERROR_CLASSES,
  INVENTORY_PAGE_ENTRIES_MAX,
  PROVIDERS,
  REQUEST_LINE_BYTES_MAX,
  RESULT_LINE_BYTES_MAX,
  VERBS,
} from './protocol-parts.ts';
export {
  checkRequest,
  checkResult,
  describeRequest,
  describeResult,
  inventoryRequest,
  inventoryResult,
  preflightRequest,
  preflightResult,
  REQUEST_KINDS,
} from './protocol-reads.ts';
export { classNumber, DUTIES, ERRORS, type CatalogueEntry, type ErrorNumber } from './error-catalogue.ts';
export { AddressResults, failed, forEvery, skipped, succeeded } from './address-results.ts';
export { createCallMeter, retryAfterOf, type CallMeter, type MeteredCall } from './call-meter.ts';
export { identityLimitMs } from './identity-limit.ts';
export { ExecutorError, type ExecutorErrorOptions } from './executor-error.ts';
export {
  type AddressResult,
  type CallContext,
  type CheckReport,
  type ExecuteCall,
  type ExecuteReport,
  type ExecutorPlugin,
  type InventoryPage,
  type NicState,
  type NicTarget,
  type PreflightReport,
  type RequestedAddress,
} from './executor-plugin.ts';
export {
  checkAddresses,
  neededFor,
  pageOf,
  permissionFinding,
  type AddressHolder,
  type NeededPermission,
} from './read-reports.ts';
export { editWholeNic, type WholeNicOutcome } from './whole-nic/edit-whole-nic.ts';
export { assignWholeNic } from './whole-nic/assign-whole-nic.ts';
export { unassignWholeNic } from './whole-nic/unassign-whole-nic.ts';
export type { NicPlan, WholeNicCloud, WriteFault } from './whole-nic/whole-nic-cloud.ts';
export { awaitNews, type CloudNews, type NewsFeed } from './inventory/await-news.ts';
export { poolSettingsOf, requiredVariable, type Environment, type PoolSettings } from './inventory/pool-settings.ts';
export { liesWithin } from './inventory/prefix.ts';
export {
  POWER_POLICIES,
  powerPolicyOf,
  presenceFact,
  presenceOf,
  type PowerPolicy,
  type PowerWords,
  type Presence,
} from './inventory/presence.ts';
export { subnetResult, type SubnetNic, type SubnetView } from './inventory/subnet-facts.ts';
export { jsonOf, listOf, objectOf, textOf, type JsonObject } from './json.ts';
export { GrowingBytes } from './growing-bytes.ts';
export { LineSplitter, type LineEvent } from './line-splitter.ts';
export { bareAddress, hostAddress, peerNics, requiredTarget } from './nic-target.ts';
export { readUntil, withinLimit, type ReadUntilLimits } from './read-until.ts';
export {
  observeResult,
  PLUGIN_API_VERSION,
  PLUGIN_REQUEST_BYTES_MAX,
  PLUGIN_RESULT_BYTES_MAX,
  PLUGIN_RESULT_YAML_BYTES_MAX,
  pluginRequest,
  pluginResult,
  type ObservedEvent,
  type ObserveRequest,
  type ObserveResult,
  type PluginRequest,
  type PluginResult,
} from './observer-protocol.ts';
export type { ServeIo } from './process-io.ts';
export { serve } from './serve.ts';
export { serveObserver, type ObserverPlugin } from './serve-observer.ts';
export { whyNotTaken } from './whose-to-take.ts';
