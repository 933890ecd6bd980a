/** The MemberView over heartbeats: says that we live, and judges who else does. */
import type { Liveness } from '@routerd/mobility';
import { durationMs, type Monotonic, type NodeName, type PoolName } from '@routerd/resources';
import type { Log } from '@routerd/runtime';
import { readByParsing, type FederationConfig, type FederationPorts } from './federation-config.ts';
import { groupClock, type GroupClock } from './group-clock.ts';
import { Listeners } from './listeners.ts';
import { judgeLiveness, nextJudgement } from './liveness.ts';
import { differingPools, PeerReports } from './peer-reports.ts';
import type { MemberView, PeerReport } from './ports.ts';
import type { Refusals } from './refusals.ts';
import { heartbeatSubject, parseHeartbeatSubject } from './subjects.ts';
import type { Transport } from './transport.ts';
import { encodeHeartbeat, parseHeartbeat, type SelfReport } from './wire/heartbeat-wire.ts';

/** How far the two logs were read. */
type Positions = Pick<SelfReport, 'factsRead' | 'capturesRead'>;

export interface MemberWatchOptions {
  readonly config: FederationConfig;
  readonly ports: Pick<FederationPorts, 'clock' | 'readWire'>;
  readonly log: Log;
  readonly transport: Pick<Transport, 'publishHeartbeat'>;
  readonly refusals: Refusals;
  /** Unique per start of this node. */
  readonly start: string;
  /** How far this node has read the two logs. */
  readonly positions: () => Positions;
  /** How far a peer has to have read them to know what this node acts on: this node's own records are not part of that. */
  readonly toBeRead: () => Positions;
  /** Told whenever a peer told its clock. */
  readonly onClock: () => void;
  /** Told of each peer how far it has read the logs. */
  readonly onRead?: (read: Positions) => void;
}

/** Silence moves a member up here, only being heard moves it down; nobody becomes unheard again. */
const RANK: Readonly<Record<Liveness, number>> = { alive: 0, suspect: 1, dead: 2, unheard: 3 };

/** Facts are repeated all the time; who has read but for so many has not to read the log from its start. */
const FACTS_UNDER_WAY_MAX = 256;
const NONE: ReadonlySet<PoolName> = new Set();

/** One heartbeat of an earlier life was late. Two, with none of the present life between them, say that we had taken late for present. */
interface FormerStart {
  readonly start: string;
  heard: number;
}

interface Peer {
  liveness: Liveness;
  heardAt: Monotonic | undefined;
  start: string;
  /** Starts that another one followed, the last first. */
  former: readonly FormerStart[];
  sequence: number;
  /** What was last said about its pools, so that it is said once. */
  differs: string;
}

/** More lives than these are not on their way at once. */
const FORMER_MAX = 8;

function isLate({ former }: Peer, start: string): boolean {
  const known = former.find((each) => each.start === start);
  for (const each of former) each.heard = each === known ? each.heard + 1 : 0;
  return known !== undefined && known.heard < 2;
}

function leaveBehind(peer: Peer, start: string): void {
  const others = peer.former.filter((each) => each.start !== start);
  peer.former = peer.start === '' ? others : [{ start: peer.start, heard: 0 }, ...others].slice(0, FORMER_MAX);
}

function unheard(): Peer {
  return { liveness: 'unheard', heardAt: undefined, start: '', former: [], sequence: 0, differs: '' };
}

/**
 * 1. While disconnected nobody's state changes; on reconnect the patience with everybody starts anew.
 * 2. A silence of everybody, this node's own echo included, is no silence of anybody: the hub, the link or this process stood
 *    still. That time is not counted, and nobody is judged in it. So an outage of any kind never looks like mass death.
 */
export class MemberWatch implements MemberView {
  readonly #options: MemberWatchOptions;
  readonly #peers: Map<NodeName, Peer>;
  readonly #listeners = new Listeners<undefined>();
  readonly #readListeners = new Listeners<undefined>();
  readonly #reports = new PeerReports();
  readonly #poolDigests: ReadonlyMap<PoolName, string>;
  readonly #drains: ReadonlySet<PoolName>;
  #sequence = 0;
  #isSkewed = false;
  /** What {@link clock} last found, until a clock or a member is judged anew; it is asked for with each heartbeat and each plan. */
  #clock: { readonly is: GroupClock | undefined } | undefined;
  /** What {@link members} last gave out, until a member is judged anew. */
  #members: ReadonlyMap<NodeName, Liveness> | undefined;
  /** Ends the timers of the present connection. */
  #connection: AbortController | undefined;
  #watching = false;
  /** When a heartbeat of anybody came last. This node hears its own come back from the hub, one each interval. */
  #proofAt: Monotonic;

  constructor(options: MemberWatchOptions) {
    this.#options = options;
    this.#proofAt = options.ports.clock.monotonic();
    this.#poolDigests = new Map(
      [...options.config.pools].flatMap(([pool, { digest }]) =>
        digest === undefined ? [] : [[pool, digest] as const],
      ),
    );
    this.#drains = new Set(
      [...options.config.pools].flatMap(([pool, { drainsSelf }]) => (drainsSelf === true ? [pool] : [])),
    );
    this.#peers = new Map([...options.config.peers.keys()].map((node) => [node, unheard()]));
  }

  /** Who is in the group from now on. Those who stay are judged as before; a newcomer is unheard, and whoever is gone is no member. */
  reconfigure(nodes: ReadonlySet<NodeName>): void {
    const gone = [...this.#peers.keys()].filter((node) => !nodes.has(node));
    const come = [...nodes].filter((node) => !this.#peers.has(node));
    for (const node of gone) this.#peers.delete(node);
    for (const node of come) this.#peers.set(node, unheard());
    this.#clock = undefined;
    this.#members = undefined;
    if (gone.length > 0 || come.length > 0) this.#listeners.tell(undefined);
  }

  /** What was given out does not change. */
  members(): ReadonlyMap<NodeName, Liveness> {
    this.#members ??= this.#membersNow();
    return this.#members;
  }

  #membersNow(): ReadonlyMap<NodeName, Liveness> {
    const members = new Map<NodeName, Liveness>([[this.#options.config.self, 'alive']]);
    for (const [node, { liveness }] of this.#peers) members.set(node, liveness);
    return members;
  }

  reports(): readonly PeerReport[] {
    const { config, ports, positions } = this.#options;
    const now = ports.clock.monotonic();
    const own = positions();
    const reports = [...this.#peers].map(([node, { liveness, heardAt }]): PeerReport => {
      const about = this.#reports.of(node);
      return {
        node,
        liveness,
        silentFor: heardAt === undefined ? undefined : durationMs(Math.round(now - heardAt)),
        factsBehind: about === undefined ? undefined : own.factsRead - about.factsRead,
        capturesBehind: about === undefined ? undefined : own.capturesRead - about.capturesRead,
        clockAheadMs: this.#reports.clockAheadMs(node),
        differingPools: about === undefined ? [] : differingPools(node, about, config.pools),
      };
    });
    return reports.toSorted((a, b) => (a.node < b.node ? -1 : 1));
  }

  drains(node: NodeName, pool: PoolName): boolean | undefined {
    return this.#reports.of(node)?.drains.has(pool);
  }

  /** What the clocks of those who live say of ours; undefined while no majority agrees. */
  clock(): GroupClock | undefined {
    this.#clock ??= { is: this.#clockOfLiving() };
    return this.#clock.is;
  }

  #clockOfLiving(): GroupClock | undefined {
    const living = [...this.#peers].filter(([, { liveness }]) => liveness === 'alive');
    const ahead = living.flatMap(([node]) => this.#reports.clockAheadMs(node) ?? []);
    return groupClock(ahead, this.#options.config.replayWindow);
  }

  /** How much the clock by which a node dates what it says is ahead of ours: by its own word, else as most clocks are, else not at all. */
  clockAheadMs(node: NodeName): number {
    if (node === this.#options.config.self) return 0;
    return this.#reports.clockAheadMs(node) ?? this.clock()?.aheadMs ?? 0;
  }

  /** Has the peer read the log of facts up to there, by its own word? */
  hasReadFacts(node: NodeName, sequence: number): boolean {
    return (this.#reports.of(node)?.factsRead ?? 0) >= sequence;
  }

  /** Whoever has started anew, or is cut off, tells no position or an old one; one that has not said what it read is taken to have not. */
  unread(): ReadonlySet<NodeName> {
    const toBeRead = this.#options.toBeRead();
    const unread = new Set<NodeName>();
    for (const [node, peer] of this.#peers) if (!this.#hasRead(node, peer, toBeRead)) unread.add(node);
    return unread;
  }

  #hasRead(node: NodeName, { liveness }: Peer, { capturesRead, factsRead }: Positions): boolean {
    const about = this.#reports.of(node);
    if (liveness !== 'alive' || about === undefined) return false;
    return about.capturesRead >= capturesRead && about.factsRead >= factsRead - FACTS_UNDER_WAY_MAX;
  }

  onRead(listener: () => void): () => void {
    return this.#readListeners.add(listener);
  }

  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  connected(): void {
    this.disconnected();
    this.#connection = new AbortController();
    const now = this.#options.ports.clock.monotonic();
    this.#proofAt = now;
    for (const peer of this.#peers.values()) {
      // A suspect stays one until it is heard or its time is up; the dead stay dead until heard.
      if (peer.liveness === 'alive' || peer.liveness === 'suspect') peer.heardAt = now;
    }
    void this.#announce(this.#connection.signal);
    this.#watch();
  }

  disconnected(): void {
    this.#connection?.abort();
    this.#connection = undefined;
  }

  heartbeat(subject: string, data: Uint8Array): void {
    const { config, ports, refusals } = this.#options;
    const node = parseHeartbeatSubject(config.group, subject);
    if (node === undefined || this.#connection === undefined) return;
    if (node === config.self) return this.#heard();
    const peer = this.#peers.get(node);
    if (peer === undefined) {
      refusals.add({ reason: 'heartbeat.unknown-source', source: node, detail: `${node} is no peer of this node` });
      return;
    }
    const parsed = (ports.readWire ?? readByParsing)(data, parseHeartbeat);
    if (!parsed.ok || parsed.value.node !== node) {
      const detail = parsed.ok ? `says it is from ${parsed.value.node}` : parsed.error.detail;
      refusals.add({ reason: 'heartbeat.malformed', source: node, detail });
      return;
    }
    const { start, sequence } = parsed.value;
    if ((start === peer.start && sequence <= peer.sequence) || isLate(peer, start)) return;
    const toBeRead = this.#options.toBeRead();
    const wasUnread = !this.#hasRead(node, peer, toBeRead);
    if (parsed.value.about !== undefined) this.#learn(node, peer, parsed.value.about);
    const isNewcomer = start !== peer.start;
    if (isNewcomer) leaveBehind(peer, start);
    this.#heard(() => {
      Object.assign(peer, { start, sequence, heardAt: ports.clock.monotonic() });
      this.#set(node, peer, 'alive');
    });
    // So that it knows of us now and not after an interval. Its answer to ours is no newcomer's: this ends.
    if (isNewcomer) this.#beat();
    if (parsed.value.about !== undefined) this.#weighClock();
    if (wasUnread && this.#hasRead(node, peer, toBeRead)) this.#readListeners.tell(undefined);
  }

  /** Said once, and once that it is over. */
  #weighClock(): void {
    const { log, onClock } = this.#options;
    const clock = this.clock();
    const isSkewed = clock?.isSkewed === true;
    if (isSkewed !== this.#isSkewed) {
      this.#isSkewed = isSkewed;
      if (isSkewed)
        log.error('the clock of this node is wrong: most of its group agree on another time', {
          event: 'federation.clock.skewed',
          aheadMs: clock?.aheadMs,
          agreeing: clock?.agreeing,
          of: clock?.of,
        });
      else log.info('the clock of this node is as that of most of its group', { event: 'federation.clock.agrees' });
      this.#listeners.tell(undefined);
    }
    onClock();
  }

  #learn(node: NodeName, peer: Peer, about: SelfReport): void {
    const { config, ports, log, onRead } = this.#options;
    onRead?.(about);
    const drained = this.#reports.of(node)?.drains ?? NONE;
    if (this.#reports.heard(node, about, ports.clock.now())) this.#clock = undefined;
    if (drained.size + about.drains.size > 0 && drained.symmetricDifference(about.drains).size > 0)
      this.#listeners.tell(undefined);
    const pools = differingPools(node, about, config.pools);
    if (pools.join(' ') === peer.differs) return;
    peer.differs = pools.join(' ');
    const event = 'federation.member.pools-differ';
    if (pools.length > 0) log.warn('a peer defines pools in another way than this node', { event, node, pools });
    else log.info('a peer defines its pools as this node again', { event: 'federation.member.pools-agree', node });
  }

  /** Silence is judged when something was heard, and only then: the hub works, and brings others' heartbeats too. */
  #heard(note: () => void = () => undefined): void {
    const now = this.#options.ports.clock.monotonic();
    const lost = now - this.#proofAt;
    if (lost > this.#proofMax()) this.#forgive(lost);
    this.#proofAt = now;
    note();
    this.#judge(now);
    this.#watch();
  }

  #forgive(lostMs: number): void {
    const event = 'federation.member.all-silent';
    const message = 'nobody was heard, not even this node; nobody is judged for it';
    this.#options.log.warn(message, { event, lostMs: Math.round(lostMs) });
    for (const peer of this.#peers.values()) {
      if (peer.heardAt !== undefined) peer.heardAt = (peer.heardAt + lostMs) as Monotonic;
    }
  }

  /** Longest time without any heartbeat in which the hub is still taken to work: one may be late or lost. */
  #proofMax(): number {
    return this.#options.config.heartbeatInterval * 2;
  }

  async #announce(signal: AbortSignal): Promise<void> {
    const { config, ports } = this.#options;
    let next = ports.clock.monotonic();
    while (!signal.aborted) {
      this.#beat();
      // The next beat is an interval after the last was due, unless that has passed too.
      next = Math.max(next + config.heartbeatInterval, ports.clock.monotonic()) as Monotonic;
      await ports.clock.sleepUntil(next, signal);
    }
  }

  #beat(): void {
    if (this.#connection === undefined) return;
    const { config, ports, transport, start, positions } = this.#options;
    this.#sequence += 1;
    const about: SelfReport = {
      time: ports.clock.now(),
      ...positions(),
      pools: this.#poolDigests,
      drains: this.#drains,
    };
    const text = encodeHeartbeat({ node: config.self, start, sequence: this.#sequence, about });
    transport.publishHeartbeat(heartbeatSubject(config.group, config.self), text);
  }

  /** Sees to it that one watch runs while there is something to wait for. */
  #watch(): void {
    if (this.#watching || this.#connection === undefined || this.#earliest() === undefined) return;
    void this.#sleepAndAsk(this.#connection.signal);
  }

  /**
   * Sleeps to the earliest instant at which silence could change a judgement, and beats: the echo, a round trip later, brings the
   * judgement, or whatever the hub brings before. A heartbeat only moves instants further away, so nothing is missed by not being
   * woken by it.
   */
  async #sleepAndAsk(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.ports;
    this.#watching = true;
    for (let until = this.#earliest(); until !== undefined && !signal.aborted; until = this.#earliest()) {
      await clock.sleepUntil(until, signal);
      if (signal.aborted || clock.monotonic() < until) continue;
      // What is overdue already is asked for once; the next heartbeat of anybody starts the watch again.
      if ((this.#earliest() ?? until) <= clock.monotonic()) {
        this.#beat();
        break;
      }
    }
    this.#watching = false;
    // A new connection may have begun while this one was ending.
    if (signal.aborted) this.#watch();
  }

  #earliest(): Monotonic | undefined {
    const { config, ports } = this.#options;
    const now = ports.clock.monotonic();
    let earliest: Monotonic | undefined;
    for (const { heardAt, liveness } of this.#peers.values()) {
      const isOverdue = RANK[judgeLiveness(heardAt, now, config.deadAfter)] > RANK[liveness];
      const next = isOverdue ? now : nextJudgement(heardAt, now, config.deadAfter);
      if (next !== undefined && (earliest === undefined || next < earliest)) earliest = next;
    }
    return earliest;
  }

  #judge(now: Monotonic): void {
    const { config } = this.#options;
    for (const [node, peer] of this.#peers) {
      const judged = judgeLiveness(peer.heardAt, now, config.deadAfter);
      // Silence makes nobody more alive: a suspect whose timer was restarted is not trusted for that.
      if (RANK[judged] > RANK[peer.liveness]) this.#set(node, peer, judged);
    }
  }

  #set(node: NodeName, peer: Peer, liveness: Liveness): void {
    if (peer.liveness === liveness) return;
    const was = peer.liveness;
    peer.liveness = liveness;
    this.#clock = undefined;
    this.#members = undefined;
    const event = `federation.member.${liveness}`;
    this.#options.log.info('member judged anew', { event, node, was, liveness });
    this.#listeners.tell(undefined);
  }
}
