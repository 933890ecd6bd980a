/** What is known of the resources that the dataplane lowers to this host by itself. */
import { deliveryRouteStatus, hybridRouteStatus, osAddressAbsence, sysctlStatus } from '@routerd/dataplane';
import type { ResourceOf } from '@routerd/resources';
import type { HostView, NodeView } from './node-view.ts';

type Status = Readonly<Record<string, unknown>> & { readonly phase: string; readonly summary: string };

export function hybridRouteView(node: NodeView, { metadata, spec }: ResourceOf<'HybridRoute'>): Status {
  const lowering = node.derived()?.hybridRoutes.find(({ hybridRoute }) => hybridRoute === metadata.name);
  const summary = `${spec.destinationCIDRs.join(', ')} by ${spec.peerRef}`;
  if (lowering === undefined) return { phase: 'Pending', summary };
  const isHealthy = spec.healthCheckRef === undefined || node.health(spec.healthCheckRef).state !== 'unhealthy';
  return { summary, ...hybridRouteStatus(lowering, node.host().observed, isHealthy) };
}

/** Phases are those of the state; `Pending` while it is not known. */
export function healthCheckView(node: NodeView, { metadata, spec }: ResourceOf<'HealthCheck'>): Status {
  const { state, since, failuresInARow, last } = node.health(metadata.name);
  return {
    phase: state === 'healthy' ? 'Healthy' : state === 'unhealthy' ? 'Unhealthy' : 'Pending',
    summary: `${spec.protocol} to ${spec.target ?? 'the default gateway'}${last?.kind === 'failed' ? `: ${last.detail}` : ''}`,
    ...(spec.role === undefined ? {} : { role: spec.role }),
    ...(since === undefined ? {} : { since }),
    ...(failuresInARow === 0 ? {} : { failuresInARow }),
    ...(last?.kind === 'answered' ? { answeredAfterMs: Math.round(last.tookMs) } : {}),
  };
}

export function sysctlView(host: HostView, sysctl: ResourceOf<'Sysctl'>): Status {
  return { summary: `${sysctl.spec.key}=${sysctl.spec.value}`, ...sysctlStatus(sysctl, host) };
}

export function virtualAddressView(node: NodeView, { metadata, spec }: ResourceOf<'VirtualAddress'>): Status {
  const summary = `${spec.address} on ${spec.interface}`;
  if (spec.mode === 'static') return { phase: 'Applied', summary };
  const role = node.vrrp.role(metadata.name);
  const fault = node.vrrp.fault();
  const known = { summary: `${summary}, ${role}`, mode: spec.mode, role };
  if (fault !== undefined) return { phase: 'Error', ...known, reason: fault.code, detail: fault.detail };
  return { phase: role === 'unknown' ? 'Pending' : 'Applied', ...known };
}

/** Rules stand or fall with their table; one that was set aside is among the problems of the configuration. */
export function tableView(
  node: NodeView,
  resource: ResourceOf<'FirewallZone'> | ResourceOf<'FirewallRule'> | ResourceOf<'NAT44Rule'>,
): Status {
  const table = resource.kind === 'NAT44Rule' ? 'routerd_nat' : 'routerd_filter';
  const problem = node
    .derived()
    ?.problems.find(({ subject }) => subject === `${resource.kind}/${resource.metadata.name}`);
  if (problem !== undefined) return { phase: 'Error', summary: problem.reason, reason: 'NotLowered' };
  const shown = node.host().observed?.tables.find(({ name }) => name === table);
  return { phase: shown?.digest === undefined ? 'Pending' : 'Applied', summary: `in table ${table}`, table };
}

/** Route and OS address of one claim; empty for a claim that was not lowered. */
export function claimHostView(node: NodeView, name: string): Readonly<Record<string, unknown>> {
  const claim = node.derived()?.claims.find((lowering) => lowering.claim === name);
  if (claim === undefined) return {};
  const captureOSAddressAbsence = osAddressAbsence(claim, node.host());
  return {
    ...deliveryRouteStatus(claim, node.host()),
    ...(captureOSAddressAbsence === undefined ? {} : { captureOSAddressAbsence }),
  };
}
