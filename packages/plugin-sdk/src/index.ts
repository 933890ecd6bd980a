export {
  API_VERSION,
  ERROR_CLASSES,
  executeActionRequest,
  executeActionResult,
  observeNicRequest,
  observeNicResult,
  PROVIDERS,
  request,
  REQUEST_LINE_BYTES_MAX,
  result,
  RESULT_LINE_BYTES_MAX,
  VERBS,
  type ErrorClass,
  type ExecuteActionRequest,
  type ExecuteActionResult,
  type ObserveNicRequest,
  type ObserveNicResult,
  type Provider,
  type Request,
  type ResultMessage,
  type Verb,
} from './protocol.ts';
export { AddressResults, failed, forEvery, skipped, succeeded } from './address-results.ts';
export { ExecutorError } from './executor-error.ts';
export {
  type AddressResult,
  type CallContext,
  type ExecuteCall,
  type ExecuteReport,
  type ExecutorPlugin,
  type NicState,
  type NicTarget,
  type RequestedAddress,
} from './executor-plugin.ts';
export { LineSplitter, type LineEvent } from './line-splitter.ts';
export { bareAddress, hostAddress, requiredTarget } from './nic-target.ts';
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
