/** Everything that follows for one address on this node. Pure: equal inputs give equal outputs, in any order of facts. */
import { formatInstant, type Instant, type NodeName } from '@routerd/resources';
import type { CaptureEpoch } from './capture-record.ts';
import { captureStep, forgottenStep, releaseStep, type CaptureStep, type CaptureView } from './capture-step.ts';
import { claimOf, claimTemplateOf, resolveDelivery, type ClaimTemplate } from './claim.ts';
import { staticDuty } from './hand-over.ts';
import { deriveLease, excludedBy } from './lease.ts';
import type {
  AddressInput,
  AddressLease,
  AddressPlan,
  Placement,
  PoolContext,
  PoolMember,
  PoolSituation,
  Reason,
} from './model.ts';
import type { Order } from './operator-order.ts';
import { closedGate, placeHolder } from './placement.ts';

/** Cost: linear in the facts and routers concerned with the one address. */
export function planAddress(context: PoolContext, situation: PoolSituation, input: AddressInput): AddressPlan {
  const { address } = input;
  const { lease, because, lookAgainAt, orderWish } = deriveLease(context, situation, input);
  const self = context.selfMember;
  const idle: AddressPlan = {
    address,
    lease,
    claim: undefined,
    captureOpen: false,
    orderWish: orderWishOf(orderWish, input),
    staticDuty: staticDuty(context, input, lease),
    placement: undefined,
    transition: undefined,
    actions: [],
    because,
    lookAgainAt,
  };
  if (self === undefined) return idle;
  const isExcluded = excludedBy(context, address) !== undefined;
  const duty = isExcluded ? EXCLUDED : dutyOf(context, situation, self, lease, input);
  const record = input.records.get(self.domain);
  const highWater = input.highWater.get(self.domain) ?? (0 as CaptureEpoch);
  const lost = input.lost?.get(self.domain);
  const refusals = input.refusals ?? [];
  const view: CaptureView = { context, situation, self, address, record, highWater, lost, refusals };
  const placement = placeHolder(context, situation, self.domain, address, record?.holder);
  const step = admitted(situation, stepOf(view, duty, placement));
  const isHolder = record?.holder === context.self && record.phase !== 'releasing';
  return {
    ...idle,
    claim: duty.claim,
    captureOpen: duty.claim !== undefined && isHolder && closedGate(self, situation) === undefined,
    placement: duty.kind === 'capture' ? placement : undefined,
    transition: step.transition,
    actions: step.actions,
    because: [...because, ...duty.because, ...step.because],
    lookAgainAt: earlier(lookAgainAt, duty.lookAgainAt),
  };
}

/** A wish that stands as an order is fulfilled. */
function orderWishOf(wish: Order | undefined, { order }: AddressInput): Order | undefined {
  return order?.order.verb === 'freeze' ? undefined : wish;
}

/** What a lease means for this node. */
interface Duty {
  /** `own`: released by its holder, but a NIC that carries the address may be the one that owns it. `leave`: as it is. */
  readonly kind: 'capture' | 'release' | 'own' | 'leave';
  readonly claim: AddressPlan['claim'];
  readonly because: readonly Reason[];
  /** Why to release, in words. */
  readonly detail: string;
  readonly lookAgainAt?: Instant;
}

/** What an operator took out of the pool is released by its holder; a NIC that carries it may have it by right. */
const EXCLUDED: Duty = { kind: 'own', claim: undefined, because: [], detail: 'the pool excludes the address' };

/** A claim on every router of a site that does not own the address, while anybody does. Never at the owner's own site. */
function dutyOf(
  context: PoolContext,
  situation: PoolSituation,
  self: PoolMember,
  lease: AddressLease | undefined,
  { order, claimBefore }: AddressInput,
): Duty {
  // Nothing was ever heard, or it was forgotten: no news of ownership, and none of absence either.
  if (lease === undefined) return { kind: 'leave', claim: undefined, because: [], detail: '' };
  if (lease.status === 'expired') return expiredDuty(context, situation, lease);
  const release = { kind: 'release', claim: undefined } as const;
  if (lease.site === self.site)
    return {
      ...release,
      kind: 'own',
      because: [{ rule: 'claim.own-site', site: lease.site }],
      detail: 'the address lives at this site now',
    };
  const to = handedHere(context, self, lease, order);
  if (to !== undefined)
    return {
      ...release,
      kind: 'own',
      because: [{ rule: 'claim.handed-here', from: lease.site, to }],
      detail: 'the address is handed over to this site',
    };
  const delivery = resolveDelivery(context, situation, self, lease);
  if (!delivery.ok)
    return {
      ...release,
      because: [{ rule: 'claim.no-delivery', owner: lease.site, detail: delivery.error }],
      detail: 'the address cannot be delivered from here',
    };
  const { via, peerRef } = delivery.value;
  return {
    kind: 'capture',
    claim: claimOf(templateOf(context, self), lease, delivery.value, claimBefore),
    because: [{ rule: 'claim.derived', owner: lease.site, via, peer: peerRef }],
    detail: '',
  };
}

/**
 * The member of this site that the address is handed to, by the pool or by an operator. Its captures here end before it comes: a provider
 * refuses an address to a machine while a router has it, and what is captured at a site nobody there may say to be seen.
 */
function handedHere(
  context: PoolContext,
  self: PoolMember,
  { handingTo }: AddressLease,
  order: AddressInput['order'],
): NodeName | undefined {
  if (order?.order.verb === 'hand-over' && order.order.site === self.site) return self.node;
  const to = handingTo === undefined ? undefined : context.members.get(handingTo);
  return to?.site === self.site ? to.node : undefined;
}

/** An operator may keep captures for a while after an end (`deprovisionHoldDuration`), sparing the provider a release and a re-capture. */
function expiredDuty({ pool }: PoolContext, { now }: PoolSituation, { since }: AddressLease): Duty {
  const until = (since + (pool.spec.capturePolicy.deprovisionHoldDuration ?? 0)) as Instant;
  const detail = 'nobody owns the address any more';
  if (now >= until) return { kind: 'release', claim: undefined, because: [], detail };
  const because: Reason = { rule: 'capture.releasing', detail: `not before ${formatInstant(until)}: ${detail}` };
  return { kind: 'leave', claim: undefined, because: [because], detail, lookAgainAt: until };
}

function stepOf(view: CaptureView, duty: Duty, placement: Placement): CaptureStep {
  switch (duty.kind) {
    case 'capture': {
      const step = captureStep(view, placement);
      return { ...step, because: [placement.because, ...step.because] };
    }
    case 'release':
    case 'own':
      return releaseStep(view, placement, { detail: duty.detail, mayClearNic: duty.kind === 'release' });
    case 'leave':
      return forgottenStep(view);
  }
}

/** Observe before acting: until everything was read, and while the registry is out of reach, nothing is wished for. */
function admitted({ waitingFor, registryConnected }: PoolSituation, step: CaptureStep): CaptureStep {
  const missing = registryConnected ? waitingFor : [...waitingFor, 'the capture registry'];
  if (missing.length === 0) return step;
  const told = step.because.filter(({ rule }) => rule !== 'capture.claiming');
  const because: readonly Reason[] = [...told, { rule: 'capture.waiting-ready', waitingFor: missing }];
  return { transition: undefined, actions: [], because };
}

/** By context, since it is the same for all addresses; a context never changes. */
const templates = new WeakMap<PoolContext, ClaimTemplate>();

function templateOf(context: PoolContext, self: PoolMember): ClaimTemplate {
  const known = templates.get(context);
  if (known !== undefined) return known;
  const template = claimTemplateOf(context, self);
  templates.set(context, template);
  return template;
}

function earlier(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}
