/**
 * All routers of a pool, each with the planner that it runs in truth, over one registry and NICs that do at once what they are told.
 * Rounds go on until nobody wants anything; then time jumps to the next instant that somebody named.
 */
import type { HostAddress, Instant, NodeName } from '@routerd/resources';
import { foldCapture } from '../capture-fold.ts';
import type {
  CaptureDomain,
  CaptureKey,
  CaptureRecord,
  CaptureTransition,
  ClaimId,
  Revision,
} from '../capture-record.ts';
import { ACTION_ORDER } from '../action-order.ts';
import type {
  ActionProposal,
  ActionVerb,
  AddressPlan,
  MemberState,
  PoolContext,
  PoolMember,
  Sighting,
  VrrpRole,
} from '../model.ts';
import type { PlanChange } from '../pool-world.ts';
import { yieldsMastership } from '../placement.ts';
import { viewOf } from './fleet-view.ts';
import type { StepLog } from './forecast-step.ts';
import { NEVER, type Present } from './hypothesis.ts';
import { providerCalls, providerOf } from './provider-calls.ts';
import { VirtualRouter, type VirtualNic } from './virtual-router.ts';

/** More rounds than any chain of steps needs; a plan that goes round in circles ends here, and is reported. */
const ROUNDS_MAX = 200;

export class VirtualFleet {
  readonly routers: ReadonlyMap<NodeName, VirtualRouter>;
  readonly #context: PoolContext;
  readonly #records: Map<CaptureKey, CaptureRecord>;
  readonly #members: ReadonlyMap<NodeName, MemberState>;
  readonly #masters: ReadonlySet<NodeName>;
  readonly #log: StepLog | undefined;
  /** What each router planned before; steps are told against it. */
  readonly #earlier: VirtualFleet | undefined;
  /** The last word of each router about each address, as far as the pool has it speak. */
  readonly #spoken = new Map<string, Sighting['kind']>();
  now: Instant;

  /** @param story what it goes on from, and where its steps are told; without it nothing is */
  constructor(
    present: Present,
    members: ReadonlyMap<NodeName, MemberState>,
    story?: { readonly log: StepLog; readonly earlier: VirtualFleet },
  ) {
    const { context, now } = present;
    this.#context = context;
    this.#members = members;
    this.#log = story?.log;
    this.#earlier = story?.earlier;
    this.now = now;
    this.#records = new Map([...present.records].map((record) => [record.key, record]));
    this.#masters = mastersOf(present);
    for (const { source, address, kind } of present.sightings) this.#spoken.set(`${source} ${address}`, kind);
    this.routers = new Map(
      [...context.members.values()].map((member) => {
        const nic = copyOf(this.#earlier?.routers.get(member.node)?.nic) ?? this.#nicOf(member);
        return [member.node, new VirtualRouter(viewOf(context, member), present, this.#records.values(), nic)];
      }),
    );
  }

  #nicOf({ node, domain }: PoolMember): VirtualNic {
    const held = [...this.#records.values()].filter((record) => record.holder === node && record.domain === domain);
    const addresses = held
      .filter(({ phase }) => phase === 'held' || phase === 'releasing')
      .map(({ address }) => address);
    return { addresses: new Set(addresses), forwarding: held.length > 0 };
  }

  records(): Iterable<CaptureRecord> {
    return this.#records.values();
  }

  isAlive(node: NodeName): boolean {
    return this.#members.get(node)?.liveness === 'alive' || this.#members.get(node)?.liveness === 'suspect';
  }

  /** @returns whether it came to rest before `until` and within the rounds allowed */
  settle(until: Instant): boolean {
    const living = [...this.routers.values()].filter(({ node }) => this.isAlive(node));
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      this.#log?.nextRound();
      for (const router of living) {
        const changes = router.plan(this.now, this.#members, this.#vrrpOf(router.node));
        this.#note(router, changes);
        for (const { after } of changes) this.#speak(router.node, after);
      }
      const didAppend = living.filter((router) => this.#appendOf(router)).length > 0;
      const didAct = living.filter((router) => this.#actOf(router)).length > 0;
      if (!didAppend && !didAct && !this.#sleep(living, until)) return true;
    }
    return false;
  }

  /** @returns false when nothing is to be waited for */
  #sleep(living: readonly VirtualRouter[], until: Instant): boolean {
    if (living.some((router) => router.isTouched())) return true;
    const next = Math.min(...living.map(({ world }) => world.nextLookAt() ?? Infinity));
    if (next > until) return false;
    this.now = Math.max(this.now, next) as Instant;
    for (const router of living) router.touch(router.world.dueAt(this.now));
    return true;
  }

  /**
   * Who is master stays so while it lives and does not leave it to others; then VRRP is taken to elect the living router of the best priority.
   */
  #vrrpOf(node: NodeName): VrrpRole {
    const domain = this.#context.members.get(node)?.domain;
    const ofDomain = [...this.#context.members.values()].filter((member) => member.domain === domain);
    const living = ofDomain.filter((member) => this.isAlive(member.node));
    const willing = living.filter((member) => {
      const context = this.routers.get(member.node)?.world.context;
      return context !== undefined && !yieldsMastership(context, { members: this.#members });
    });
    const [elected] = willing.toSorted((a, b) => a.priority - b.priority || (a.node < b.node ? -1 : 1));
    const master = willing.find((member) => this.#masters.has(member.node)) ?? elected;
    return master?.node === node ? 'master' : 'backup';
  }

  /** What the pool has a router say, everybody hears at once. */
  #speak(source: NodeName, { address, staticDuty }: AddressPlan): void {
    const site = this.#context.members.get(source)?.site;
    if (staticDuty === undefined || staticDuty.verb === 'wait' || site === undefined) return;
    const kind = staticDuty.verb === 'assert' ? 'observed' : 'expired';
    const key = `${source} ${address}`;
    if (this.#spoken.get(key) === kind) return;
    this.#spoken.set(key, kind);
    const times = { observedAt: this.now, firstAcceptedAt: this.now, acceptedAt: this.now, expiresAt: NEVER };
    const said = {
      address,
      source,
      site,
      kind,
      sequence: Number.MAX_SAFE_INTEGER,
      eventId: 'assumed',
      ...times,
    } as const;
    for (const router of this.routers.values()) router.hear(said);
  }

  #note({ node, world }: VirtualRouter, changes: readonly PlanChange[]): void {
    if (this.#log === undefined) return;
    for (const { before: last, after } of changes) {
      const { address } = after;
      const before = last ?? this.#earlier?.routers.get(node)?.world.plan(address);
      if (node === this.#context.self && leaseText(before) !== leaseText(after))
        this.#log.add(this.now, node, address, {
          what: 'lease',
          status: after.lease?.status ?? 'none',
          owner: after.lease?.ownerNode,
        });
      if (viaOf(before) !== viaOf(after))
        this.#log.add(this.now, node, address, { what: 'deliver', via: viaOf(after) });
      if (
        world.context.selfMember?.role === 'onprem' &&
        before !== undefined &&
        before.captureOpen !== after.captureOpen
      )
        this.#log.add(this.now, node, address, { what: after.captureOpen ? 'answer' : 'fall-silent' });
    }
  }

  #appendOf(router: VirtualRouter): boolean {
    let isAppended = false;
    for (const { transition } of router.wanting())
      if (transition !== undefined) isAppended = this.#append(router.node, transition) || isAppended;
    return isAppended;
  }

  #append(writer: NodeName, { basedOn, ...transition }: CaptureTransition): boolean {
    const revision = (basedOn + 1) as Revision;
    const claim = `${writer}-${basedOn}` as ClaimId;
    const next: CaptureRecord = { ...transition, revision, writer, claim, since: this.now };
    const current = this.#records.get(next.key);
    if (foldCapture(current, next).kind === 'refused') return false;
    this.#records.set(next.key, next);
    for (const router of this.routers.values()) router.accept(next.key, next);
    this.#noteRecord(current, next);
    return true;
  }

  #noteRecord(before: CaptureRecord | undefined, { phase, domain, address, writer }: CaptureRecord): void {
    const add = this.#log;
    if (add === undefined || phase === before?.phase || phase === 'confirmed') return;
    const event =
      phase === 'acquiring'
        ? ({ what: 'claim', domain, from: before?.holder } as const)
        : ({ what: phase === 'held' ? 'hold' : phase === 'releasing' ? 'release' : 'vacate', domain } as const);
    add.add(this.now, writer, address, event);
  }

  /** One batch per verb, in the order in which the engine carries them out. */
  #actOf(router: VirtualRouter): boolean {
    const actions = router.wanting().flatMap((plan) => (plan.transition === undefined ? plan.actions : []));
    for (const verb of ACTION_ORDER) {
      const batch = actions.filter((action) => action.verb === verb);
      if (batch.length > 0) this.#execute(router, verb, batch);
    }
    return actions.length > 0;
  }

  #execute(router: VirtualRouter, verb: ActionVerb, batch: readonly ActionProposal[]): void {
    const { nic, node } = router;
    const member = this.#context.members.get(node);
    const [first] = batch;
    if (member === undefined || first === undefined) return;
    const addresses = batch.map(({ address }) => address);
    const seizedFrom = verb === 'assign-secondary-ip' ? this.#takeFrom(member, batch) : [];
    for (const { captureKey, captureEpoch, address } of batch) {
      const record = this.#records.get(captureKey);
      if (record?.epoch === captureEpoch && record.phase === 'acquiring' && record.holder === node)
        this.#append(node, { ...record, basedOn: record.revision, phase: 'confirmed' });
      if (verb === 'assign-secondary-ip') nic.addresses.add(address);
      if (verb === 'unassign-secondary-ip') nic.addresses.delete(address);
    }
    if (verb === 'ensure-forwarding-enabled') nic.forwarding = true;
    if (verb === 'ensure-forwarding-disabled') nic.forwarding = false;
    router.touch(verb.startsWith('ensure') ? router.world.heldBySelf().keys() : addresses);
    router.touch(addresses);
    const provider = providerOf(this.#context, member);
    const calls = providerCalls(provider, { verb, addresses: addresses.length, seizedNics: seizedFrom.length });
    this.#log?.addBatch(this.now, node, addresses, {
      what: 'call',
      verb,
      provider,
      nicRef: first.nicRef,
      seizedFrom,
      calls,
    });
  }

  /** The provider has an address on one NIC of the domain at most. */
  #takeFrom({ node, domain }: PoolMember, batch: readonly ActionProposal[]): readonly NodeName[] {
    const losing = new Set<NodeName>();
    for (const other of this.routers.values()) {
      if (other.node === node || this.#context.members.get(other.node)?.domain !== domain) continue;
      const lost = batch.map(({ address }) => address).filter((address) => other.nic.addresses.delete(address));
      if (lost.length > 0) losing.add(other.node);
      other.touch(lost);
    }
    return [...losing].toSorted();
  }

  /** Who captures: of each domain and address, the router whose NIC or LAN really attracts packets. */
  capturer(member: PoolMember, address: HostAddress): NodeName | undefined {
    for (const { node, domain, role } of this.#context.members.values()) {
      const router = this.routers.get(node);
      if (domain !== member.domain || router === undefined || !this.isAlive(node)) continue;
      if (role === 'onprem' ? router.answers.has(address) : router.nic.addresses.has(address)) return node;
    }
    return undefined;
  }
}

/**
 * The routers that VRRP made masters, one of each LAN: this node knows its own role; another is told by what it captures, which where VRRP is
 * the authority only a master begins to. The pool does not say who is preferred: VRRP has priorities of its own, and breaks ties by addresses.
 */
function mastersOf({ context, records, vrrp }: Present): ReadonlySet<NodeName> {
  const masters = new Map<CaptureDomain, NodeName>();
  for (const { domain, holder } of records)
    if (holder !== undefined && !(holder === context.self && vrrp === 'backup')) masters.set(domain, holder);
  const { selfMember } = context;
  if (selfMember !== undefined && vrrp === 'master') masters.set(selfMember.domain, selfMember.node);
  return new Set(masters.values());
}

function copyOf(nic: VirtualNic | undefined): VirtualNic | undefined {
  return nic === undefined ? undefined : { addresses: new Set(nic.addresses), forwarding: nic.forwarding };
}

function viaOf(plan: PlanChange['before']): NodeName | undefined {
  for (const reason of plan?.because ?? []) if (reason.rule === 'claim.derived') return reason.via;
  return undefined;
}

function leaseText(plan: PlanChange['before']): string {
  return plan?.lease === undefined ? '' : `${plan.lease.status} ${plan.lease.ownerNode}`;
}
