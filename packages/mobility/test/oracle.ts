/**
 * A second planner: slow, and straight from the rules as they are written down, one question at a time. It shares nothing with the first but
 * the types. What it answers is compared with `planAddress` on random small worlds.
 */
import { createHash } from 'node:crypto';
import type { CaptureRecord } from '../src/capture-record.ts';
import type { AddressInput, PoolContext, PoolMember, PoolSituation, Sighting } from '../src/model.ts';

export interface SmallWorld {
  readonly context: PoolContext;
  readonly situation: PoolSituation;
  readonly input: AddressInput;
}

export interface Answer {
  /** `none`, or status and site. */
  readonly lease: string;
  readonly placement: string | undefined;
  readonly via: string | undefined;
  readonly isOpen: boolean;
  /** Phase, holder, epoch and predecessor of the record that this node wants written. */
  readonly wish: string | undefined;
  readonly actions: readonly string[];
}

const HOLD_MS = 5000; // of the fixture's pool
const FREEZE_MOVES = 5;
const FREEZE_WINDOW_MS = 180_000;

// ---- which site owns it ----

export interface Word {
  readonly says: 'fresh' | 'silent' | 'lapsed' | 'gone' | 'nothing';
  readonly first: number;
}

/** What one site says, by all its routers together. */
export function wordOf({ context, situation, input }: SmallWorld, name: string): Word {
  const heard = (each: Sighting): boolean =>
    situation.registryConnected &&
    situation.membersWaited &&
    (each.source === context.self || situation.members.get(each.source)?.liveness === 'alive');
  const own = input.sightings.filter((each) => each.site === name);
  const denials = own.filter(({ kind }) => kind === 'expired');
  const claims = own.filter(
    ({ kind, source }) =>
      kind === 'observed' && ![...input.records.values()].some((record) => record.holder === source),
  );
  const takenBack = own.some(({ kind }) => kind === 'observed') && claims.length < own.length - denials.length;
  const declares = [...context.members.values()].some(
    ({ site: at, node: by, spec }) =>
      at === name && spec.staticOwnedAddresses.includes(input.address) && !denials.some(({ source }) => source === by),
  );
  const fresh = claims.filter(({ expiresAt }) => situation.now < expiresAt);
  if (declares) return { says: 'fresh', first: 0 };
  if (fresh.length > 0) return { says: 'fresh', first: Math.min(...fresh.map((each) => each.firstAcceptedAt)) };
  const isDeaf = !situation.registryConnected || !situation.membersWaited;
  const isOutvoted = (claim: Sighting): boolean =>
    !isDeaf && denials.some((denial) => denial.acceptedAt >= claim.acceptedAt);
  if (claims.some((claim) => !heard(claim) && !isOutvoted(claim))) return { says: 'silent', first: 0 };
  if (takenBack && isDeaf) return { says: 'silent', first: 0 };
  if (takenBack || claims.some(heard)) return { says: 'lapsed', first: 0 };
  return { says: denials.length > 0 || claims.length > 0 ? 'gone' : 'nothing', first: 0 };
}

interface Ownership {
  readonly status: string;
  readonly site: string;
  readonly handingTo?: string | undefined;
}

export function ownership(world: SmallWorld): Ownership | undefined {
  const { context, situation, input } = world;
  const { now, registryConnected, membersWaited } = situation;
  const sites = [...new Set([...context.members.values()].map(({ site }) => site))];
  const { order } = input;
  if (order?.order.verb === 'freeze') return { status: 'frozen', site: order.order.site };
  const known = input.previousLease;
  const thaws =
    known?.frozen !== undefined &&
    order !== undefined &&
    (known.frozen.by === 'operator' || order.version !== known.frozen.orderVersion);
  if (known?.frozen !== undefined && !thaws) return { status: 'frozen', site: known.site };
  const status = thaws ? 'active' : known?.status;
  const fresh = sites
    .map((site) => ({ site, ...wordOf(world, site) }))
    .filter(({ says }) => says === 'fresh')
    .toSorted((a, b) => a.first - b.first || (a.site < b.site ? -1 : 1));
  const target = order?.order.verb === 'hand-over' ? order.order.site : undefined;
  const ordered = fresh.find(({ site }) => site === target)?.site;
  const owned = (site: string): Ownership => ({
    status: fresh.some((each) => each.site !== site) ? 'conflict' : 'active',
    site,
  });
  const recent = thaws ? [] : (known?.moves ?? []).filter((at) => at <= now && at > now - FREEZE_WINDOW_MS);
  const moveTo = (site: string): Ownership =>
    recent.length >= FREEZE_MOVES && site !== ordered && known !== undefined
      ? { status: 'frozen', site: known.site }
      : owned(site);

  if (known === undefined || status === 'expired') {
    const winner = ordered ?? fresh[0]?.site;
    if (winner !== undefined) return known === undefined || known.site === winner ? owned(winner) : moveTo(winner);
    if (known !== undefined) return { status: 'expired', site: known.site };
    const denied = sites.filter((site) => wordOf(world, site).says === 'gone');
    return denied.length === 0 ? undefined : { status: 'expired', site: '?' };
  }
  if (ordered !== undefined && ordered !== known.site) return owned(ordered);
  const rival = fresh.find(({ site }) => site !== known.site);
  const next = successor(world);
  const end: Ownership =
    next !== undefined && next.site !== known.site
      ? { status: 'holding', site: known.site, handingTo: next.node }
      : { status: 'expired', site: known.site };
  switch (wordOf(world, known.site).says) {
    case 'fresh':
      return owned(known.site);
    case 'gone':
      return rival === undefined ? end : moveTo(rival.site);
    case 'lapsed':
      if (known.handingTo !== undefined && rival === undefined) return end;
      if (now < (known.lapsingSince ?? now) + HOLD_MS) return { status: 'holding', site: known.site };
      return rival === undefined ? end : moveTo(rival.site);
    case 'silent':
    case 'nothing':
      if (rival === undefined || !registryConnected || !membersWaited) return { status: 'stale', site: known.site };
      return now < rival.first + HOLD_MS ? { status: 'holding', site: known.site } : moveTo(rival.site);
  }
}

function successor({ context, input: { address } }: SmallWorld): PoolMember | undefined {
  const declared = context.pool.spec.staticHandovers.find((each) => each.address === address)?.toNodeRef;
  const members = [...context.members.values()];
  return declared === undefined
    ? members.find(({ spec }) => spec.staticOwnedAddresses.includes(address))
    : members.find(({ node }) => node === declared);
}

// ---- who captures, and where it is delivered ----

const livenessOf = ({ context, situation }: SmallWorld, node: string): string =>
  node === context.self
    ? 'alive'
    : ([...situation.members.values()].find((each) => each.node === node)?.liveness ?? 'unheard');

const loadOf = ({ situation }: SmallWorld, { node }: PoolMember): number => situation.load?.get(node) ?? 0;
const carriedBy = ({ situation }: SmallWorld, { node }: PoolMember): number =>
  (situation.carried ?? situation.load)?.get(node) ?? 0;

function hash(world: SmallWorld, node: string): number {
  return rendezvousWeight(world.input.address, node);
}

const low32 = (value: bigint): bigint => BigInt.asUintN(32, value);

/** MurmurHash3's finalizer, as its paper writes it. */
function scrambled(value: bigint): bigint {
  const first = low32((value ^ (value >> 16n)) * 0x85ebca6bn);
  const second = low32((first ^ (first >> 13n)) * 0xc2b2ae35n);
  return second ^ (second >> 16n);
}

/** FNV-1a of the address, scrambled; with the beginning of the SHA-256 of the name; scrambled. */
export function rendezvousWeight(address: string, node: string): number {
  const fnv = [...Buffer.from(address)].reduce((hash, byte) => low32((hash ^ BigInt(byte)) * 0x01000193n), 0x811c9dc5n);
  const seed = BigInt(`0x${createHash('sha256').update(node).digest('hex').slice(0, 8)}`);
  return Number(scrambled(scrambled(fnv) ^ seed));
}

function isGated({ spec: { capture } }: PoolMember): boolean {
  return capture.type === 'proxy-arp' && capture.activeWhen !== undefined;
}

function isEligible(world: SmallWorld, member: PoolMember, incumbent: string | undefined): boolean {
  const { situation, context } = world;
  if (situation.members.get(member.node)?.draining === true) return false;
  const life = livenessOf(world, member.node);
  const isIncumbent = member.node === incumbent;
  if (life === 'dead') return false;
  if (life === 'suspect' && !isIncumbent) return false;
  if (life === 'unheard' && !(isIncumbent && !situation.membersWaited)) return false;
  const isMaster = situation.vrrp === 'master';
  if (isGated(member) && (member.node === context.self ? !isMaster : isMaster)) return false;
  return isIncumbent || member.capacity === undefined || loadOf(world, member) < member.capacity;
}

function first<T>(items: readonly T[], rank: (item: T) => readonly number[]): T | undefined {
  let best: T | undefined;
  for (const item of items) if (best === undefined || comesBefore(rank(item), rank(best))) best = item;
  return best;
}

function comesBefore(left: readonly number[], right: readonly number[]): boolean {
  const index = left.findIndex((value, position) => value !== right[position]);
  return index >= 0 && (left[index] ?? 0) < (right[index] ?? 0);
}

function placed(world: SmallWorld, self: PoolMember, record: CaptureRecord | undefined): string | undefined {
  const candidates = [...world.context.members.values()].filter(
    (member) => member.domain === self.domain && isEligible(world, member, record?.holder),
  );
  const rank = ({ priority, node }: PoolMember): readonly number[] => [
    priority,
    node === record?.holder ? 0 : 1,
    -hash(world, node),
  ];
  return first(candidates, rank)?.node;
}

function delivered(world: SmallWorld, site: string): string | undefined {
  const { context, situation } = world;
  const rank = (member: PoolMember): readonly number[] => {
    const life = livenessOf(world, member.node);
    const isAbsent = life === 'unheard' && situation.membersWaited;
    const isDraining = situation.members.get(member.node)?.draining === true;
    const state = life === 'dead' ? 4 : isAbsent ? 3 : isDraining ? 2 : carriedBy(world, member) > 0 ? 0 : 1;
    return [state, member.priority, -hash(world, member.node)];
  };
  return first(
    [...context.members.values()].filter((member) => member.site === site),
    rank,
  )?.node;
}

// ---- the next step ----

type Duty = 'capture' | 'release' | 'own' | 'leave';
interface Step {
  readonly wish?: string;
  readonly actions?: readonly string[];
}

function isGone(world: SmallWorld, node: string): boolean {
  const life = livenessOf(world, node);
  const isMember = [...world.context.members.keys()].some((each) => each === node);
  return !isMember || life === 'dead' || (life === 'unheard' && world.situation.membersWaited);
}

function stepOf(world: SmallWorld, self: PoolMember, duty: Duty, chosen: string | undefined): Step {
  const { input, situation } = world;
  const record = input.records.get(self.domain);
  const highWater = input.highWater.get(self.domain) ?? 0;
  const isLan = self.role === 'onprem';
  const nic = isLan || situation.nic.kind === 'unknown' ? undefined : situation.nic;
  const isOnNic = nic?.addresses.has(input.address) ?? false;
  const epoch = Math.max(record?.epoch ?? 0, highWater) + 1;
  const claim = (previous: string | undefined): Step => ({
    wish: `acquiring ${self.node} ${epoch} ${previous ?? 'nobody'}`,
  });
  const claimAsUsual = (): Step => claim(whereabouts(self, record));
  const mine = record?.holder === self.node ? record : undefined;
  const isClosed = isGated(self) && situation.vrrp !== 'master';

  if (mine === undefined) {
    const isForgotten = (record?.epoch ?? 0) < highWater && isOnNic;
    if (duty === 'capture' && (chosen === self.node || isForgotten)) return claimAsUsual();
    const isReleasing = duty === 'release' || duty === 'own';
    if (isReleasing && record?.holder !== undefined && isGone(world, record.holder) && chosen === self.node)
      return claimAsUsual();
    if (duty === 'release' && isForgotten) return claimAsUsual();
    const tidying = tidied(world, self, record, duty === 'own' || duty === 'leave');
    const isDraining = situation.members.get(self.node)?.draining === true;
    const isWarm = record?.phase === 'held' && (situation.ownedHere ?? 0) > 0 && !isDraining;
    const isCold = nic !== undefined && !nic.forwarding;
    if (duty === 'capture' && tidying.length === 0 && isWarm && isCold)
      return { actions: ['ensure-forwarding-enabled'] };
    return { actions: tidying };
  }
  if (duty === 'leave') return {};
  const say = (phase: string): Step => ({ wish: `${phase} ${self.node} ${mine.epoch} ${mine.previous ?? 'nobody'}` });
  if (duty === 'capture') {
    if (isClosed) return {};
    if (mine.phase === 'releasing' || mine.epoch < highWater) return claimAsUsual();
    const isCaptured = isLan
      ? situation.hostCaptures?.has(input.address)
      : nic === undefined
        ? undefined
        : isOnNic && nic.forwarding;
    const acts: Step =
      nic === undefined
        ? {}
        : {
            actions: [
              ...(nic.forwarding ? [] : ['ensure-forwarding-enabled']),
              ...(isOnNic ? [] : [assignment(world, self, mine)]),
            ],
          };
    if (isCaptured === true) return mine.phase === 'held' ? {} : say('held');
    const refused = (input.refusals ?? []).filter((each) => each.epoch === mine.epoch).length > 0;
    if (mine.phase === 'held' || isCaptured !== false || !refused) return acts;
    const next = nextToAsk(world, self, mine);
    return next === undefined ? acts : claim(next);
  }
  if (mine.epoch < highWater) return claimAsUsual();
  if (mine.phase !== 'releasing') return say('releasing');
  if (isLan) {
    if (situation.hostCaptures?.has(input.address) !== false) return {};
  } else {
    if (nic === undefined) return {};
    if (isOnNic) return { actions: ['unassign-secondary-ip'] };
    const others = [...situation.heldBySelf].filter(([other]) => other !== input.address);
    const isLast = others.every(([other, phase]) => phase === 'releasing' && other < input.address);
    const isUnused = (situation.heldForOtherPools ?? 0) === 0 && (situation.ownedHere ?? 0) === 0;
    if (nic.forwarding && isLast && isUnused) return { actions: ['ensure-forwarding-disabled'] };
  }
  const was = mine.previous;
  const leftWith = was !== undefined && was !== self.node && isGone(world, was) ? was : self.node;
  return { wish: `vacant nobody ${epoch} ${leftWith}` };
}

function whereabouts(self: PoolMember, record: CaptureRecord | undefined): string | undefined {
  const none = undefined;
  const where = ((): string | undefined => {
    if (record === undefined) return none;
    if (record.phase === 'vacant') return record.previous === record.writer ? none : record.previous;
    if (record.phase === 'acquiring') return record.previous;
    if (record.holder === self.node && record.phase !== 'held') return record.previous;
    return record.holder;
  })();
  return where === self.node ? none : where;
}

function nextToAsk({ context, input }: SmallWorld, self: PoolMember, record: CaptureRecord): string | undefined {
  const asked: (string | undefined)[] = [];
  for (let epoch: number = record.epoch; ; epoch -= 1) {
    const refusal = (input.refusals ?? []).find((each) => each.epoch === epoch);
    if (refusal === undefined) break;
    asked.push(refusal.from);
  }
  const others = [...context.members.values()].filter((each) => each.domain === self.domain && each.node !== self.node);
  return others
    .map(({ node }) => node)
    .toSorted()
    .find((node) => !asked.includes(node));
}

function assignment({ context }: SmallWorld, self: PoolMember, { phase, previous }: CaptureRecord): string {
  const from = [...context.members.values()].find(({ node }) => node === previous);
  const isUnderWay = phase === 'acquiring' || phase === 'confirmed';
  const mayTake = isUnderWay && from !== undefined && from.node !== self.node && from.domain === self.domain;
  return mayTake ? `assign-secondary-ip from ${from.node}` : 'assign-secondary-ip';
}

/** What a router that does not hold takes off its NIC. */
function tidied(
  { situation, input }: SmallWorld,
  self: PoolMember,
  record: CaptureRecord | undefined,
  mayBeOwn: boolean,
): readonly string[] {
  if (self.role === 'onprem' || record === undefined || situation.nic.kind === 'unknown') return [];
  const namesUs = record.previous === self.node;
  if (situation.nic.addresses.has(input.address)) {
    const isVacantLeft = record.phase === 'vacant' && (!mayBeOwn || (namesUs && record.writer !== self.node));
    const isSoughtElsewhere = ['acquiring', 'confirmed'].includes(record.phase) && !namesUs && !mayBeOwn;
    return isVacantLeft || isSoughtElsewhere ? ['unassign-secondary-ip'] : [];
  }
  const holdsNothing = situation.heldBySelf.size === 0 && (situation.heldForOtherPools ?? 0) === 0;
  const isOver = record.phase === 'held' || record.phase === 'vacant';
  const isDraining = situation.members.get(self.node)?.draining === true;
  const deliversNothing = situation.ownedHere === 0 || isDraining;
  return situation.nic.forwarding && holdsNothing && isOver && namesUs && record.holder !== self.node && deliversNothing
    ? ['ensure-forwarding-disabled']
    : [];
}

export function answerOf(world: SmallWorld): Answer {
  const { context, situation, input } = world;
  const owner = ownership(world);
  const lease = owner === undefined ? 'none' : owner.status === 'expired' ? 'expired' : `${owner.status} ${owner.site}`;
  const self = context.selfMember;
  if (self === undefined)
    return { lease, placement: undefined, via: undefined, isOpen: false, wish: undefined, actions: [] };
  const handedTo = [...context.members.values()].find(({ node }) => node === owner?.handingTo)?.site;
  const isOrderedHere = input.order?.order.verb === 'hand-over' && input.order.order.site === self.site;
  const duty: Duty =
    owner === undefined
      ? 'leave'
      : owner.status === 'expired'
        ? 'release'
        : owner.site === self.site || handedTo === self.site || isOrderedHere
          ? 'own'
          : 'capture';
  const record = input.records.get(self.domain);
  const chosen = placed(world, self, record);
  const isReady = situation.registryConnected && situation.waitingFor.length === 0;
  const { wish, actions = [] } = isReady ? stepOf(world, self, duty, chosen) : {};
  const isHolder = record?.holder === self.node && record.phase !== 'releasing';
  return {
    lease,
    placement: duty === 'capture' ? chosen : undefined,
    via: duty === 'capture' && owner !== undefined ? delivered(world, owner.site) : undefined,
    isOpen: duty === 'capture' && isHolder && !(isGated(self) && situation.vrrp !== 'master'),
    wish,
    actions,
  };
}
