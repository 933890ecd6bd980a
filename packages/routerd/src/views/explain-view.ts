/** GET /v1/explain/ADDRESS: the chain from facts to what this node does, told from the values that decided. */
import {
  outlookOf,
  renderOutlook,
  renderReason,
  stepsAhead,
  type AddressPlan,
  type CaptureRecord,
  type Outlook,
  type PlannedStep,
  type Reason,
  type Sighting,
} from '@routerd/mobility';
import {
  bareAddress,
  formatInstant,
  nearestSpelling,
  prefixContains,
  type HostAddress,
  type Instant,
} from '@routerd/resources';
import type { PoolState } from '../pool-state.ts';
import { ageText } from './age-text.ts';
import type { NodeView } from './node-view.ts';

export interface Explanation {
  readonly pool: string;
  /** All of it, for people. */
  readonly lines: readonly string[];
  readonly because: readonly Reason[];
  readonly outlook: readonly Outlook[];
  readonly steps: readonly PlannedStep[];
}

/** One explanation for each pool of this node that the address lies in. */
export function explainView(node: NodeView, address: HostAddress): readonly Explanation[] {
  return node.pools
    .filter(({ context }) => prefixContains(context.prefix, address))
    .map((pool) => explainIn(node, pool, address));
}

function explainIn(node: NodeView, pool: PoolState, address: HostAddress): Explanation {
  const input = pool.input(address, new Map(), node.newsOf(pool, address));
  const situation = pool.situationIn(node.situation(pool));
  const plan = pool.plan(address);
  const { selfMember } = pool.context;
  const record = selfMember === undefined ? undefined : input.records.get(selfMember.domain);
  const because = plan?.because ?? exclusionOf(pool, address);
  const outlook = plan === undefined ? [] : outlookOf(pool.context, situation, input, plan);
  const steps = plan === undefined || selfMember === undefined ? [] : stepsAhead(selfMember, plan, record);
  const waiting = node.waitingFor();
  const facts = input.sightings.map((sighting) => sightingLine(sighting, situation.now));
  const losers = plan?.placement?.losers ?? [];
  const lines = [
    ...section('facts', facts.length > 0 ? facts : [unreported(pool, address)], ''),
    ...section('lease', plan?.lease === undefined ? [] : [leaseLine(plan.lease)], 'none'),
    ...section('registry', [...input.records.values()].map(recordLine), 'no router has captured it yet'),
    ...section('this node', ownLines(plan), 'nothing to do'),
    ...section('because', because.map(renderReason), 'nothing was derived yet'),
    ...(losers.length === 0
      ? []
      : section(
          'not chosen here',
          losers.map(({ node: name, because: why }) => `${name}: ${why}`),
          '',
        )),
    ...(steps.length === 0 ? [] : section('steps', [steps.map(stepText).join(' → ')], '')),
    ...(outlook.length === 0 ? [] : section('what would change it', outlook.map(renderOutlook), '')),
    ...(waiting.length === 0 ? [] : section('waiting for', waiting, '')),
    ...section('next', nextLines(plan, situation.now), 'when news comes'),
  ];
  return { pool: pool.context.name, lines, because, outlook, steps };
}

/** What is never planned for has no plan that says so. */
function exclusionOf({ context }: PoolState, address: HostAddress): readonly Reason[] {
  const by = context.pool.spec.excludedAddresses.find((prefix) => prefixContains(prefix, address));
  return by === undefined ? [] : [{ rule: 'lease.excluded', by }];
}

function unreported(pool: PoolState, address: HostAddress): string {
  const others = Array.from(pool.addresses(), bareAddress).filter((other) => other !== bareAddress(address));
  const near = nearestSpelling(bareAddress(address), others);
  const none = 'none: nobody has reported this address';
  return near === undefined || exclusionOf(pool, address).length > 0 ? none : `${none}; did you mean ${near}?`;
}

function section(title: string, lines: readonly string[], otherwise: string): readonly string[] {
  return [`${title}:`, ...(lines.length === 0 ? [otherwise] : lines).map((line) => `  ${line}`)];
}

function sightingLine(
  { source, site, kind, observedAt, acceptedAt, expiresAt, sequence }: Sighting,
  now: Instant,
): string {
  const stands =
    kind === 'expired'
      ? ''
      : expiresAt > now
        ? `, stands for ${ageText(expiresAt - now)}`
        : `, ended ${ageText(now - expiresAt)} ago`;
  return `${kind} by ${source} (${site}) at ${formatInstant(observedAt)}, heard ${ageText(now - acceptedAt)} ago${stands}, sequence ${sequence}`;
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
  const duty = plan.staticDuty;
  const declared =
    duty === undefined
      ? []
      : [
          `by ${duty.because === 'ordered-away' ? "an operator's order" : "the pool's declaration"}: ${duty.verb} (${duty.because})`,
        ];
  return [...claim, ...transition, ...actions, ...declared];
}

function stepText({ step, is }: PlannedStep): string {
  if (is === 'done') return `${step} (done)`;
  return is === 'next' ? `${step} (next)` : step;
}

function nextLines(plan: AddressPlan | undefined, now: Instant): readonly string[] {
  if (plan?.lookAgainAt === undefined) return [];
  const wait = plan.lookAgainAt > now ? `in ${ageText(plan.lookAgainAt - now)}` : 'now';
  return [`looked at again at ${formatInstant(plan.lookAgainAt)} (${wait}), or when news comes`];
}
