export { executionsOf } from './adapters/linux/executions-of.ts';
export { createKeepalived, endKeepalived, type KeepalivedOptions } from './adapters/linux/keepalived.ts';
export { createLinuxHealthProbe, type LinuxHealthProbeOptions } from './adapters/linux/linux-health-probe.ts';
export { createLinuxHost, type LinuxHostOptions } from './adapters/linux/linux-host.ts';
export { createUdpPathWire, type UdpPathWireOptions } from './adapters/linux/udp-path-wire.ts';
export { createLinuxLanWire, type LinuxLanWireOptions } from './adapters/linux/linux-lan-wire.ts';
export { createMemoryHealthProbe, type MemoryHealthProbe } from './adapters/memory/memory-health-probe.ts';
export { createMemoryHost, type MemoryHost, type MemoryHostSetup } from './adapters/memory/memory-host.ts';
export {
  createMemoryPathNetwork,
  type MemoryPathNetwork,
  type PathWeather,
} from './adapters/memory/memory-path-network.ts';
export { createMemoryLanWire, type MemoryLanWire } from './adapters/memory/memory-lan-wire.ts';
export { MemoryVrrp } from './adapters/memory/memory-vrrp.ts';
export { MemoryLedger } from './adapters/memory/memory-ledger.ts';
export { CAPTURE_UNSUPPORTED, createUnsupportedHost } from './adapters/other-os/unsupported-host.ts';
export { describeOp } from './describe-op.ts';
export { diffHost, type DiffOptions } from './diff/diff-host.ts';
export { textOfTunnel } from './host-slot.ts';
export { executionLines, type HostExecution } from './host-execution.ts';
export { createHealthChecker, type HealthChecker, type HealthCheckerPorts } from './health/health-checker.ts';
export type { HealthProbe, HealthQuestion, HealthTarget } from './health/health-probe.ts';
export {
  UNKNOWN_HEALTH,
  type HealthState,
  type HealthThresholds,
  type HealthVerdict,
  type ProbeOutcome,
} from './health/health-verdict.ts';
export {
  EMPTY_OBSERVED_HOST,
  type HostOp,
  type ObservedHost,
  type ObservedLink,
  type ObservedProxyNeighbor,
  type ObservedTable,
  type ObservedTunnel,
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
  type LinkSetting,
  type MssClamp,
  type NftTable,
  type ProxyNeighbor,
  type SysctlAcceptance,
  type SysctlFileState,
  type SysctlState,
  type TunnelState,
  type WireGuardDevice,
  type WireGuardPeerState,
} from './host-state.ts';
export {
  createLanObserver,
  ROUTER_HELLO,
  type LanObserver,
  type LanObserverOptions,
  type LanObserverPorts,
} from './lan/lan-observer.ts';
export type { ArpHeard, LanWire, LanWireListener } from './lan/lan-wire.ts';
export type { CaptureGates, ClaimLowering, GateState, LoweringProblem } from './lower/claim-lowering.ts';
export type { LoweredHealthCheck } from './lower/health-checks.ts';
export type { HybridRouteDestination, HybridRouteLowering } from './lower/hybrid-routes.ts';
export { lower, type Lowered } from './lower/lower.ts';
export type { LoweredOverlayPaths, OverlayPath } from './lower/overlay-paths.ts';
export { estimateTunnelMtu, mssFor, pathMtuOf, type PathMtu } from './mss.ts';
export type { PathLoss } from './overlay/path-estimate.ts';
export { PATH_PORT } from './overlay/path-message.ts';
export { createPathProber, type PathProber, type PathProberPorts } from './overlay/path-prober.ts';
export {
  PATH_PHASES,
  unmeasuredPath,
  type PathCounters,
  type PathPhase,
  type PathStatus,
} from './overlay/path-status.ts';
export type { PathDatagram, PathWire } from './overlay/path-wire.ts';
export type { Host, HostEvent, HostFault, KernelChange, OwnedObject, OwnershipLedger, Residual } from './ports.ts';
export { cleanupHost } from './reconciler/cleanup-host.ts';
export { observedAfter } from './host-picture.ts';
export type { AddressTakenOff } from './reconciler/addresses-taken-off.ts';
export { divide, type Withhold, type WithheldOp } from './reconciler/withholding.ts';
export { OwnershipMirror } from './reconciler/ownership-mirror.ts';
export {
  createHostReconciler,
  type DesiredOptions,
  type HostReconciler,
  type HostReconcilerPorts,
  type HostReconcilerStatus,
  type NeighborEvent,
} from './reconciler/host-reconciler.ts';
export {
  deliveryRouteStatus,
  osAddressAbsence,
  type DeliveryRouteStatus,
  type OsAddressAbsence,
} from './status/claim-host-status.ts';
export { hybridRouteStatus, type HybridRouteReason, type HybridRouteStatus } from './status/hybrid-route-status.ts';
export { sysctlStatus, type SysctlStatus } from './status/sysctl-status.ts';
export type { VirtualRouter, Vrrp, VrrpFault, VrrpRole } from './vrrp/virtual-router.ts';
