export {
  ACTION_STATUSES,
  ERROR_CLASSES,
  nicKeyOf,
  type ActionRow,
  type ActionStatus,
  type ApiUsage,
  type AttemptRow,
  type ErrorClass,
  type ExecuteOutcome,
  type ExecuteRequest,
  type ExecutionMode,
  type ExecutorFault,
  type FenceAppendOutcome,
  type FenceRegistry,
  type Journal,
  type PruneLimits,
  type NicKey,
  type NicReading,
  type NicState,
  type NicTarget,
  type ProviderExecutor,
} from './ports.ts';
export { createActionEngine, type ActionEngine, type ImportReport } from './action-engine.ts';
export { FINISHED_STATUSES, isInEffect, refreshedProposal, UNWANTED_MESSAGE, WAITING_STATUSES } from './action-row.ts';
export type { EngineLimits, EnginePorts } from './engine-parts.ts';
export { confirmFence, isFenced, STALE_MESSAGE, type FenceVerdict } from './fence.ts';
export { isInsideWindow, minutesUntilOpen, type ExecutionWindow, type LocalTime } from './execution-window.ts';
export { localTimeIn } from './local-time.ts';
export type { ActionFault, ExecutionReport } from './operator-orders.ts';
export {
  admit,
  AUTO_APPROVER,
  describeRefusal,
  POLICY_GATES,
  type ActionPolicy,
  type Admission,
  type AdmissionContext,
  type PolicyGate,
  type Refusal,
} from './policy.ts';
export { backoffMs, remedyOf, treatmentOf, type FailureTreatment } from './retry.ts';
export { createSurvey, type Survey, type Surveyed } from './survey.ts';
export { createMemoryJournal } from './adapters/memory/memory-journal.ts';
export {
  createMemoryExecutor,
  type InjectedFault,
  type MemoryCall,
  type MemoryExecutor,
  type MemoryNic,
} from './adapters/memory/memory-executor.ts';
