/** The FactBus over a transport: records and signs own facts, judges and keeps everyone's. */
import { err, instant, ok, prefixContains, type HostAddress, type NodeName, type Result } from '@routerd/resources';
import { steadyClock, type Clock, type Log } from '@routerd/runtime';
import { AcceptedFacts } from './accepted-facts.ts';
import { EarlyFacts } from './early-facts.ts';
import { judgeClaim, judgeFact, type FactSituation } from './fact-judgement.ts';
import type { FederationConfig, FederationPorts, RandomBytes } from './federation-config.ts';
import { Listeners } from './listeners.ts';
import { OutboxPublisher, type OutgoingRow } from './outbox-publisher.ts';
import { factSubject } from './subjects.ts';
import type { FactRow } from './ports.ts';
import type { VerifyFact } from './batch-memory.ts';
import type { Signer } from './node-identity.ts';
import type { AcceptedFact, Fact, FactBus, FactDraft, FactFault } from './ports.ts';
import type { Refusals } from './refusals.ts';
import type { LogMessage, LogReader, Transport } from './transport.ts';
import { TTL_MS_MAX } from './wire/fact-text.ts';
import { encodeFact, encodeFacts, ORIGIN_LENGTH_MAX } from './wire/fact-wire.ts';
import type { Trouble } from './troubles.ts';

export interface FactExchangeOptions {
  readonly config: FederationConfig;
  readonly ports: FederationPorts;
  readonly log: Log;
  readonly random: RandomBytes;
  readonly signer: Signer;
  readonly verifiers: ReadonlyMap<NodeName, VerifyFact>;
  /** How many milliseconds a node's clock is ahead of ours. */
  readonly clockAheadMs: (source: NodeName) => number;
  readonly transport: Pick<Transport, 'publishFact'>;
  readonly refusals: Refusals;
  /** With the outbox, and with keeping what was accepted. */
  readonly trouble: Trouble;
  readonly keepingTrouble: Trouble;
}

export class FactExchange implements FactBus, LogReader {
  readonly #publisher: OutboxPublisher<FactRow>;
  readonly #options: FactExchangeOptions;
  readonly #accepted = new AcceptedFacts();
  readonly #early = new EarlyFacts();
  readonly #listeners = new Listeners<readonly AcceptedFact[]>();
  /** Own facts that the log showed since reading began, by address: their sequence, and the log's. */
  readonly #ownInLog = new Map<HostAddress, { readonly sequence: number; readonly at: number }>();
  /** Sequence of the last message of the log read since reading began. */
  #position = 0;
  /** Own facts of this run; what an earlier life of this node said about these addresses is out of date. */
  readonly #recordedHere = new Map<HostAddress, Fact>();
  /** Highest own sequence known: the outbox's own memory may be younger than the log (a disk that was replaced). */
  #ownSequence = 0;
  /** TTLs run by this: the wall clock may jump, and no jump is news of any machine. */
  readonly #steady: Clock;
  #isConnected = false;
  #hasReadLog = false;

  constructor(options: FactExchangeOptions) {
    this.#options = options;
    const { config, ports, transport, log, trouble } = options;
    const { clock, factStore: store } = ports;
    this.#steady = steadyClock(clock);
    this.#publisher = new OutboxPublisher({
      clock,
      log,
      store: {
        unsent: (limit, after) => store.unsent(limit, after?.fact.sequence),
        markSent: (ids) => store.markSent(ids),
      },
      outgoing: (row) => this.#outgoing(row),
      publish: async (message) => transport.publishFact(message),
      trouble,
    });
    // What was believed once is not doubted for its date: the clock may have been set since.
    const asBefore = {
      ...this.#situation(),
      isCapturedHere: () => undefined,
      clockAheadMs: () => Number.POSITIVE_INFINITY,
    };
    for (const accepted of store.loadAccepted()) {
      const { fact } = accepted;
      // Configuration may have changed since: a pool or a peer that is gone speaks no more.
      const known = fact.group === config.group && options.verifiers.has(fact.source);
      if (!known || judgeClaim(fact, asBefore).kind !== 'accepted') continue;
      this.#accepted.restore(this.#resumed(accepted));
      if (fact.source === config.self) this.#ownSequence = Math.max(this.#ownSequence, fact.sequence);
    }
  }

  record(draft: FactDraft): Result<Fact, FactFault> {
    return this.recordAll([draft])[0] ?? err({ code: 'fact.not-stored', detail: 'nothing was recorded' });
  }

  recordAll(drafts: readonly FactDraft[]): readonly Result<Fact, FactFault>[] {
    const faults = drafts.map((draft) => this.#faultOf(draft));
    const sound = drafts.filter((_, index) => faults[index] === undefined);
    let facts: readonly Fact[];
    try {
      facts = sound.length === 0 ? [] : this.#append(sound);
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      return faults.map((fault) => err(fault ?? { code: 'fact.not-stored', detail }));
    }
    if (facts.length > 0) this.#publish(facts);
    const recorded = facts.values();
    return faults.map((fault) => {
      const fact = fault === undefined ? recorded.next().value : undefined;
      return fact === undefined ? err(fault ?? { code: 'fact.not-stored', detail: 'the store kept less' }) : ok(fact);
    });
  }

  /** Why this node may not say so. */
  #faultOf(draft: FactDraft): FactFault | undefined {
    const { config, ports } = this.#options;
    const { address, type } = draft;
    const pool = config.pools.get(draft.pool);
    if (pool === undefined) return { code: 'fact.unknown-pool', pool: draft.pool };
    if (!prefixContains(pool.prefix, address)) return { code: 'fact.outside-pool', address, pool: draft.pool };
    const own = pool.sites.get(config.self);
    if (own !== draft.site) {
      const detail = `this node speaks for ${own ?? 'no site of the pool'}`;
      return { code: 'fact.wrong-site', pool: draft.pool, site: draft.site, detail };
    }
    if (type === 'routerd.client.ipv4.observed') {
      const captured = ports.isCapturedHere(address);
      if (captured !== undefined) return { code: 'fact.self-capture', address, detail: captured };
    }
    return undefined;
  }

  position(): number {
    return this.#position;
  }

  /** Each own last fact with its sequence in the log; undefined while it is not there. Oldest first. */
  ownInLog(): readonly { readonly fact: Fact; readonly at: number | undefined }[] {
    return this.#accepted
      .of(this.#options.config.self)
      .map(({ fact }) => {
        const shown = this.#ownInLog.get(fact.address);
        return { fact, at: shown?.sequence === fact.sequence ? shown.at : undefined };
      })
      .toSorted((a, b) => a.fact.sequence - b.fact.sequence);
  }

  accepted(): readonly AcceptedFact[] {
    return this.#accepted.all();
  }

  latest(source: NodeName, address: HostAddress): AcceptedFact | undefined {
    return this.#accepted.get(source, address);
  }

  onAccepted(listener: (facts: readonly AcceptedFact[]) => void): () => void {
    return this.#listeners.add(listener);
  }

  /**
   * The first connection after a start reads before it publishes: what the log remembers of an earlier life of this node must be
   * seen before a fact with a lower sequence takes its place there.
   */
  connected(): void {
    this.#isConnected = true;
    if (this.#hasReadLog) this.#publisher.connected();
  }

  disconnected(): void {
    this.#isConnected = false;
    this.#publisher.disconnected();
  }

  stop(): void {
    this.#publisher.stop();
  }

  restarted(): void {
    this.#ownInLog.clear();
    this.#position = 0;
  }

  received(batch: readonly LogMessage[]): void {
    this.#position = batch.at(-1)?.sequence ?? this.#position;
    this.#take(batch);
  }

  /** Clocks are known better: what was dated too far ahead is judged again. */
  clocksTold(): void {
    const due = this.#early.takeDue(this.#options.clockAheadMs);
    if (due.length > 0) this.#take(due);
  }

  #take(batch: readonly LogMessage[]): void {
    const { config, refusals } = this.#options;
    const situation = this.#situation();
    // Judged one after another against what the batch itself brought.
    const fresh = new Map<string, Fact>();
    const keyOf = (source: NodeName, address: HostAddress): string => `${source} ${address}`;
    const within: FactSituation = {
      ...situation,
      last: (source, address) => fresh.get(keyOf(source, address)) ?? situation.last(source, address),
    };
    const ordered: Fact[] = [];
    for (const message of batch) {
      const { subject, data, sequence } = message;
      const verdict = judgeFact(subject, data, within);
      if (verdict.kind === 'refused') {
        refusals.add(verdict);
        continue;
      }
      const { fact } = verdict;
      if (verdict.kind === 'early') {
        refusals.add({ reason: 'fact.from-the-future', source: fact.source, detail: verdict.detail });
        ordered.push(...this.#setAside(fact, message, within));
        continue;
      }
      if (fact.source === config.self) this.#ownInLog.set(fact.address, { sequence: fact.sequence, at: sequence });
      if (verdict.kind === 'duplicate') continue;
      if (fact.source === config.self && this.#isOutdatedOwn(fact)) continue;
      fresh.set(keyOf(fact.source, fact.address), fact);
      this.#early.forget(fact.source, fact.address);
      ordered.push(fact);
    }
    if (ordered.length > 0) this.#accept(ordered);
  }

  /**
   * Nothing new is believed before its date can be judged. But a source that goes on saying what it said is not silent: what was accepted of
   * it stays fresh.
   * @returns what is accepted once more
   */
  #setAside(fact: Fact, message: LogMessage, { last }: FactSituation): readonly Fact[] {
    const { source, address, type } = fact;
    this.#early.keep(source, address, message, this.#options.clockAheadMs(source));
    const known = last(source, address);
    return known?.type === type && type === 'routerd.client.ipv4.observed' ? [known] : [];
  }

  /** The log was read to its end: what it should hold of ours and does not (a hub that lost data) is sent again. */
  caughtUp(): void {
    const { config, ports, signer, log } = this.#options;
    if (!this.#hasReadLog && this.#isConnected) {
      this.#hasReadLog = true;
      this.#publisher.connected();
    }
    const now = this.#steady.now();
    // From the oldest unsent on, the outbox sees to it; two senders of one address could pass each other.
    const inOutbox = ports.factStore.unsent(1)[0]?.fact.sequence ?? Number.POSITIVE_INFINITY;
    const missing = this.#accepted
      .of(config.self)
      .filter(
        ({ fact: { address, sequence } }) =>
          sequence > (this.#ownInLog.get(address)?.sequence ?? 0) && sequence < inOutbox,
      )
      // What has lapsed meanwhile is not news; an `expired` stays true.
      .filter(({ fact, acceptedAt }) => fact.type === 'routerd.client.ipv4.expired' || now <= acceptedAt + fact.ttl)
      .map(({ fact }) => fact);
    if (missing.length === 0) return;
    const event = 'federation.fact.republished';
    log.warn('the hub lacks facts of this node, sending them again', { event, facts: missing.length });
    const wires = encodeFacts(missing, signer.sign);
    this.#publisher.republish(
      // Not the id under which it was sent with an earlier key: the log is to hold the signature that counts from now on.
      missing.map((fact, index) =>
        this.#outgoing({ fact, wire: wires[index] ?? '' }, `${fact.id}.${signer.publicKey}`),
      ),
    );
  }

  /**
   * What others said before this process began counts from now: it has heard nothing meanwhile, and the clock may have been set. What this
   * node said itself keeps its age, so that it is repeated in time; of an age that cannot be, the oldest is taken.
   */
  #resumed({ fact, acceptedAt, firstAcceptedAt }: AcceptedFact): AcceptedFact {
    const now = this.#steady.now();
    const isOwn = fact.source === this.#options.config.self;
    const since = !isOwn ? now : acceptedAt <= now ? acceptedAt : instant(now - fact.ttl);
    return { fact, acceptedAt: since, firstAcceptedAt: instant(Math.min(firstAcceptedAt, since)) };
  }

  #outgoing({ fact, wire }: FactRow, messageId: string = fact.id): OutgoingRow {
    const subject = factSubject(this.#options.config.group, fact);
    return { id: fact.id, key: fact.address, message: { subject, id: messageId, text: wire } };
  }

  #append(drafts: readonly FactDraft[]): readonly Fact[] {
    const { ports, signer } = this.#options;
    const { factStore: store } = ports;
    const above = this.#ownSequence;
    const all = store.appendLocalAll;
    const facts =
      all === undefined || drafts.length === 1
        ? drafts.map((draft) => {
            const made = (sequence: number): FactRow => {
              const fact = this.#factOf(draft, sequence);
              return { fact, wire: encodeFact(fact, signer.sign) };
            };
            return store.appendLocal(made, above);
          })
        : all(
            drafts.length,
            (sequences) => {
              const made = drafts.map((draft, index) => this.#factOf(draft, sequences[index] ?? 0));
              const wires = encodeFacts(made, signer.sign);
              return made.map((fact, index) => ({ fact, wire: wires[index] ?? '' }));
            },
            above,
          );
    for (const { sequence } of facts) this.#ownSequence = Math.max(this.#ownSequence, sequence);
    return facts;
  }

  #factOf(draft: FactDraft, sequence: number): Fact {
    const { config, ports, random } = this.#options;
    return {
      id: Buffer.from(random(16)).toString('hex'),
      type: draft.type,
      source: config.self,
      group: config.group,
      pool: draft.pool,
      site: draft.site,
      address: draft.address,
      observedAt: draft.observedAt ?? ports.clock.now(),
      ttl: Math.min(draft.ttl, TTL_MS_MAX) as Fact['ttl'],
      sequence,
      origin: draft.origin.slice(0, ORIGIN_LENGTH_MAX),
    };
  }

  /**
   * A fact of our own that we did not know, with a sequence above ours, is from an earlier life of which the store knows nothing.
   * What this life has said about the address is newer, whatever its sequence: it is said again, above.
   */
  #isOutdatedOwn(fact: Fact): boolean {
    const { log } = this.#options;
    this.#ownSequence = Math.max(this.#ownSequence, fact.sequence);
    const newer = this.#recordedHere.get(fact.address);
    if (newer === undefined) return false;
    const event = 'federation.fact.sequence-lost';
    log.warn('the hub knows later facts of this node than its own store', { event, sequence: fact.sequence });
    this.#publish(this.#append([{ ...newer }]));
    return true;
  }

  /** On its way before listeners are told: their work is not on the path to the other sites. */
  #publish(facts: readonly Fact[]): void {
    for (const fact of facts) this.#recordedHere.set(fact.address, fact);
    this.#publisher.recorded(facts.map(({ address }) => address));
    this.#accept(facts);
  }

  /** Listeners first: the store is only for the next start, and whatever it lost the log still has. */
  #accept(facts: readonly Fact[]): void {
    const { ports, log, keepingTrouble } = this.#options;
    const acceptedAt = this.#steady.now();
    const accepted = facts.map((fact) => this.#accepted.accept(fact, acceptedAt));
    this.#listeners.tell(accepted);
    try {
      ports.factStore.saveAccepted(accepted);
      keepingTrouble(undefined);
    } catch (cause) {
      const detail = `keeping accepted facts: ${cause instanceof Error ? cause.message : String(cause)}`;
      log.error('accepted facts not kept', { event: 'federation.fact.not-kept', detail });
      keepingTrouble(detail);
    }
  }

  #situation(): FactSituation {
    const { config, ports, verifiers } = this.#options;
    return {
      group: config.group,
      now: ports.clock.now(),
      replayWindow: config.replayWindow,
      clockAheadMs: this.#options.clockAheadMs,
      pools: config.pools,
      self: config.self,
      verifiers,
      last: (source, address) => this.#accepted.get(source, address)?.fact,
      isCapturedHere: ports.isCapturedHere,
    };
  }
}
