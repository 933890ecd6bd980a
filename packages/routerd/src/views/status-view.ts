/** GET /v1/status: one page about the node. */
import { describeOp } from '@routerd/dataplane';
import { WITHHELD_REMEDY } from '../management-access.ts';
import { overlayPeersView } from './overlay-view.ts';
import type { HostView, NodeView } from './node-view.ts';

export function statusView(node: NodeView): unknown {
  const federation = node.federation();
  const waiting = node.waitingFor();
  const host = node.host();
  return {
    node: node.node ?? '<none>',
    ready: waiting.length === 0,
    waitingFor: waiting,
    startedAt: node.startedAt,
    federation: {
      connected: federation?.connected ?? false,
      ...(federation?.hub === undefined ? {} : { hub: federation.hub }),
      outboxDepth: federation?.outboxDepth ?? 0,
      refused: federation?.refused ?? {},
      ...(federation?.lastError === undefined ? {} : { lastError: federation.lastError }),
      ...(federation?.clock?.isSkewed === true ? { clock: { state: 'ClockSkewed', ...federation.clock } } : {}),
      members: Object.fromEntries(federation?.members ?? []),
    },
    host: hostStatus(host),
    overlay: overlayPeersView(node).items.map(({ peer, state, loss, mtu }) => ({ peer, state, loss, mtu })),
    actions: countBy(node.actions(), (row) => row.status),
    pools: node.pools.map((pool) => {
      const plans = [...pool.plans()];
      return {
        name: pool.context.name,
        prefix: pool.context.prefix,
        leases: countBy(
          plans.flatMap((plan) => plan.lease ?? []),
          (lease) => lease.status,
        ),
        claims: plans.filter((plan) => plan.claim !== undefined).length,
        held: pool.heldBySelf().size,
      };
    }),
    problems: node.derived()?.problems ?? [],
  };
}

/** What is withheld stays so until somebody decides; what did not land is tried again. */
function hostStatus(host: HostView): unknown {
  const { settled, residuals, withheld, unsupported } = host;
  return {
    phase: hostPhase(host),
    ...(unsupported === undefined ? {} : { reason: unsupported }),
    settled,
    residuals: residuals.map(({ op, detail }) => `${op.verb}: ${detail}`),
    withheld: withheld.map(({ op, reason }) => ({ operation: describeOp(op), reason, remedy: WITHHELD_REMEDY })),
  };
}

function hostPhase({ settled, residuals, withheld, unsupported }: HostView): string {
  if (unsupported !== undefined) return 'Unsupported';
  if (settled) return 'Applied';
  const staysSo = withheld.length > 0 || residuals.some(({ code }) => code === 'host.unsupported');
  return staysSo ? 'Degraded' : 'Pending';
}

function countBy<T>(items: readonly T[], name: (item: T) => string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[name(item)] = (counts[name(item)] ?? 0) + 1;
  return counts;
}
