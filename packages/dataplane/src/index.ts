export { describeOp } from './describe-op.ts';
export { diffHost, type DiffOptions } from './diff/diff-host.ts';
export {
  EMPTY_OBSERVED_HOST,
  type HostOp,
  type ObservedHost,
  type ObservedLink,
  type ObservedProxyNeighbor,
  type ObservedWireGuard,
  type ObservedWireGuardPeer,
} from './host-op.ts';
export {
  DELIVERY_METRIC,
  EMPTY_HOST_STATE,
  ROUTE_PROTOCOL,
  type HostRoute,
  type HostState,
  type InterfaceAddressState,
  type MssClamp,
  type ProxyNeighbor,
  type SysctlState,
  type WireGuardDevice,
  type WireGuardPeerState,
} from './host-state.ts';
export type { CaptureGates, ClaimLowering, GateState, LoweringProblem } from './lower/claim-lowering.ts';
export { lower, type Lowered } from './lower/lower.ts';
export { estimateTunnelMtu, mssFor } from './mss.ts';
export type { Host, HostEvent, HostFault, KernelChange, OwnedObject, OwnershipLedger, Residual } from './ports.ts';
