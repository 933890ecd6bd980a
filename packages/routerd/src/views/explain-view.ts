/** GET /v1/explain/ADDRESS: the chain from facts to what this node does, told from the values that decided. */
import { renderReason, type AddressPlan, type CaptureRecord, type Sighting } from '@routerd/mobility';
import { formatInstant, prefixContains, type HostAddress } from '@routerd/resources';
import type { PoolState } from '../pool-state.ts';
import type { NodeView } from './node-view.ts';

export interface Explanation {
  readonly pool: string;
  readonly lines: readonly string[];
}

/** One explanation for each pool of this node that the address lies in. */
export function explainView(node: NodeView, address: HostAddress): readonly Explanation[] {
  return node.pools
    .filter(({ context }) => prefixContains(context.prefix, address))
    .map((pool) => ({ pool: pool.context.name, lines: explainIn(node, pool, address) }));
}

function explainIn(node: NodeView, pool: PoolState, address: HostAddress): readonly string[] {
  const { sightings, records } = pool.input(address, new Map());
  const plan = pool.plan(address);
  const waiting = node.waitingFor();
  return [
    ...section('facts', sightings.map(sightingLine), 'none: nobody has reported this address'),
    ...section('lease', plan?.lease === undefined ? [] : [leaseLine(plan.lease)], 'none'),
    ...section('registry', [...records.values()].map(recordLine), 'no router has captured it yet'),
    ...section('this node', ownLines(plan), 'nothing to do'),
    ...section('because', plan?.because.map(renderReason) ?? [], 'nothing was derived yet'),
    ...(waiting.length === 0 ? [] : section('waiting for', waiting, '')),
    ...section(
      'next',
      plan?.lookAgainAt === undefined
        ? []
        : [`looked at again at ${formatInstant(plan.lookAgainAt)}, or when news comes`],
      'when news comes',
    ),
  ];
}

function section(title: string, lines: readonly string[], otherwise: string): readonly string[] {
  return [`${title}:`, ...(lines.length === 0 ? [otherwise] : lines).map((line) => `  ${line}`)];
}

function sightingLine({ source, site, kind, observedAt, expiresAt, sequence }: Sighting): string {
  return `${kind} by ${source} (${site}) at ${formatInstant(observedAt)}, stands until ${formatInstant(expiresAt)}, sequence ${sequence}`;
}

function leaseLine({
  status,
  site,
  ownerNode,
  leaseEpoch,
  since,
  challenger,
}: NonNullable<AddressPlan['lease']>): string {
  const rival =
    challenger === undefined
      ? ''
      : `, challenged by ${challenger.site} since ${formatInstant(challenger.firstAcceptedAt)}`;
  return `${status}: owned by ${site} through ${ownerNode}, lease epoch ${leaseEpoch}, since ${formatInstant(since)}${rival}`;
}

function recordLine({ domain, holder, phase, epoch, revision, since, reason }: CaptureRecord): string {
  return `${domain}: ${holder ?? 'nobody'}, ${phase}, epoch ${epoch}, revision ${revision}, since ${formatInstant(since)} (${reason})`;
}

function ownLines(plan: AddressPlan | undefined): readonly string[] {
  if (plan === undefined) return [];
  const claim =
    plan.claim === undefined
      ? []
      : [
          `claim ${plan.claim.metadata.name}: ${plan.captureOpen ? 'captures' : 'stands by'}, delivers through ${plan.claim.spec.delivery.peerRef}`,
        ];
  const transition =
    plan.transition === undefined
      ? []
      : [
          `wants the registry to say: ${plan.transition.phase}, epoch ${plan.transition.epoch}, holder ${plan.transition.holder ?? 'nobody'}`,
        ];
  const actions = plan.actions.map(
    (action) => `wants ${action.verb} on ${action.nicRef} in epoch ${action.captureEpoch}`,
  );
  return [...claim, ...transition, ...actions];
}
