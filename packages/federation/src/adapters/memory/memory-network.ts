/** A hub and the wires to it in one process, for tests and simulation: no sockets, no timers, the same order every time. */
import { err, ok, type NodeName, type Result } from '@routerd/resources';
import type { FederationConfig, FederationPorts, RandomBytes } from '../../federation-config.ts';
import type { IdentityFault } from '../../node-identity.ts';
import { federationOver } from '../../node-federation.ts';
import type { Federation } from '../../ports.ts';
import type { OutgoingMessage, Transport, TransportFault, TransportListener } from '../../transport.ts';
import { encodeWire } from '../../wire/bounded-json.ts';
import { CAPTURES_PER_SUBJECT, FACTS_PER_SUBJECT } from '../stream-limits.ts';
import { MemoryLog } from './memory-log.ts';

export interface MemoryNetworkOptions {
  readonly clock: FederationPorts['clock'];
  /** Bytes for ids of all nodes; the system's unless told. */
  readonly random?: RandomBytes;
  /** `microtask`: messages travel by themselves, in order. `manual`: only `pump` carries them. */
  readonly delivery?: 'microtask' | 'manual';
}

/** What a node of the network brings; clock and random are the network's. */
export type MemoryNodePorts = Omit<FederationPorts, 'clock' | 'random'>;

export interface MemoryNetwork {
  federation(config: FederationConfig, ports: MemoryNodePorts): Result<Federation, IdentityFault>;
  /** Cuts a node off: what is on its way to or from it is lost, as with a broken connection. */
  partition(node: NodeName): void;
  heal(node: NodeName): void;
  /** The hub stops serving anybody without anybody being told (a paused process); `resume` carries on where it stopped. */
  stall(): void;
  resume(): void;
  /** The hub dies, loses its disk and comes back empty. */
  wipe(): void;
  /** Carries what is on its way, at most `limit` messages. @returns how many were carried; 0 when all is quiet */
  pump(limit?: number): number;
  /** Publishes as if with `node`'s connection, whatever the text says; for tests of what receivers refuse. */
  inject(log: LogName, message: OutgoingMessage): void;
}

type LogName = 'facts' | 'captures' | 'events';

interface Port {
  readonly listener: TransportListener;
  /** Grows when the wire is cut: deliveries of an earlier connection are dropped. */
  connection: number;
  isConnected: boolean;
}

export function createMemoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  return new Hub(options);
}

class Hub implements MemoryNetwork {
  readonly #options: MemoryNetworkOptions;
  readonly #logs = {
    facts: new MemoryLog(FACTS_PER_SUBJECT),
    captures: new MemoryLog(CAPTURES_PER_SUBJECT),
    events: new MemoryLog(Number.MAX_SAFE_INTEGER),
  };
  readonly #ports = new Map<NodeName, Port>();
  readonly #partitioned = new Set<NodeName>();
  readonly #onTheWay: (() => void)[] = [];
  #isStalled = false;
  #isDraining = false;

  constructor(options: MemoryNetworkOptions) {
    this.#options = options;
  }

  federation(config: FederationConfig, ports: MemoryNodePorts): Result<Federation, IdentityFault> {
    const { clock, random } = this.#options;
    const all: FederationPorts = { ...ports, clock, ...(random === undefined ? {} : { random }) };
    return federationOver(this.#transport(config.self), config, all);
  }

  partition(node: NodeName): void {
    this.#partitioned.add(node);
    this.#cut(node, 'partitioned');
  }

  heal(node: NodeName): void {
    this.#partitioned.delete(node);
    this.#connect(node);
  }

  stall(): void {
    this.#isStalled = true;
  }

  resume(): void {
    this.#isStalled = false;
    this.#drainSoon();
  }

  wipe(): void {
    for (const node of this.#ports.keys()) this.#cut(node, 'the hub died');
    this.#logs.facts.wipe();
    this.#logs.captures.wipe();
    this.#logs.events.wipe();
    for (const node of this.#ports.keys()) this.#connect(node);
  }

  pump(limit = Number.POSITIVE_INFINITY): number {
    let carried = 0;
    while (!this.#isStalled && carried < limit) {
      const deliver = this.#onTheWay.shift();
      if (deliver === undefined) break;
      deliver();
      carried += 1;
    }
    return carried;
  }

  inject(log: LogName, message: OutgoingMessage): void {
    this.#send(() => this.#store(log, message));
  }

  #transport(node: NodeName): Transport {
    return {
      start: (listener) => {
        this.#ports.set(node, { listener, connection: 0, isConnected: false });
        this.#connect(node);
      },
      // There is one hub, whatever it is called; reading again begins with a new connection.
      reconfigure: (_servers, rereads) => {
        if (!rereads || this.#ports.get(node)?.isConnected !== true) return;
        this.#cut(node, 'the members changed');
        this.#connect(node);
      },
      stop: async () => {
        this.#ports.delete(node);
        return Promise.resolve();
      },
      publishFact: async (message) => this.#publish(node, 'facts', message),
      publishEvent: async (message) => this.#publish(node, 'events', message),
      appendCapture: async (message) => this.#publish(node, 'captures', message),
      captureTail: async () => this.#ask(node, () => this.#logs.captures.last()),
      publishHeartbeat: (subject, text) => {
        if (this.#ports.get(node)?.isConnected !== true) return;
        const data = encodeWire(text);
        this.#send(() => this.#toAll((listener) => listener.heartbeat(subject, data)));
      },
    };
  }

  async #publish(node: NodeName, log: LogName, message: OutgoingMessage): Promise<Result<number, TransportFault>> {
    return this.#ask(node, () => this.#store(log, message));
  }

  /** Asks the hub and carries its answer back; a cut in between leaves the asker without one. */
  async #ask(node: NodeName, serve: () => number): Promise<Result<number, TransportFault>> {
    const port = this.#ports.get(node);
    if (port?.isConnected !== true) return err({ code: 'transport.not-sent', detail: 'not connected to the hub' });
    const { connection } = port;
    const { promise, resolve } = Promise.withResolvers<Result<number, TransportFault>>();
    const isSame = (): boolean => this.#ports.get(node)?.connection === connection;
    const lost = err({ code: 'transport.unanswered', detail: 'the connection was cut' } as const);
    this.#send(() => {
      if (!isSame()) return resolve(lost);
      const answer = serve();
      return this.#send(() => resolve(isSame() ? ok(answer) : lost));
    });
    return promise;
  }

  #store(log: LogName, message: OutgoingMessage): number {
    const { sequence, stored } = this.#logs[log].append(message);
    if (stored !== undefined) this.#toAll((listener) => listener[log]?.received([stored]));
    return sequence;
  }

  #toAll(tell: (listener: TransportListener) => void): void {
    for (const [node, port] of this.#ports) {
      if (port.isConnected) this.#toOne(node, tell);
    }
  }

  #toOne(node: NodeName, tell: (listener: TransportListener) => void): void {
    const connection = this.#ports.get(node)?.connection;
    this.#send(() => {
      const port = this.#ports.get(node);
      if (port?.isConnected === true && port.connection === connection) tell(port.listener);
    });
  }

  #connect(node: NodeName): void {
    const port = this.#ports.get(node);
    if (port === undefined || port.isConnected || this.#partitioned.has(node)) return;
    port.isConnected = true;
    // From here on new messages queue up behind what was stored until now, so each is delivered once and in order.
    this.#toOne(node, (listener) => listener.connected('memory'));
    for (const log of ['facts', 'captures', 'events'] as const) {
      const messages = [...this.#logs[log].messages()];
      this.#toOne(node, (listener) => {
        listener[log]?.restarted();
        if (messages.length > 0) listener[log]?.received(messages);
        listener[log]?.caughtUp();
      });
    }
  }

  #cut(node: NodeName, detail: string): void {
    const port = this.#ports.get(node);
    if (port === undefined || !port.isConnected) return;
    port.isConnected = false;
    port.connection += 1;
    port.listener.disconnected(detail);
  }

  #send(deliver: () => void): void {
    this.#onTheWay.push(deliver);
    this.#drainSoon();
  }

  #drainSoon(): void {
    if (this.#options.delivery === 'manual' || this.#isDraining) return;
    this.#isDraining = true;
    queueMicrotask(() => {
      this.#isDraining = false;
      // One at a time, so that what a delivery starts in microtasks of its own happens before the next.
      if (this.pump(1) > 0 && this.#onTheWay.length > 0) this.#drainSoon();
    });
  }
}
