/** One node's federation over any transport. Everything that decides is here or below; the transport only carries. */
import { randomBytes } from 'node:crypto';
import { ok, type NodeName, type Result } from '@routerd/resources';
import { CaptureExchange } from './capture-exchange.ts';
import { FactExchange } from './fact-exchange.ts';
import type { EventBus } from './event.ts';
import { EventExchange } from './event-exchange.ts';
import type { FederationConfig, FederationPorts, GroupMembership, RandomBytes } from './federation-config.ts';
import { Listeners } from './listeners.ts';
import { MemberWatch, type MemberWatchOptions } from './member-watch.ts';
import { OrderExchange } from './order-exchange.ts';
import { verifyingFacts } from './batch-memory.ts';
import { Keyring } from './keyring.ts';
import { signerOf, verifierOf, type IdentityFault, type VerifySignature } from './node-identity.ts';
import { RosterReader, type ReceivedRoster } from './roster-reader.ts';
import type {
  CaptureRegistry,
  Delivery,
  FactBus,
  Federation,
  FederationStatus,
  MemberView,
  OrderRegistry,
  PeerReport,
} from './ports.ts';
import { Refusals } from './refusals.ts';
import { Troubles, type Trouble } from './troubles.ts';
import type { LogReader, Transport, TransportListener } from './transport.ts';

/** Fails when a key is not one; nothing is started. */
export function federationOver(
  transport: Transport,
  config: FederationConfig,
  ports: FederationPorts,
): Result<Federation, IdentityFault> {
  const signer = (ports.signerOf ?? signerOf)(config.seed);
  if (!signer.ok) return signer;
  const keyring = new Keyring([config.self, signer.value.publicKey], ports.verifierOf ?? verifierOf);
  const known = keyring.take(config);
  if (!known.ok) return known;
  const roster = config.rosterKey === undefined ? ok(undefined) : (ports.verifierOf ?? verifierOf)(config.rosterKey);
  if (!roster.ok) return roster;
  const rosterVerifier = roster.value;
  return ok(new NodeFederation({ transport, config, ports, signer: signer.value, keyring, rosterVerifier }));
}

interface NodeFederationOptions {
  readonly transport: Transport;
  readonly config: FederationConfig;
  readonly ports: FederationPorts;
  readonly signer: ConstructorParameters<typeof FactExchange>[0]['signer'];
  readonly keyring: Keyring;
  readonly rosterVerifier: VerifySignature | undefined;
}

/** The area of what the connection to the hub has trouble with: over when facts and captures were read to their ends. */
const HUB = 'hub';

class NodeFederation implements Federation {
  readonly #options: NodeFederationOptions;
  readonly #facts: FactExchange;
  readonly #members: MemberWatch;
  readonly #registry: CaptureExchange;
  readonly #orders: OrderExchange;
  readonly #events: EventExchange;
  readonly #refusals: Refusals;
  /** Undefined where the operator's key is not known. */
  readonly #roster: RosterReader | undefined;
  readonly #listeners = new Listeners<undefined>();
  #hub: string | undefined;
  readonly #troubles: Troubles;
  /** Read to the end since the start, and since the present connection. */
  readonly #everRead = { facts: false, captures: false };
  readonly #nowRead = { facts: false, captures: false };

  constructor(options: NodeFederationOptions) {
    this.#options = options;
    const { transport, config, ports, signer, keyring } = options;
    const log = ports.log.child({ group: config.group });
    const random: RandomBytes = ports.random ?? ((count) => randomBytes(count));
    this.#troubles = new Troubles(ports.clock, () => this.#listeners.tell(undefined));
    const trouble = (area: string): Trouble => this.#troubles.of(area);
    const refusals = new Refusals(ports.clock, log);
    const start = Buffer.from(random(8)).toString('hex');
    this.#refusals = refusals;
    const verify = options.rosterVerifier;
    this.#roster = verify === undefined ? undefined : new RosterReader({ group: config.group, verify, log, refusals });
    const { verifiers } = keyring;
    const ofFacts = keyring.derive(verifyingFacts);
    const shared = { config, ports, log, random, transport, refusals };
    const clockAheadMs = (source: NodeName): number => this.#members.clockAheadMs(source);
    this.#facts = new FactExchange({
      ...shared,
      clockAheadMs,
      signer,
      verifiers: ofFacts,
      trouble: trouble('outbox'),
      keepingTrouble: trouble('accepted facts'),
    });
    this.#registry = new CaptureExchange({
      ...shared,
      trouble: trouble('captures'),
      appendTrouble: trouble('appending captures'),
    });
    this.#orders = new OrderExchange({
      ...shared,
      trouble: trouble('orders'),
      keepingTrouble: trouble('own orders'),
    });
    this.#events = new EventExchange({
      ...shared,
      clockAheadMs,
      signer,
      verifiers,
      trouble: trouble('outbox of events'),
      keepingTrouble: trouble('events'),
    });
    const positions = () => ({ factsRead: this.#facts.position(), capturesRead: this.#registry.position() });
    const toBeRead = () => ({ ...positions(), capturesRead: this.#registry.positionOfOthers() });
    const onClock = (): void => this.#facts.clocksTold();
    const onRead: MemberWatchOptions['onRead'] = ({ factsRead, capturesRead }) => {
      transport.logReached?.('facts', factsRead);
      transport.logReached?.('captures', capturesRead);
    };
    this.#members = new MemberWatch({ ...shared, start, positions, toBeRead, onClock, onRead });
  }

  get facts(): FactBus {
    return this.#facts;
  }

  get members(): MemberView {
    return this.#members;
  }

  get registry(): CaptureRegistry {
    return this.#registry;
  }

  get events(): EventBus {
    return this.#events;
  }

  get orders(): OrderRegistry {
    return this.#orders;
  }

  status(): FederationStatus {
    return {
      connected: this.#hub !== undefined && this.#nowRead.facts && this.#nowRead.captures,
      factsCaughtUp: this.#everRead.facts,
      registryCaughtUp: this.#everRead.captures,
      hub: this.#hub,
      outboxDepth: this.#options.ports.factStore.outboxDepth(),
      refused: this.#refusals.counts(),
      lastError: this.#troubles.last,
      lastErrorAt: this.#troubles.lastAt,
      clock: this.#members.clock(),
    };
  }

  peers(): readonly PeerReport[] {
    return this.#members.reports();
  }

  deliveries(): readonly Delivery[] {
    const peers = [...this.#options.keyring.peers].toSorted();
    return this.#facts.ownInLog().map(({ fact, at }) => {
      const hasRead = (node: NodeName): boolean => at !== undefined && this.#members.hasReadFacts(node, at);
      return {
        fact,
        state: at === undefined ? 'outbox' : 'sent',
        read: peers.filter(hasRead),
        unread: peers.filter((node) => !hasRead(node)),
      };
    });
  }

  onStatus(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  reconfigure({ servers, peers, nextKeys }: GroupMembership): Result<void, IdentityFault> {
    const { keyring, transport, config, ports } = this.#options;
    const taken = keyring.take({ peers, ...(nextKeys === undefined ? {} : { nextKeys }) });
    if (!taken.ok) return taken;
    this.#members.reconfigure(keyring.peers);
    transport.reconfigure(servers, taken.value.added.length > 0);
    const { added, removed } = taken.value;
    if (added.length > 0 || removed.length > 0) {
      const log = ports.log.child({ group: config.group });
      log.info('the group has other members', { event: 'federation.members.reconfigured', added, removed });
    }
    this.#listeners.tell(undefined);
    return ok(undefined);
  }

  onRoster(listener: (received: ReceivedRoster) => void): () => void {
    return this.#roster?.onRoster(listener) ?? (() => undefined);
  }

  /** Does not wait for a hub: a node without one lives on what it knew. */
  async start(): Promise<void> {
    this.#options.transport.start(this.#listener());
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#facts.stop();
    this.#events.stop();
    this.#members.disconnected();
    this.#registry.disconnected();
    this.#orders.disconnected();
    await this.#options.transport.stop();
    this.#hub = undefined;
  }

  #listener(): TransportListener {
    const log = this.#options.ports.log.child({ group: this.#options.config.group });
    return {
      facts: this.#reader('facts', [this.#facts]),
      captures: this.#reader('captures', [this.#registry, this.#orders]),
      ...(this.#events.isKeeping ? { events: this.#events } : {}),
      ...(this.#roster === undefined ? {} : { roster: this.#roster }),
      heartbeat: (subject, data) => this.#members.heartbeat(subject, data),
      connected: (hub) => {
        this.#hub = hub;
        log.info('connected to a hub', { event: 'federation.connected', hub });
        this.#members.connected();
        this.#facts.connected();
        this.#events.connected();
        this.#listeners.tell(undefined);
      },
      disconnected: (detail) => {
        this.#hub = undefined;
        Object.assign(this.#nowRead, { facts: false, captures: false });
        log.warn('disconnected from the hub', { event: 'federation.disconnected', detail });
        this.#members.disconnected();
        this.#facts.disconnected();
        this.#events.disconnected();
        this.#registry.disconnected();
        this.#orders.disconnected();
        this.#troubles.of(HUB)(detail);
      },
      trouble: this.#troubles.of(HUB),
    };
  }

  #reader(name: 'facts' | 'captures', readers: readonly LogReader[]): LogReader {
    return {
      restarted: () => {
        this.#nowRead[name] = false;
        for (const reader of readers) reader.restarted();
      },
      received: (batch) => {
        for (const reader of readers) reader.received(batch);
      },
      caughtUp: () => {
        this.#everRead[name] = true;
        this.#nowRead[name] = true;
        for (const reader of readers) reader.caughtUp();
        if (this.#nowRead.facts && this.#nowRead.captures) this.#troubles.of(HUB)(undefined);
        this.#listeners.tell(undefined);
      },
    };
  }
}
