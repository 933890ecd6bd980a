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
  DerivedResources,
  Liveness,
  MemberState,
  NicObservation,
  PlacementLoser,
  PoolContext,
  PoolMember,
  PoolSituation,
  Provider,
  Reason,
  Sighting,
} from './model.ts';
