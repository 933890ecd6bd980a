/** Addresses, routes and proxy neighbours: one `ip -batch` for as many as there are. */
import { bareAddress } from '@routerd/resources';
import { routeArguments } from '../../describe-op.ts';
import type { HostOp } from '../../host-op.ts';
import { slotOfProxyNeighbor, slotOfRoute } from '../../host-slot.ts';
import { ROUTE_PROTOCOL } from '../../host-state.ts';
import type { HostFault, Residual } from '../../ports.ts';
import { faultOfText, ipAnswerOf, type RunHostCommand } from './host-command.ts';
import type { LineOutcome, RunIpBatch } from './ip-batch.ts';
import { parseProxyNeighbors, parseRoutes } from './ip-json.ts';
import type { SysctlFiles } from './sysctl-files.ts';

export type IpOp = Extract<
  HostOp,
  {
    readonly verb:
      | 'address-add'
      | 'address-remove'
      | 'route-add'
      | 'route-replace'
      | 'route-remove'
      | 'proxy-neighbor-add'
      | 'proxy-neighbor-remove';
  }
>;

/** How this host is asked and changed. */
export interface IpTools {
  readonly run: RunHostCommand;
  readonly batch: RunIpBatch;
  readonly sysctls: SysctlFiles;
}

export async function applyIpOps(tools: IpTools, ops: readonly IpOp[]): Promise<readonly Residual[]> {
  const restore = await promoteSecondaries(tools.sysctls, ops);
  const outcomes = await runLines(tools, ops);
  await restore();
  const residuals: Residual[] = [];
  const occupied: Extract<IpOp, { readonly verb: 'route-add' }>[] = [];
  for (const [index, op] of ops.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined || hasItsEffect(op, outcome)) continue;
    if (op.verb === 'route-add' && 'text' in outcome && ipAnswerOf(outcome.text) === 'exists') occupied.push(op);
    else residuals.push({ op, fault: 'fault' in outcome ? outcome.fault : faultOfText(outcome.text) });
  }
  return occupied.length === 0 ? residuals : [...residuals, ...(await addToOccupied(tools, occupied))];
}

type NeighborOp = Extract<IpOp, { readonly verb: 'proxy-neighbor-add' | 'proxy-neighbor-remove' }>;

/**
 * One batch, as a rule. When a `neigh` line ended it early, what came before that line was done; the neighbours are then compared with
 * what is there, the few that differ go one by one, and the rest follows in a batch of its own.
 */
async function runLines({ run, batch }: IpTools, ops: readonly IpOp[]): Promise<readonly LineOutcome[]> {
  const { lines, endedEarly } = await batch(ops.map(lineOf));
  if (!endedEarly) return lines;
  const outcomes = [...lines];
  const doubtful = [...ops.entries()].slice(ops.findIndex(isNeighborOp));
  const present = await presentNeighbors(run);
  for (const [index, op] of doubtful)
    if (isNeighborOp(op)) outcomes[index] = isDone(op, present) ? undefined : await runNeighborOp(run, op);
  const others = doubtful.filter(([, op]) => !isNeighborOp(op));
  const again = await batch(others.map(([, op]) => lineOf(op)));
  for (const [position, [index]] of others.entries()) outcomes[index] = again.lines[position];
  return outcomes;
}

async function presentNeighbors(run: RunHostCommand): Promise<ReadonlySet<string> | undefined> {
  const shown = await run(['ip', '-j', 'neigh', 'show', 'proxy']);
  return shown.ok ? new Set(parseProxyNeighbors(JSON.parse(shown.value.stdout)).map(slotOfProxyNeighbor)) : undefined;
}

function isDone(op: NeighborOp, present: ReadonlySet<string> | undefined): boolean {
  return present !== undefined && present.has(slotOfProxyNeighbor(op.neighbor)) === (op.verb === 'proxy-neighbor-add');
}

async function runNeighborOp(run: RunHostCommand, op: NeighborOp): Promise<LineOutcome> {
  const result = await run(['ip', ...lineOf(op).split(' ')]);
  return result.ok ? undefined : { text: result.error.stderr.trim() };
}

function isNeighborOp(op: IpOp): op is NeighborOp {
  return op.verb === 'proxy-neighbor-add' || op.verb === 'proxy-neighbor-remove';
}

/** Words for `ip -batch`; interface names were checked to need no quoting. */
export function lineOf(op: IpOp): string {
  switch (op.verb) {
    case 'address-add':
      return `addr add ${op.address} dev ${op.interface}`;
    case 'address-remove':
      return `addr del ${op.address} dev ${op.interface}`;
    case 'route-add':
      return `route add ${routeArguments(op.route)}`;
    case 'route-replace':
      return `route replace ${routeArguments(op.route)}`;
    case 'route-remove':
      return `route del ${routeArguments(op.route)}`;
    case 'proxy-neighbor-add':
      return `neigh replace proxy ${bareAddress(op.neighbor.address)} dev ${op.neighbor.interface} protocol ${ROUTE_PROTOCOL}`;
    case 'proxy-neighbor-remove':
      return `neigh del proxy ${bareAddress(op.neighbor.address)} dev ${op.neighbor.interface}`;
  }
}

/** Adding what is there and removing what is absent succeeded. */
function hasItsEffect(op: IpOp, outcome: NonNullable<LineOutcome>): boolean {
  if (!('text' in outcome)) return false;
  const answer = ipAnswerOf(outcome.text);
  switch (op.verb) {
    case 'address-add':
      return answer === 'exists';
    case 'address-remove':
    case 'route-remove':
    case 'proxy-neighbor-remove':
      return answer === 'absent' || answer === 'no-device';
    case 'route-add':
    case 'route-replace':
    case 'proxy-neighbor-add':
      return false;
  }
}

/**
 * The place of a route is taken. By one of ours (the reading was old): it is replaced. By another's: it stays, because
 * `ip route replace` would overwrite it whatever its protocol, and this op is left over.
 */
async function addToOccupied(
  { run, batch }: IpTools,
  ops: readonly Extract<IpOp, { readonly verb: 'route-add' }>[],
): Promise<readonly Residual[]> {
  const residuals: Residual[] = [];
  for (const op of ops) {
    const { destination } = op.route;
    const shown = await run(['ip', '-j', 'route', 'show', 'exact', destination, 'table', 'main']);
    const slot = slotOfRoute(op.route);
    const holder = shown.ok
      ? parseRoutes(JSON.parse(shown.value.stdout)).find((route) => slotOfRoute(route) === slot)
      : undefined;
    if (holder !== undefined && holder.protocol !== `${ROUTE_PROTOCOL}`) {
      const detail = `a route to ${destination} with metric ${op.route.metric} that is not ours (protocol ${holder.protocol ?? 'boot'}) is in the way`;
      residuals.push({ op, fault: { code: 'host.refused', detail, retry: 'later' } });
      continue;
    }
    const fault = await replace(batch, `route replace ${routeArguments(op.route)}`);
    if (fault !== undefined) residuals.push({ op, fault });
  }
  return residuals;
}

async function replace(batch: RunIpBatch, line: string): Promise<HostFault | undefined> {
  const [outcome] = (await batch([line])).lines;
  if (outcome === undefined) return undefined;
  return 'fault' in outcome ? outcome.fault : faultOfText(outcome.text);
}

/**
 * The kernel deletes the other addresses of a subnet with its first one unless `promote_secondaries` is set: where an address goes,
 * it is set for as long as that takes. @returns puts the setting back
 */
async function promoteSecondaries(sysctls: SysctlFiles, ops: readonly IpOp[]): Promise<() => Promise<void>> {
  const interfaces = new Set(ops.flatMap((op) => (op.verb === 'address-remove' ? op.interface : [])));
  const paths = [...interfaces].map((name) => ['net', 'ipv4', 'conf', name, 'promote_secondaries']);
  if (paths.length === 0) return async () => undefined;
  const priors = await sysctls.read(paths);
  const changed = paths.filter((path) => priors.get(path.join('/')) === '0');
  for (const path of changed) await sysctls.write(path, '1');
  return async () => {
    for (const path of changed) await sysctls.write(path, '0');
  };
}
