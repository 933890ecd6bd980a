/** Everything that follows for one address on this node. Pure: equal inputs give equal outputs, in any order of facts. */
import type { HostAddress } from '@routerd/resources';
import {
  captureKeyOf,
  type CaptureEpoch,
  type CapturePhase,
  type CaptureRecord,
  type CaptureTransition,
  type Revision,
} from './capture-record.ts';
import { claimOf, noDelivery, resolveDelivery } from './claim.ts';
import { deriveLease } from './lease.ts';
import type {
  ActionProposal,
  ActionVerb,
  AddressInput,
  AddressPlan,
  PoolContext,
  PoolMember,
  PoolSituation,
  Reason,
} from './model.ts';
import { placeHolder, type Placement } from './placement.ts';
import { proposalOf } from './provider-action.ts';

/** Cost: linear in the facts and routers concerned with the one address. */
export function planAddress(context: PoolContext, situation: PoolSituation, input: AddressInput): AddressPlan {
  const { lease, because, lookAgainAt } = deriveLease(context, situation, input);
  const idle: AddressPlan = {
    address: input.address,
    lease,
    claim: undefined,
    captureOpen: false,
    transition: undefined,
    actions: [],
    because,
    lookAgainAt,
  };
  const self = context.selfMember;
  if (self === undefined) return idle;
  const duty = dutyOf(context, situation, self, lease);
  const own = ownCapture(context, situation, self, input, duty.claim !== undefined);
  return {
    ...idle,
    claim: duty.claim,
    captureOpen: duty.claim !== undefined && own.open,
    transition: own.transition,
    actions: own.actions,
    because: [...because, ...duty.because, ...own.because],
  };
}

interface Duty {
  readonly claim: AddressPlan['claim'];
  readonly because: readonly Reason[];
}

/** A claim on every router of a site that does not own the address, while anybody does. */
function dutyOf(context: PoolContext, situation: PoolSituation, self: PoolMember, lease: AddressPlan['lease']): Duty {
  if (lease === undefined || lease.status === 'expired') return { claim: undefined, because: [] };
  if (lease.site === self.site) return { claim: undefined, because: [{ rule: 'claim.own-site', site: lease.site }] };
  const delivery = resolveDelivery(context, situation, self, lease);
  if (!delivery.ok) return { claim: undefined, because: [noDelivery(lease, delivery.error)] };
  const { via, peerRef } = delivery.value;
  return {
    claim: claimOf(context, self, lease, delivery.value),
    because: [{ rule: 'claim.derived', owner: lease.site, via, peer: peerRef }],
  };
}

interface OwnCapture {
  /** The registry names this node, and not to release. */
  readonly open: boolean;
  readonly transition: CaptureTransition | undefined;
  readonly actions: readonly ActionProposal[];
  readonly because: readonly Reason[];
}

interface CaptureView {
  readonly context: PoolContext;
  readonly situation: PoolSituation;
  readonly self: PoolMember;
  readonly address: HostAddress;
  readonly record: CaptureRecord | undefined;
  readonly highWater: CaptureEpoch;
  readonly placement: Placement;
}

function ownCapture(
  context: PoolContext,
  situation: PoolSituation,
  self: PoolMember,
  input: AddressInput,
  isWanted: boolean,
): OwnCapture {
  const record = input.records.get(self.domain);
  const holds = record?.holder === context.self;
  if (!isWanted && !holds) return { open: false, transition: undefined, actions: [], because: [] };
  const placement = placeHolder(context, situation, self.domain, input.address, record?.holder);
  const view: CaptureView = {
    context,
    situation,
    self,
    address: input.address,
    record,
    highWater: input.highWater.get(self.domain) ?? (0 as CaptureEpoch),
    placement,
  };
  const open = holds && record.phase !== 'releasing';
  const blocked = blockedBy(situation);
  const decided = isWanted ? captureStep(view) : releaseStep(view);
  const because = isWanted ? [placement.because, ...decided.because] : decided.because;
  if (blocked.length > 0)
    return {
      open,
      transition: undefined,
      actions: [],
      because: [...because, { rule: 'capture.waiting-ready', waitingFor: blocked }],
    };
  return { open, transition: decided.transition, actions: decided.actions, because };
}

function blockedBy(situation: PoolSituation): readonly string[] {
  return situation.registryConnected ? situation.waitingFor : [...situation.waitingFor, 'the capture registry'];
}

type Step = Omit<OwnCapture, 'open'>;

function captureStep(view: CaptureView): Step {
  const { context, record, placement, highWater } = view;
  if (record?.holder !== context.self) {
    if (placement.node === context.self) return claimStep(view);
    return {
      transition: undefined,
      actions: [],
      because: [{ rule: 'capture.standby', holder: record?.holder, epoch: record?.epoch ?? (0 as CaptureEpoch) }],
    };
  }
  // A tenure that was being released, or that a registry with lost data forgot, begins anew.
  if (record.phase === 'releasing' || record.epoch < highWater) return claimStep(view);
  const standing = isCaptured(view);
  const actions = standing === true ? [] : acquireActions(view, record);
  if (record.phase === 'held') {
    const drift: readonly Reason[] =
      standing === false ? [{ rule: 'capture.drift', detail: 'the capture is not in effect' }] : [];
    return { transition: undefined, actions, because: [{ rule: 'capture.held', epoch: record.epoch }, ...drift] };
  }
  const because: readonly Reason[] = [{ rule: 'capture.acquiring', epoch: record.epoch }];
  if (standing !== true) return { transition: undefined, actions, because };
  return { transition: moveOn(view, record, 'held', 'capture verified'), actions: [], because };
}

/** A new tenure of this node: the epoch grows past everything that was ever seen. */
function claimStep(view: CaptureView): Step {
  const { context, self, address, record, highWater, placement } = view;
  const epoch = (Math.max(record?.epoch ?? 0, highWater) + 1) as CaptureEpoch;
  const from = record?.holder === context.self ? undefined : record?.holder;
  const transition: CaptureTransition = {
    key: captureKeyOf(context.name, address, self.domain),
    pool: context.name,
    address,
    domain: self.domain,
    basedOn: record?.revision ?? (0 as Revision),
    epoch,
    holder: context.self,
    phase: 'acquiring',
    previous: record?.holder,
    reason: placement.because.rule,
  };
  return { transition, actions: [], because: [{ rule: 'capture.claiming', epoch, from }] };
}

/** Nobody should hold any more: take the capture away, see that it is gone, then say so. */
function releaseStep(view: CaptureView): Step {
  const { context, record } = view;
  if (record === undefined) return { transition: undefined, actions: [], because: [] };
  const because: readonly Reason[] = [
    { rule: 'capture.releasing', detail: 'the address is not owned elsewhere any more' },
  ];
  if (record.phase !== 'releasing')
    return { transition: moveOn(view, record, 'releasing', 'not owned elsewhere any more'), actions: [], because };
  const captured = isCaptured(view);
  if (captured === undefined) return { transition: undefined, actions: [], because };
  const { nic } = view.situation;
  if (view.self.role === 'cloud' && nic.kind === 'known') {
    if (nic.addresses.has(view.address))
      return { transition: undefined, actions: propose(view, record, ['unassign-secondary-ip']), because };
    if (restoresForwarding(view) && nic.forwarding)
      return { transition: undefined, actions: propose(view, record, ['ensure-forwarding-disabled']), because };
  } else if (captured) return { transition: undefined, actions: [], because };
  const { key, pool, address, domain, revision } = record;
  const epoch = (Math.max(record.epoch, view.highWater) + 1) as CaptureEpoch;
  const vacated: CaptureTransition = {
    key,
    pool,
    address,
    domain,
    basedOn: revision,
    epoch,
    holder: undefined,
    phase: 'vacant',
    previous: context.self,
    reason: 'released',
  };
  return { transition: vacated, actions: [], because };
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
  return propose(view, record, [
    ...(nic.forwarding ? [] : (['ensure-forwarding-enabled'] as const)),
    ...(nic.addresses.has(view.address) ? [] : (['assign-secondary-ip'] as const)),
  ]);
}

function propose(
  { context, self, address }: CaptureView,
  record: CaptureRecord,
  verbs: readonly ActionVerb[],
): readonly ActionProposal[] {
  const because: readonly Reason[] = [
    record.phase === 'releasing'
      ? { rule: 'capture.releasing', detail: record.reason }
      : { rule: 'capture.acquiring', epoch: record.epoch },
  ];
  return verbs.flatMap((verb) => proposalOf(context, self, { verb, address, record, because }) ?? []);
}

function moveOn(
  { context }: CaptureView,
  record: CaptureRecord,
  phase: CapturePhase,
  reason: string,
): CaptureTransition {
  const { key, pool, address, domain, revision, epoch, previous } = record;
  return { key, pool, address, domain, basedOn: revision, epoch, holder: context.self, phase, previous, reason };
}
