/** What is known of the resources that the dataplane lowers to this host by itself. */
import {
  deliveryRouteStatus,
  hybridRouteStatus,
  osAddressAbsence,
  sysctlStatus,
  type HostOp,
} from '@routerd/dataplane';
import type { ResourceOf } from '@routerd/resources';
import { WITHHELD_REMEDY } from '../management-access.ts';
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

/** What is not managed is nobody's to judge. */
export function interfaceView(host: HostView, { spec }: ResourceOf<'Interface'>): Status {
  const link = host.observed?.links.find(({ name }) => name === spec.ifname);
  const shown = link === undefined ? {} : { up: link.up, mtu: link.mtu };
  const known = { summary: spec.ifname, ...shown };
  if (!spec.managed) return { phase: 'Applied', ...known };
  const isSpecs = (op: HostOp): boolean =>
    (op.verb === 'link-set' || op.verb === 'link-restore') && op.setting.name === spec.ifname;
  const trouble = troubleWith(host, isSpecs);
  if (trouble !== undefined) return { ...known, ...trouble };
  if (link === undefined) return { phase: 'Pending', ...known, reason: 'DeviceMissing' };
  const isAsDeclared =
    (spec.adminUp === undefined || spec.adminUp === link.up) && (spec.mtu === undefined || spec.mtu === link.mtu);
  return { phase: isAsDeclared ? 'Applied' : 'Pending', ...known };
}

/** `Unsupported`: the kernel has no tunnels of this mode. */
export function tunnelView(host: HostView, { metadata: { name }, spec }: ResourceOf<'TunnelInterface'>): Status {
  const summary = `${spec.mode} from ${spec.local} to ${spec.remote}`;
  const trouble = troubleWith(
    host,
    (op) =>
      (op.verb === 'tunnel-remove' && op.name === name) ||
      ((op.verb === 'tunnel-create' || op.verb === 'tunnel-change') && op.tunnel.name === name),
  );
  if (trouble !== undefined) return { summary, ...trouble };
  const isMade = host.observed?.tunnels.some((tunnel) => tunnel.name === name) === true;
  const isUp = host.observed?.links.some((link) => link.name === name && link.up) === true;
  return { phase: isMade && isUp ? 'Up' : host.observed === undefined ? 'Planned' : 'Pending', summary };
}

/** What keeps an op from being made: somebody it would cut off, or a host that would not. */
function troubleWith(
  { residuals, withheld }: HostView,
  isMeant: (op: HostOp) => boolean,
): { readonly phase: string; readonly reason: string; readonly detail: string } | undefined {
  const held = withheld.find(({ op }) => isMeant(op));
  if (held !== undefined) return { phase: 'Degraded', reason: 'Withheld', detail: `${held.reason} ${WITHHELD_REMEDY}` };
  const failed = residuals.find(({ op }) => isMeant(op));
  if (failed === undefined) return undefined;
  const isUnsupported = failed.code === 'host.unsupported';
  return { phase: isUnsupported ? 'Unsupported' : 'Error', reason: failed.code, detail: failed.detail };
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
  const trouble = troubleWith(node.host(), (op) => op.verb === 'table-replace' && op.table.name === table);
  if (trouble !== undefined) return { summary: `in table ${table}`, table, ...trouble };
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
