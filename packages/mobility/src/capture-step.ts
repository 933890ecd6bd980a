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
import type { ActionProposal, ActionVerb, PoolContext, PoolMember, PoolSituation, Reason } from './model.ts';
import { isGone, type Placement } from './placement.ts';
import { proposalOf } from './provider-action.ts';

export interface CaptureView {
  readonly context: PoolContext;
  readonly situation: PoolSituation;
  readonly self: PoolMember;
  readonly address: HostAddress;
  /** What the registry says of the address in this node's own domain. */
  readonly record: CaptureRecord | undefined;
  /** The highest epoch this node has ever seen there; 0 when none. */
  readonly highWater: CaptureEpoch;
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
    if (placement.node === context.self) return claimStep(view, placement);
    const because: Reason = { rule: 'capture.standby', holder: record?.holder, epoch: record?.epoch ?? NEVER_HELD };
    return withLeftBehind(view, [because]);
  }
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
    return mayClearNic ? withLeftBehind(view, []) : { transition: undefined, actions: [], because: [] };
  }
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
    if (nic.forwarding && restoresForwarding(view))
      return { ...waiting, actions: propose(view, record, ['ensure-forwarding-disabled'], because) };
  }
  const vacated = transitionOf(view, {
    holder: undefined,
    phase: 'vacant',
    previous: context.self,
    reason: 'released',
  });
  return { transition: vacated, actions: [], because };
}

const NEVER_HELD = 0 as CaptureEpoch;

/** A new tenure of this node. */
function claimStep(view: CaptureView, placement: Placement): CaptureStep {
  const { context, record } = view;
  const transition = transitionOf(view, {
    holder: context.self,
    phase: 'acquiring',
    previous: whereItMayBe(view),
    reason: placement.because.rule,
  });
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
 * Whose NIC a new holder may find the address on. A tenure that ended in `acquiring` never touched the provider (its fence was not
 * confirmed), so the address is still where that tenure meant to take it from.
 */
function whereItMayBe({ context, record }: CaptureView): CaptureRecord['previous'] {
  if (record === undefined || record.phase === 'vacant') return undefined;
  const isOwn = record.holder === context.self;
  const last = record.phase === 'acquiring' || (isOwn && record.phase !== 'held') ? record.previous : record.holder;
  return last === context.self ? undefined : last;
}

/**
 * An address on this node's NIC that the registry gives to nobody, or to a router that does not look for it here, is left from a
 * tenure that ended while this node was away. It would keep the address from everybody else. (A holder that names this node as its
 * predecessor takes it over itself, without a gap.)
 */
function withLeftBehind(view: CaptureView, because: readonly Reason[]): CaptureStep {
  const { context, situation, record, address } = view;
  const isSoughtHere = record?.previous === context.self && record.phase !== 'vacant';
  const isOpen = record?.phase === 'vacant' || record?.phase === 'acquiring' || record?.phase === 'confirmed';
  if (record === undefined || !isOpen || isSoughtHere || situation.nic.kind === 'unknown')
    return { transition: undefined, actions: [], because };
  if (!situation.nic.addresses.has(address)) return { transition: undefined, actions: [], because };
  const leftover: Reason = { rule: 'capture.releasing', detail: 'left on this NIC by an earlier tenure' };
  const actions = propose(view, record, ['unassign-secondary-ip'], [leftover]);
  return { transition: undefined, actions, because: [...because, leftover] };
}

/** The last address to leave a NIC restores forwarding; of several that leave together it is the highest. */
function restoresForwarding({ situation, address }: CaptureView): boolean {
  const others = [...situation.heldBySelf].filter(([other]) => other !== address);
  return others.every(([other, phase]) => phase === 'releasing' && other < address);
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
