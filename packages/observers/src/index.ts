export { createMemoryRunStore } from './adapters/memory/memory-run-store.ts';
export { SUBSCRIPTION_PHASES, type SubscriptionPhase } from './batch.ts';
export type { ContextResource } from './context.ts';
export type { FactEvent } from './fact-event.ts';
export {
  createObservers,
  type ObserverFault,
  type ObserverPorts,
  type Observers,
  type PluginView,
} from './observers.ts';
export type { RunOutcome } from './perform-run.ts';
export type { PluginRequest } from './plugin-request.ts';
export {
  EVENT_STATUSES,
  RUN_FAULT_CODES,
  RUN_RESULTS,
  RUNS_KEPT,
  type ConfigView,
  type EventRun,
  type EventStatus,
  type EventFeed,
  type FactFeed,
  type FactPublisher,
  type StandingFacts,
  type Observation,
  type ObservedFact,
  type PluginRun,
  type PluginRunner,
  type RunFault,
  type RunFaultCode,
  type RunReport,
  type RunResult,
  type RunStore,
} from './ports.ts';
export type { SubscriptionView } from './subscription-state.ts';
export { TRIGGER_TYPES, type RunTrigger, type TriggerType } from './trigger-state.ts';
