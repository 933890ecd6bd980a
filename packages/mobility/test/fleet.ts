/**
 * A fleet in miniature: every router plans by itself, the registry is a log that all fold, and each provider keeps an address on one
 * NIC at most. Steps are taken one router at a time, in an order that the test draws; nothing happens by itself.
 *
 *     facts (shared) ─► plan per router ─► registry (first record of a revision wins)
 *                                      └─► fence ─► provider NICs / LAN answers
 */
import {
  compareAddresses,
  formatInstant,
  instant,
  type HostAddress,
  type NodeName,
  type SiteName,
} from '@routerd/resources';
import { foldCapture } from '../src/capture-fold.ts';
import {
  captureKeyOf,
  type CaptureDomain,
  type CaptureEpoch,
  type CaptureKey,
  type CapturePhase,
  type CaptureRecord,
  type CaptureTransition,
  type ClaimId,
  type Revision,
} from '../src/capture-record.ts';
import { fenceAction } from '../src/fence.ts';
import type { ActionProposal, AddressLease, AddressPlan, PoolContext, PoolSituation, Sighting } from '../src/model.ts';
import { planAddress } from '../src/plan-address.ts';
import { contextOf, pool } from './fixtures.ts';

export const TTL_MS = 60_000; // of the fixture's pool

interface Router {
  readonly context: PoolContext;
  readonly nic: { readonly addresses: Set<HostAddress>; forwarding: boolean };
  readonly answers: Set<HostAddress>;
  readonly leases: Map<HostAddress, AddressLease>;
  readonly highWater: Map<CaptureKey, CaptureEpoch>;
  isAlive: boolean;
  isDraining: boolean;
}

export class Fleet {
  readonly routers: ReadonlyMap<NodeName, Router>;
  readonly addresses: readonly HostAddress[];
  readonly #records = new Map<CaptureKey, CaptureRecord>();
  readonly #facts = new Map<HostAddress, Map<NodeName, Sighting>>();
  readonly #home = new Map<HostAddress, SiteName>();
  readonly #executed = new Map<CaptureKey, CaptureEpoch>();
  /** What must never happen and did. */
  readonly violations: string[] = [];
  /** How often a new tenure began. */
  moves = 0;
  /** Providers refuse every call, after it was fenced. */
  isProviderFailing = false;
  now = 1_000_000;

  constructor(addresses: readonly HostAddress[]) {
    this.addresses = addresses;
    const names = [...contextOf().members.keys()];
    this.routers = new Map(
      names.map((name) => [
        name,
        {
          context: contextOf({ self: name }),
          nic: { addresses: new Set(), forwarding: false },
          answers: new Set(),
          leases: new Map(),
          highWater: new Map(),
          isAlive: true,
          isDraining: false,
        },
      ]),
    );
  }

  router(name: NodeName): Router {
    const router = this.routers.get(name);
    if (router === undefined) throw new Error(`${name} is no router of the fleet`);
    return router;
  }

  home(address: HostAddress): SiteName | undefined {
    return this.#home.get(address);
  }

  record(address: HostAddress, domain: CaptureDomain): CaptureRecord | undefined {
    return this.#records.get(captureKeyOf(pool, address, domain));
  }

  /** The machine goes elsewhere, or away. Living routers of its old site notice; those of the new one do when they look. */
  move(address: HostAddress, to: SiteName | undefined): void {
    const from = this.#home.get(address);
    if (to === undefined) this.#home.delete(address);
    else this.#home.set(address, to);
    if (from === to) return;
    for (const { site, node } of this.#members()) if (site === from) this.#say(node, address, 'expired');
  }

  /** Living routers look around: what lives at their site and is not captured there, they assert. */
  observe(): void {
    for (const address of this.addresses) {
      for (const { site, node, domain } of this.#members()) {
        if (this.#home.get(address) !== site || this.record(address, domain)?.holder !== undefined) continue;
        this.#say(node, address, 'observed');
      }
    }
  }

  #say(source: NodeName, address: HostAddress, kind: Sighting['kind']): void {
    const router = this.router(source);
    if (!router.isAlive || router.context.selfMember === undefined) return;
    const bySource = this.#facts.get(address) ?? new Map<NodeName, Sighting>();
    const last = bySource.get(source);
    if (kind === 'expired' && last === undefined) return;
    const at = instant(this.now);
    this.#facts.set(
      address,
      bySource.set(source, {
        address,
        source,
        site: router.context.selfMember.site,
        kind,
        sequence: (last?.sequence ?? 0) + 1,
        observedAt: at,
        firstAcceptedAt: last?.kind === 'observed' && last.expiresAt > this.now ? last.firstAcceptedAt : at,
        acceptedAt: at,
        expiresAt: instant(this.now + TTL_MS),
        eventId: `${source}:${address}:${formatInstant(at)}`,
      }),
    );
  }

  /** One pass of one router over all addresses. @returns whether it wanted anything */
  step(name: NodeName): boolean {
    const router = this.router(name);
    if (!router.isAlive) return false;
    const plans = this.addresses.map((address) => this.#plan(router, address));
    for (const plan of plans) {
      this.#checkOwnSite(router, plan);
      if (plan.lease !== undefined) router.leases.set(plan.address, plan.lease);
      if (plan.captureOpen && router.context.selfMember?.role === 'onprem') router.answers.add(plan.address);
      else router.answers.delete(plan.address);
    }
    for (const { transition } of plans) if (transition !== undefined) this.#append(name, transition);
    for (const plan of plans) for (const action of plan.actions) this.#execute(name, action);
    return plans.some(({ transition, actions }) => transition !== undefined || actions.length > 0);
  }

  #checkOwnSite({ context }: Router, { lease, claim, captureOpen, actions }: AddressPlan): void {
    const captures = claim !== undefined || captureOpen || actions.some(({ verb }) => verb === 'assign-secondary-ip');
    const isOwned = lease !== undefined && lease.status !== 'expired';
    if (isOwned && lease.site === context.selfMember?.site && captures)
      this.violations.push(`I3: ${context.self} captures ${lease.address} at its own site`);
  }

  #plan(router: Router, address: HostAddress): AddressPlan {
    const { context } = router;
    const records = new Map(
      this.#members().flatMap(({ domain }) => {
        const record = this.record(address, domain);
        return record === undefined ? [] : [[domain, record] as const];
      }),
    );
    for (const record of records.values()) {
      const seen = router.highWater.get(record.key) ?? 0;
      if (record.epoch > seen) router.highWater.set(record.key, record.epoch);
    }
    const marks = [...records.values()].map(
      ({ domain, key, epoch }) => [domain, router.highWater.get(key) ?? epoch] as const,
    );
    return planAddress(context, this.#situation(router), {
      address,
      sightings: [...(this.#facts.get(address)?.values() ?? [])],
      previousLease: router.leases.get(address),
      records,
      highWater: new Map(marks),
    });
  }

  #situation(router: Router): PoolSituation {
    const held = new Map<HostAddress, CapturePhase>();
    for (const { address, holder, phase, domain } of this.#records.values())
      if (holder === router.context.self && domain === router.context.selfMember?.domain) held.set(address, phase);
    return {
      now: instant(this.now),
      members: new Map(
        [...this.routers].map(([node, { isAlive, isDraining }]) => [
          node,
          { node, liveness: isAlive ? 'alive' : 'dead', draining: isDraining },
        ]),
      ),
      membersWaited: true,
      waitingFor: [],
      registryConnected: true,
      nic: { kind: 'known', ...router.nic, addresses: new Set(router.nic.addresses), observedAt: instant(this.now) },
      hostCaptures: new Set(router.answers),
      heldBySelf: held,
    };
  }

  #append(writer: NodeName, { basedOn, ...transition }: CaptureTransition): boolean {
    const current = this.#records.get(transition.key);
    const isSameTenure = current?.epoch === transition.epoch && current.holder === transition.holder;
    const next: CaptureRecord = {
      ...transition,
      revision: (basedOn + 1) as Revision,
      writer,
      claim: `${writer}-${basedOn}` as ClaimId,
      since: isSameTenure ? current.since : instant(this.now),
    };
    const outcome = foldCapture(current, next);
    if (outcome.kind === 'refused') return false;
    if (next.epoch !== current?.epoch && next.holder !== undefined) this.moves += 1;
    this.#records.set(next.key, next);
    return true;
  }

  /** Fenced twice, like the engine does it: by what is known, then by a write. */
  #execute(writer: NodeName, action: ActionProposal): void {
    const current = this.#records.get(action.captureKey);
    if (current === undefined || !fenceAction(action, current).ok) return;
    const acquires = action.verb === 'assign-secondary-ip' || action.verb === 'ensure-forwarding-enabled';
    const phase = acquires && current.phase === 'acquiring' ? 'confirmed' : current.phase;
    if (!this.#append(writer, { ...current, basedOn: current.revision, phase })) return;
    if (action.captureEpoch < (this.#executed.get(action.captureKey) ?? 0))
      this.violations.push(`I1: ${action.idempotencyKey} after epoch ${this.#executed.get(action.captureKey)}`);
    this.#executed.set(action.captureKey, action.captureEpoch);
    if (!this.isProviderFailing) this.#mutate(this.router(writer), action);
  }

  #mutate({ nic, context }: Router, { verb, address, seize }: ActionProposal): void {
    switch (verb) {
      case 'assign-secondary-ip': {
        if (context.selfMember?.site === this.#home.get(address)) return; // the machine's own NIC has it
        const domain = context.selfMember?.domain;
        const carriers = this.#members().filter(
          ({ node, domain: other }) => other === domain && this.router(node).nic.addresses.has(address),
        );
        const [other] = carriers.filter(({ node }) => node !== context.self);
        if (other !== undefined && other.node !== seize?.from) return; // held elsewhere: the provider refuses
        if (other !== undefined) this.router(other.node).nic.addresses.delete(address);
        nic.addresses.add(address);
        return;
      }
      case 'unassign-secondary-ip':
        nic.addresses.delete(address);
        return;
      case 'ensure-forwarding-enabled':
        nic.forwarding = true;
        return;
      case 'ensure-forwarding-disabled':
        if (
          [...nic.addresses].some(
            (each) => this.record(each, context.selfMember?.domain ?? ('' as never))?.phase === 'held',
          )
        )
          this.violations.push(`${context.self} stopped forwarding for what it holds`);
        nic.forwarding = false;
        return;
    }
  }

  /** Rounds until nobody wants anything, time going on by a second each. @returns the rounds it took; undefined when it does not end */
  settle(roundsMax: number): number | undefined {
    for (let round = 1; round <= roundsMax; round += 1) {
      this.now += 1000;
      this.observe();
      const wanted = [...this.routers.keys()].map((name) => this.step(name));
      const isPending = [...this.routers.values()].some(({ isAlive, leases }) =>
        isAlive ? [...leases.values()].some(({ status }) => status === 'holding') : false,
      );
      if (!wanted.includes(true) && !isPending) return round;
    }
    return undefined;
  }

  /** Who attracts packets for the address at a site, told by the providers and the LAN alone. */
  capturers(address: HostAddress, site: SiteName): readonly NodeName[] {
    return this.#members()
      .filter((member) => member.site === site)
      .filter(({ node, role }) => {
        const { nic, answers, isAlive } = this.router(node);
        return role === 'cloud' ? nic.addresses.has(address) : isAlive && answers.has(address);
      })
      .map(({ node }) => node);
  }

  #members() {
    const [first] = this.routers.values();
    return [...(first?.context.members.values() ?? [])];
  }

  /** For failures: everything that matters, in lines. */
  describe(): string {
    const routers = [...this.routers].map(
      ([name, { isAlive, isDraining, nic, answers }]) =>
        `${name}${isAlive ? '' : ' dead'}${isDraining ? ' draining' : ''} nic=${[...nic.addresses].join(',')} ` +
        `forwarding=${nic.forwarding} answers=${[...answers].join(',')}`,
    );
    const records = [...this.#records.values()]
      .toSorted((a, b) => compareAddresses(a.address, b.address))
      .map(({ key, epoch, holder, phase, previous }) => `${key} e${epoch} ${holder} ${phase} after ${previous}`);
    return [...routers, ...records, ...[...this.#home].map((entry) => entry.join(' lives at '))].join('\n');
  }
}
