/**
 * The next step of this node's own capture of one address: one step at a time, each seen to be in effect before the next is taken.
 *
 *     vacant ──claim, epoch+1──► acquiring ──fence──► confirmed ──verified──► held
 *        ▲                           └───────────────────┴──────────────┬──────┘
 *        └──verified gone, epoch+1── releasing ◄──not wanted any more───┘
 */
import type { HostAddress } from '@routerd/resources';
import {
  captureKeyOf,
  type CaptureEpoch,
  type CapturePhase,
  type CaptureRecord,
  type CaptureTransition,
  type Revision,
} from './capture-record.ts';
import type {
  ActionProposal,
  ActionVerb,
  Placement,
  PoolContext,
  PoolMember,
  PoolSituation,
  Reason,
  SeizeRefusal,
} from './model.ts';
import { mayStillSend, mayStopForwarding, restoresForwarding, standsByForwarding } from './nic-forwarding.ts';
import { closedGate, isGone } from './placement.ts';
import { proposalOf } from './provider-action.ts';
import { isLeftBehind, isPutHere, nextSuspect, vacatedBy, whereItMayBe } from './whereabouts.ts';

export interface CaptureView {
  readonly context: PoolContext;
  readonly situation: PoolSituation;
  readonly self: PoolMember;
  readonly address: HostAddress;
  /** What the registry says of the address in this node's own domain. */
  readonly record: CaptureRecord | undefined;
  /** The highest epoch this node has ever seen there; 0 when none. */
  readonly highWater: CaptureEpoch;
  /** What stood there before the registry lost it. */
  readonly lost: CaptureRecord | undefined;
  readonly refusals: readonly SeizeRefusal[];
}

export interface CaptureStep {
  readonly transition: CaptureTransition | undefined;
  readonly actions: readonly ActionProposal[];
  readonly because: readonly Reason[];
}

/** The address is owned elsewhere and can be delivered: one router of the domain captures it. */
export function captureStep(view: CaptureView, placement: Placement): CaptureStep {
  const { context, record, highWater } = view;
  if (record?.holder !== context.self) {
    if (placement.node === context.self || isForgotten(view)) return claimStep(view, placement);
    const because: Reason = { rule: 'capture.standby', holder: record?.holder, epoch: record?.epoch ?? NEVER_HELD };
    return warmStandby(view, cleaningUp(view, [because], { isOwnNic: false }));
  }
  const role = closedGate(view.self, view.situation);
  if (role !== undefined)
    return { transition: undefined, actions: [], because: [{ rule: 'capture.gate-closed', role }] };
  // A tenure that was being released, or that a registry with lost data forgot, begins anew.
  if (record.phase === 'releasing' || record.epoch < highWater) return claimStep(view, placement);
  const captured = isCaptured(view);
  const actions = captured === true ? [] : acquireActions(view, record);
  if (record.phase === 'held') {
    const drift: readonly Reason[] =
      captured === false ? [{ rule: 'capture.drift', detail: 'the capture is not in effect' }] : [];
    return { transition: undefined, actions, because: [{ rule: 'capture.held', epoch: record.epoch }, ...drift] };
  }
  const because: readonly Reason[] = [{ rule: 'capture.acquiring', epoch: record.epoch }];
  if (captured === false && view.refusals.some(({ epoch }) => epoch === record.epoch))
    return refusedStep(view, record, { transition: undefined, actions, because });
  if (captured !== true) return { transition: undefined, actions, because };
  return { transition: moveOn(view, record, 'held', 'capture verified'), actions: [], because };
}

/**
 * Nobody should hold any more: take the capture away, see that it is gone, then say so. What a router holds that is gone itself is
 * taken over by the one that would succeed it, so that it too comes to an end.
 */
export function releaseStep(
  view: CaptureView,
  placement: Placement,
  { detail, mayClearNic }: { readonly detail: string; readonly mayClearNic: boolean },
): CaptureStep {
  const { context, record, situation, self } = view;
  if (record?.holder !== context.self) {
    const isOrphan = record?.holder !== undefined && isGone(context, situation, record.holder);
    if (isOrphan && placement.node === context.self) return claimStep(view, placement);
    // What was forgotten ends as every tenure does: under an epoch, with a fence.
    if (mayClearNic && isForgotten(view)) return claimStep(view, placement);
    return cleaningUp(view, [], { isOwnNic: !mayClearNic });
  }
  // Nothing is written any more under an epoch below one that this node has seen: what lost data forgot ends in a tenure of its own.
  if (record.epoch < view.highWater) return claimStep(view, placement);
  const because: readonly Reason[] = [{ rule: 'capture.releasing', detail }];
  const waiting: CaptureStep = { transition: undefined, actions: [], because };
  if (record.phase !== 'releasing')
    return { transition: moveOn(view, record, 'releasing', detail), actions: [], because };
  const { nic, hostCaptures } = situation;
  if (self.role === 'onprem') {
    if (hostCaptures?.has(view.address) !== false) return waiting;
  } else {
    if (nic.kind === 'unknown') return waiting;
    if (nic.addresses.has(view.address))
      return { ...waiting, actions: propose(view, record, ['unassign-secondary-ip'], because) };
    if (nic.forwarding && restoresForwarding(situation, view.address))
      return { ...waiting, actions: propose(view, record, ['ensure-forwarding-disabled'], because) };
  }
  const vacated = transitionOf(view, {
    holder: undefined,
    phase: 'vacant',
    previous: vacatedBy(context, situation, record),
    reason: 'released',
  });
  return { transition: vacated, actions: [], because };
}

/** Forwarding is all that a router which stands by asks for; it attracts nothing. */
function warmStandby(view: CaptureView, step: CaptureStep): CaptureStep {
  const { context, situation, record } = view;
  const { nic } = situation;
  if (step.actions.length > 0 || record === undefined || nic.kind === 'unknown' || nic.forwarding) return step;
  if (!standsByForwarding(context, situation, record)) return step;
  const because: Reason = { rule: 'capture.ready-to-deliver', epoch: record.epoch };
  const actions = propose(view, record, ['ensure-forwarding-enabled'], [because]);
  return { ...step, actions, because: [...step.because, because] };
}

/** Nothing is known of the address any more: what this node holds it keeps, what the registry says it left behind it cleans up. */
export function forgottenStep(view: CaptureView): CaptureStep {
  if (view.record?.holder === view.context.self) return { transition: undefined, actions: [], because: [] };
  return cleaningUp(view, [], { isOwnNic: true });
}

const NEVER_HELD = 0 as CaptureEpoch;

/**
 * A registry that lost data forgot a tenure that the NIC still shows: it has no record of it, or one below an epoch that this node has
 * seen. No action of an earlier epoch passes the fence here, so a new tenure is the only way to keep the address or to give it up.
 */
function isForgotten({ record, highWater, situation: { nic }, address }: CaptureView): boolean {
  return (record?.epoch ?? NEVER_HELD) < highWater && nic.kind === 'known' && nic.addresses.has(address);
}

/** A new tenure of this node. */
function claimStep(view: CaptureView, placement: Placement): CaptureStep {
  return claimAfter(view, whereItMayBe(view.context, view.lost ?? view.record), placement.because.rule);
}

/**
 * The provider says that the address is elsewhere than this tenure assumed: the next one looks at another router of the domain. When
 * all were asked a stranger has it; then it is asked for again and again, since he may give it up, and taken from nobody.
 */
function refusedStep(view: CaptureView, record: CaptureRecord, repeated: CaptureStep): CaptureStep {
  const { asked, next } = nextSuspect(view.context, view.self, record, view.refusals);
  if (next !== undefined) return claimAfter(view, next, 'the provider holds the address elsewhere');
  return { ...repeated, because: [...repeated.because, { rule: 'capture.held-by-stranger', asked }] };
}

function claimAfter(view: CaptureView, previous: CaptureTransition['previous'], reason: string): CaptureStep {
  const { context, record } = view;
  const transition = transitionOf(view, { holder: context.self, phase: 'acquiring', previous, reason });
  const from = record?.holder === context.self ? undefined : record?.holder;
  return { transition, actions: [], because: [{ rule: 'capture.claiming', epoch: transition.epoch, from }] };
}

/** A change of the holder: the epoch grows past everything that was ever seen. */
function transitionOf(
  { context, self, address, record, highWater }: CaptureView,
  what: Pick<CaptureTransition, 'holder' | 'phase' | 'previous' | 'reason'>,
): CaptureTransition {
  return {
    key: captureKeyOf(context.name, address, self.domain),
    pool: context.name,
    address,
    domain: self.domain,
    basedOn: record?.revision ?? (0 as Revision),
    epoch: (Math.max(record?.epoch ?? NEVER_HELD, highWater) + 1) as CaptureEpoch,
    ...what,
  };
}

/**
 * A router that does not hold: takes off its NIC what an earlier tenure left there, and stops forwarding when nothing is left to forward.
 * `isOwnNic`: a NIC that carries the address may have it by right.
 */
function cleaningUp(
  view: CaptureView,
  because: readonly Reason[],
  { isOwnNic }: { readonly isOwnNic: boolean },
): CaptureStep {
  const { context, situation, record, address } = view;
  const { nic } = situation;
  const idle: CaptureStep = { transition: undefined, actions: [], because };
  if (record === undefined || nic.kind === 'unknown') return idle;
  const cleaning = (verb: ActionVerb, detail: string): CaptureStep => {
    const reason: Reason = { rule: 'capture.left-behind', detail };
    return { ...idle, actions: propose(view, record, [verb], [reason]), because: [...because, reason] };
  };
  if (nic.addresses.has(address)) {
    if (isLeftBehind(context, record, { isOwnNic }))
      return cleaning('unassign-secondary-ip', 'an earlier tenure left the address on this NIC');
    return isPutHere(context, record, { isOwnNic, observedAt: nic.observedAt })
      ? cleaning('unassign-secondary-ip', 'another router holds the address, and it was put on this NIC')
      : idle;
  }
  if (!nic.forwarding || !mayStopForwarding(context, situation, record)) return idle;
  const unread = mayStillSend(context, situation);
  return unread.length > 0
    ? { ...idle, because: [...because, { rule: 'capture.overlap', unread }] }
    : cleaning('ensure-forwarding-disabled', 'all captures have left this NIC');
}

/** Three-valued: undefined while the host or the NIC was not read. */
function isCaptured({ situation, self, address }: CaptureView): boolean | undefined {
  if (self.role === 'onprem') return situation.hostCaptures?.has(address);
  if (situation.nic.kind === 'unknown') return undefined;
  return situation.nic.addresses.has(address) && situation.nic.forwarding;
}

function acquireActions(view: CaptureView, record: CaptureRecord): readonly ActionProposal[] {
  const { nic } = view.situation;
  if (view.self.role !== 'cloud' || nic.kind === 'unknown') return [];
  const verbs = [
    ...(nic.forwarding ? [] : (['ensure-forwarding-enabled'] as const)),
    ...(nic.addresses.has(view.address) ? [] : (['assign-secondary-ip'] as const)),
  ];
  return propose(view, record, verbs, [{ rule: 'capture.acquiring', epoch: record.epoch }]);
}

function propose(
  { context, self, address }: CaptureView,
  record: CaptureRecord,
  verbs: readonly ActionVerb[],
  because: readonly Reason[],
): readonly ActionProposal[] {
  return verbs.flatMap((verb) => proposalOf(context, self, { verb, address, record, because }) ?? []);
}

/** The next phase of the same tenure. */
function moveOn(
  { context }: CaptureView,
  { key, pool, address, domain, revision, epoch, previous }: CaptureRecord,
  phase: CapturePhase,
  reason: string,
): CaptureTransition {
  return { key, pool, address, domain, basedOn: revision, epoch, holder: context.self, phase, previous, reason };
}
