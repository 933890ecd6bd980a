/**
 * Which addresses of a pool live on a LAN, from what their machines say.
 *
 * 1. An ARP packet is evidence of its sender, whoever it asks for: a machine that only ever talks to its gateway is seen too. The kernel's
 *    neighbour table is not enough: it learns from requests for our own and captured addresses and from gratuitous ARP, not from
 *    requests for others (measured), so the packets themselves are listened to and neighbour events are a second source.
 * 2. Routers are not clients. Each asks for an address that nobody has (`ROUTER_HELLO`) when it starts, and for another such address
 *    (`ROUTER_ANSWER`) when it hears one start; whoever asks for these is a router, and its MAC speaks for no client, be it about its own
 *    address or about those it captures.
 * 3. Appearing is told at once. Disappearing needs evidence: no answer to three questions while the link was up.
 * 4. Bounded: at most `ADDRESSES_MAX` addresses, `NEWCOMERS_PER_SECOND_MAX` new ones a second, `PROBES_AT_ONCE_MAX` questions at a time.
 */
import {
  parseHostAddress,
  prefixContains,
  prefixLength,
  type HostAddress,
  type Ipv4Prefix,
  type Monotonic,
} from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { NeighborEvent } from '../reconciler/host-reconciler.ts';
import type { ArpHeard, LanWire } from './lan-wire.ts';

/** The IPv4 dummy address (RFC 7600, section 4.8): never assigned to an interface, so that nobody else asks who has it. */
export const ROUTER_HELLO = addressOf('192.0.0.8');
/** For documentation only (RFC 5737): no host asks who has it either. */
export const ROUTER_ANSWER = addressOf('192.0.2.8');

const ADDRESSES_MAX = 4096;
const NEWCOMERS_PER_SECOND_MAX = 200;
const PROBES_AT_ONCE_MAX = 8;
/** Between two questions of a series: each is a process of its own, for a second. */
const ASK_EVERY_MS = 50;
const ROUTERS_MAX = 64;
/** A greeting that was lost is repeated once. */
const HELLO_AGAIN_AFTER_MS = 2000;
const ANSWERS_PER_SECOND_MAX = 10;
const ROUTERS_ANSWER_WITHIN_MS = 500;
const TELL_AGAIN_AFTER_MS = 5000;
/** Milliseconds of silence after which a machine is asked whether it is there. */
const SILENT_AFTER_MS = 60_000;

export interface LanObserverPorts {
  readonly wire: LanWire;
  readonly clock: Clock;
  readonly log: Log;
}

export interface LanObserverOptions {
  readonly interfaceName: string;
  readonly prefix: Ipv4Prefix;
  /** Addresses that are never a client here: this router's own, and those that this site captures. Asked each time. */
  readonly isIgnored: (address: HostAddress) => boolean;
  /** Within milliseconds of the first packet, and now and then while it goes on speaking: it may have been refused meanwhile. */
  readonly onObserved: (address: HostAddress, mac: string) => void;
  readonly onGone: (address: HostAddress) => void;
}

export interface LanObserver {
  start(): void;
  stop(): Promise<void>;
  /** News of the kernel's neighbour table; other interfaces are passed over. */
  acceptNeighbor(event: NeighborEvent): void;
  present(): ReadonlySet<HostAddress>;
  /** MACs of the other routers heard of so far. */
  routers(): ReadonlySet<string>;
  /** The address was withdrawn whatever was seen of it here: its next packet is news. Tells nobody. */
  forget(address: HostAddress): void;
  /** Asks for machines that were here before this process began; those that answer are observed. Silence says nothing. */
  lookFor(addresses: Iterable<HostAddress>): Promise<void>;
  /** Heard of lately, or answers now. */
  stillPresent(address: HostAddress): Promise<boolean>;
}

interface Machine {
  readonly mac: string;
  readonly heardAt: Monotonic;
  /** Undefined while it is held back. */
  readonly toldAt: Monotonic | undefined;
}

export function createLanObserver(ports: LanObserverPorts, options: LanObserverOptions): LanObserver {
  return new ArpObserver(ports, options);
}

class ArpObserver implements LanObserver {
  readonly #ports: LanObserverPorts;
  readonly #options: LanObserverOptions;
  readonly #stopping = new AbortController();
  readonly #reserved: ReadonlySet<HostAddress>;
  readonly #machines = new Map<HostAddress, Machine>();
  readonly #routerMacs = new Set<string>();
  readonly #probing = new Set<HostAddress>();
  #listening: { stop(): Promise<void> } | undefined;
  /** When the last answers were given. */
  #answeredAt: readonly Monotonic[] = [];
  #isAnswering = false;
  /** Until then nobody is told of a machine: the other routers have not said yet that they are none. */
  #believesFrom = 0 as Monotonic;
  #newcomersSince = 0 as Monotonic;
  #newcomers = 0;

  constructor(ports: LanObserverPorts, options: LanObserverOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#reserved = reservedIn(options.prefix);
  }

  start(): void {
    const { interfaceName, prefix } = this.#options;
    this.#believesFrom = (this.#ports.clock.monotonic() + ROUTERS_ANSWER_WITHIN_MS) as Monotonic;
    this.#listening = this.#ports.wire.listen(interfaceName, prefix, {
      onHeard: (heard) => this.#onHeard(heard),
      onStarted: () => void this.#greetTwice(),
    });
    void this.#tellHeldBack();
    void this.#lookForSilentOnes();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#listening?.stop();
  }

  acceptNeighbor({ interface: name, address, mac, reachable }: NeighborEvent): void {
    if (name !== this.#options.interfaceName || !prefixContains(this.#options.prefix, address)) return;
    if (reachable && mac !== undefined) this.#onHeard({ sender: address, mac, asksFor: undefined });
    else if (this.#machines.has(address)) void this.#verify(address);
  }

  present(): ReadonlySet<HostAddress> {
    return new Set(this.#machines.keys());
  }

  routers(): ReadonlySet<string> {
    return this.#routerMacs;
  }

  forget(address: HostAddress): void {
    this.#machines.delete(address);
  }

  async lookFor(addresses: Iterable<HostAddress>): Promise<void> {
    const { wire, clock } = this.#ports;
    // A router answers for what it captures: the other routers must be known first, or it would be taken for a machine.
    await clock.sleepUntil(this.#believesFrom, this.#stopping.signal);
    for (const address of addresses) {
      if (this.#stopping.signal.aborted) return;
      // The answer is heard like any other packet.
      if (!this.#machines.has(address)) wire.ask(this.#options.interfaceName, address);
      await clock.sleepUntil((clock.monotonic() + ASK_EVERY_MS) as Monotonic, this.#stopping.signal);
    }
  }

  async stillPresent(address: HostAddress): Promise<boolean> {
    const machine = this.#machines.get(address);
    if (machine === undefined) return false;
    if (this.#ports.clock.monotonic() - machine.heardAt < SILENT_AFTER_MS) return true;
    await this.#verify(address);
    return this.#machines.has(address);
  }

  #onHeard({ sender, mac, asksFor }: ArpHeard): void {
    if (asksFor === ROUTER_HELLO) void this.#answer();
    if (asksFor === ROUTER_HELLO || asksFor === ROUTER_ANSWER) return this.#onRouter(mac);
    const { isIgnored, onObserved } = this.#options;
    if (this.#routerMacs.has(mac) || this.#reserved.has(sender) || isIgnored(sender)) return;
    const now = this.#ports.clock.monotonic();
    const known = this.#machines.has(sender);
    if (!known && !this.#mayJoin(now)) return;
    const toldAt = this.#machines.get(sender)?.toldAt;
    const isHeldBack = now < this.#believesFrom;
    const isTold = toldAt !== undefined && now - toldAt < TELL_AGAIN_AFTER_MS;
    this.#machines.set(sender, { mac, heardAt: now, toldAt: isHeldBack || isTold ? toldAt : now });
    if (!isHeldBack && !isTold) onObserved(sender, mac);
  }

  #onRouter(mac: string): void {
    if (this.#routerMacs.has(mac) || this.#routerMacs.size >= ROUTERS_MAX) return;
    this.#routerMacs.add(mac);
    this.#ports.log.info('another router is on the LAN', {
      event: 'lan.router.heard',
      interface: this.#options.interfaceName,
      mac,
    });
    for (const [address, machine] of this.#machines) if (machine.mac === mac) this.#gone(address);
  }

  async #greetTwice(): Promise<void> {
    const { clock, wire } = this.#ports;
    wire.ask(this.#options.interfaceName, ROUTER_HELLO);
    await clock.sleepUntil((clock.monotonic() + HELLO_AGAIN_AFTER_MS) as Monotonic, this.#stopping.signal);
    if (!this.#stopping.signal.aborted) wire.ask(this.#options.interfaceName, ROUTER_HELLO);
  }

  /**
   * Whoever greets is answered, also if it is known: it may have started again and know nobody, and until it knows us it takes what we
   * announce for machines. Everybody hears an answer, so in a flood of greetings those who come late share one.
   */
  async #answer(): Promise<void> {
    if (this.#isAnswering) return;
    this.#isAnswering = true;
    const { clock, wire } = this.#ports;
    const [first] = this.#answeredAt;
    const isFlood = first !== undefined && this.#answeredAt.length >= ANSWERS_PER_SECOND_MAX;
    if (isFlood) await clock.sleepUntil((first + 1000) as Monotonic, this.#stopping.signal);
    this.#isAnswering = false;
    if (this.#stopping.signal.aborted) return;
    this.#answeredAt = [...this.#answeredAt, clock.monotonic()].slice(-ANSWERS_PER_SECOND_MAX);
    wire.ask(this.#options.interfaceName, ROUTER_ANSWER);
  }

  /** A flood of invented senders must not become a flood of facts. */
  #mayJoin(now: Monotonic): boolean {
    if (now - this.#newcomersSince >= 1000) {
      this.#newcomersSince = now;
      this.#newcomers = 0;
    }
    this.#newcomers += 1;
    const limited = this.#newcomers > NEWCOMERS_PER_SECOND_MAX || this.#machines.size >= ADDRESSES_MAX;
    if (limited && this.#newcomers <= NEWCOMERS_PER_SECOND_MAX + 1)
      this.#ports.log.warn('more addresses appear on the LAN than are believed', {
        event: 'lan.newcomers.limited',
        interface: this.#options.interfaceName,
        known: this.#machines.size,
        perSecondMax: NEWCOMERS_PER_SECOND_MAX,
      });
    return !limited;
  }

  #gone(address: HostAddress): void {
    const machine = this.#machines.get(address);
    this.#machines.delete(address);
    if (machine?.toldAt !== undefined) this.#options.onGone(address);
  }

  /** A gratuitous ARP of a router that we do not know yet would be taken for a machine's, in the first moments of this process. */
  async #tellHeldBack(): Promise<void> {
    const { clock } = this.#ports;
    await clock.sleepUntil(this.#believesFrom, this.#stopping.signal);
    if (this.#stopping.signal.aborted) return;
    for (const [address, machine] of this.#machines) {
      if (machine.toldAt !== undefined) continue;
      this.#machines.delete(address);
      if (this.#options.isIgnored(address)) continue;
      this.#machines.set(address, { ...machine, toldAt: clock.monotonic() });
      this.#options.onObserved(address, machine.mac);
    }
  }

  async #lookForSilentOnes(): Promise<void> {
    const { clock } = this.#ports;
    while (!this.#stopping.signal.aborted) {
      await clock.sleepUntil((clock.monotonic() + SILENT_AFTER_MS / 4) as Monotonic, this.#stopping.signal);
      const now = clock.monotonic();
      for (const [address, { heardAt }] of this.#machines) {
        if (this.#stopping.signal.aborted) return;
        if (now - heardAt >= SILENT_AFTER_MS && this.#probing.size < PROBES_AT_ONCE_MAX) void this.#verify(address);
      }
    }
  }

  async #verify(address: HostAddress): Promise<void> {
    const machine = this.#machines.get(address);
    if (machine === undefined || this.#probing.has(address)) return;
    // A captured address is answered for by a router: asking would prove nothing, and it is not ours to speak of any more.
    if (this.#options.isIgnored(address)) return void this.#machines.delete(address);
    this.#probing.add(address);
    const answer = await this.#ports.wire.probe(this.#options.interfaceName, address);
    this.#probing.delete(address);
    if (this.#stopping.signal.aborted) return;
    const latest = this.#machines.get(address);
    if (answer === 'answered' && latest !== undefined)
      this.#machines.set(address, { ...latest, heardAt: this.#ports.clock.monotonic() });
    else if (answer === 'silent' && latest?.heardAt === machine.heardAt) this.#gone(address);
  }
}

/**
 * The network's own address, its first host and its broadcast address: every cloud keeps them for itself (the first host is the
 * subnet's router there), so none of them can be captured anywhere, and a LAN's gateway usually has the first.
 */
function reservedIn(prefix: Ipv4Prefix): ReadonlySet<HostAddress> {
  const length = prefixLength(prefix);
  if (length > 30) return new Set();
  const network = prefix.slice(0, prefix.indexOf('/'));
  const octets = network.split('.').map(Number);
  const start = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return new Set([start, start + 1, start + 2 ** (32 - length) - 1].map((value) => addressOf(quadOf(value))));
}

function quadOf(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** Of text that is an address by construction. */
function addressOf(quad: string): HostAddress {
  const parsed = parseHostAddress(`${quad}/32`);
  if (!parsed.ok) throw new Error(`${quad} is no IPv4 address`);
  return parsed.value;
}
