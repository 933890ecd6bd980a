export { forecast, type Forecast, type ForecastMove, type Unheld } from './forecast/forecast.ts';
export type { ForecastEvent, ForecastStep } from './forecast/forecast-step.ts';
export type { Hypothesis, Present } from './forecast/hypothesis.ts';
export { foldCapture, standingOf, type FoldOutcome, type FoldRefusal } from './capture-fold.ts';
export { CAPTURE_PHASES, captureKeyOf } from './capture-record.ts';
export type {
  CaptureDomain,
  CaptureEpoch,
  CaptureKey,
  CapturePhase,
  CaptureRecord,
  CaptureTransition,
  ClaimId,
  Revision,
} from './capture-record.ts';
export type {
  ActionProposal,
  ActionVerb,
  AddressInput,
  AddressLease,
  AddressPlan,
  Freeze,
  LeaseStatus,
  Liveness,
  MemberState,
  NicObservation,
  Placement,
  PlacementLoser,
  PoolContext,
  PoolMember,
  PoolSituation,
  Provider,
  Reason,
  SeizeRefusal,
  Sighting,
  VrrpRole,
} from './model.ts';
export { LEASE_STATUSES } from './model.ts';
export { domainResourceOf } from './claim.ts';
export { fenceAction, type FencedAction, type FenceFault } from './fence.ts';
export { MOVES_MAX, MOVES_WINDOW_MS } from './freeze.ts';
export type { StaticDuty } from './hand-over.ts';
export {
  addressOrderOf,
  drainedNodes,
  foldOrder,
  orderSubjectOf,
  type AddressOrder,
  type OperatorOrder,
  type Order,
  type OrderFold,
  type OrderRefusal,
  type OrderSubject,
  type OrderVersion,
} from './operator-order.ts';
export { outlookOf, renderOutlook, type Outlook, type OutlookEvent } from './outlook.ts';
export { yieldsMastership } from './placement.ts';
export { planAddress } from './plan-address.ts';
export { poolContextOf, poolContexts, type PoolContextFault } from './pool-context.ts';
export { nicTargetOf } from './provider-action.ts';
export {
  PoolWorld,
  type AddressNews,
  type HighWaterMarks,
  type OuterSituation,
  type PlanChange,
} from './pool-world.ts';
export { stepsAhead, type PlannedStep, type PlannedStepName } from './steps-ahead.ts';
export { renderReason } from './render-reason.ts';
