/**
 * A hub and the wires to it, with everything that can go wrong between them. It keeps what the Transport port promises (one order per
 * connection, a log read from its start) and breaks what the port does not promise: answers, time, and the hub's own memory.
 */
import {
  CAPTURES_PER_SUBJECT,
  FACTS_PER_SUBJECT,
  type LogMessage,
  type OutgoingMessage,
  type Transport,
  type TransportFault,
  type TransportListener,
} from '@routerd/federation/internal';
import { err, ok, type Result } from '@routerd/resources';
import { Connection } from './hub-connection.ts';
import { HubLog } from './hub-log.ts';
import type { Life } from './life.ts';
import type { SeededRandom } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

const LOG_NAMES = ['facts', 'captures', 'events'] as const;
export type LogName = (typeof LOG_NAMES)[number];

/** As the client waits for an acknowledgement. */
const PUBLISH_TIMEOUT_MS = 10_000;
const RETRY_MS_FIRST = 100;
const RETRY_MS_MAX = 2000;

export interface Wire {
  latencyMs: number;
  isCut: boolean;
  /** Until then nothing arrives at the node, or at the hub. */
  nodeDeafUntil: number;
  hubDeafUntil: number;
}

interface Station {
  readonly node: string;
  readonly listener: TransportListener;
  readonly life: Life;
  connection: Connection | undefined;
  retryMs: number;
  isStopped: boolean;
}

export interface HubTrouble {
  isUp: boolean;
  pausedUntil: number;
  heartbeatLoss: number;
  ambiguousShare: number;
  readsAreStale: boolean;
}

export interface SimHubOptions {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  /** Milliseconds one way; drawn for each message. */
  readonly latencyMs?: readonly [least: number, most: number];
  /** Told of each message that becomes part of a log, and of each loss. */
  readonly onStored?: (log: LogName, message: LogMessage) => void;
  readonly onLost?: (log: LogName, lastKept: number) => void;
}

export class SimHub {
  readonly trouble: HubTrouble = {
    isUp: true,
    pausedUntil: 0,
    heartbeatLoss: 0,
    ambiguousShare: 0,
    readsAreStale: false,
  };
  readonly #options: SimHubOptions;
  readonly #logs = {
    facts: new HubLog(FACTS_PER_SUBJECT),
    captures: new HubLog(CAPTURES_PER_SUBJECT),
    events: new HubLog(Number.POSITIVE_INFINITY),
  };
  #life = 0;
  readonly #wires = new Map<string, Wire>();
  readonly #stations = new Map<string, Station>();

  constructor(options: SimHubOptions) {
    this.#options = options;
  }

  wire(node: string): Wire {
    const known = this.#wires.get(node);
    if (known !== undefined) return known;
    const wire: Wire = { latencyMs: 0, isCut: false, nodeDeafUntil: 0, hubDeafUntil: 0 };
    this.#wires.set(node, wire);
    return wire;
  }

  transport(node: string, life: Life): Transport {
    return {
      start: (listener) => {
        const station: Station = {
          node,
          listener,
          life,
          connection: undefined,
          retryMs: RETRY_MS_FIRST,
          isStopped: false,
        };
        this.#stations.set(node, station);
        this.#tryConnect(station);
      },
      // There is one hub, whatever it is called.
      reconfigure: (_servers, rereads) => {
        if (rereads && !life.isOver()) this.readAgain(node);
      },
      stop: async () => {
        this.drop(node, life);
        return Promise.resolve();
      },
      publishFact: async (message) => life.ask(async () => this.#publish(node, 'facts', message)),
      publishEvent: async (message) => life.ask(async () => this.#publish(node, 'events', message)),
      appendCapture: async (message) => life.ask(async () => this.#publish(node, 'captures', message)),
      captureTail: async () =>
        life.ask(async () => this.#ask(node, () => this.#logs.captures.last() - this.#staleness('captures'))),
      publishHeartbeat: (subject, text) => {
        if (life.isOver()) return;
        const data = new TextEncoder().encode(text);
        this.#stations.get(node)?.connection?.toHub(() => this.#fanOut(subject, data));
      },
    };
  }

  /** The connection ends and the node is told; it tries again by itself. */
  cut(node: string, detail: string): void {
    const station = this.#stations.get(node);
    const connection = station?.connection;
    if (station === undefined || connection === undefined) return;
    station.connection = undefined;
    this.#end(connection, 0.25);
    if (!station.life.isOver()) station.listener.disconnected(detail);
    this.#retry(station);
  }

  /** The hub's process ends: nothing that was on its way to it arrives any more. */
  die(detail: string): void {
    for (const node of this.#stations.keys()) this.cut(node, detail);
    this.#life += 1;
  }

  /** The node's process is no more; what it had sent is on its way. */
  drop(node: string, life: Life): void {
    const station = this.#stations.get(node);
    if (station === undefined || station.life !== life) return;
    station.isStopped = true;
    this.#stations.delete(node);
    if (station.connection !== undefined) this.#end(station.connection, 0.7);
  }

  isConnected(node: string): boolean {
    return this.#stations.get(node)?.connection !== undefined;
  }

  /** Both logs are given to the node again from their start. */
  readAgain(node: string): void {
    const station = this.#stations.get(node);
    if (station?.connection !== undefined) this.#replay(station, station.connection);
  }

  lose(counts: Partial<Readonly<Record<LogName, number>>>): void {
    for (const log of LOG_NAMES) {
      this.#logs[log].rollBack(counts[log] ?? 0);
      this.#options.onLost?.(log, this.#logs[log].last());
    }
  }

  wipe(): void {
    const all = Number.POSITIVE_INFINITY;
    this.lose({ facts: all, captures: all, events: all });
  }

  /** Publishes as if with a node's connection, whatever the text says. */
  inject(log: LogName, message: OutgoingMessage): void {
    this.#store(log, message);
  }

  // ---- connections ----

  #tryConnect(station: Station): void {
    if (station.isStopped || station.connection !== undefined || station.life.isOver()) return;
    const { time } = this.#options;
    const wire = this.wire(station.node);
    const isBlocked = wire.isCut || wire.nodeDeafUntil > time.now() || wire.hubDeafUntil > time.now();
    if (!this.trouble.isUp || this.trouble.pausedUntil > time.now() || isBlocked) return this.#retry(station);
    station.retryMs = RETRY_MS_FIRST;
    const connection = new Connection(time, {
      latency: () => this.#latency(wire),
      nodeDeafUntil: () => wire.nodeDeafUntil,
      hubDeafUntil: () => Math.max(wire.hubDeafUntil, this.trouble.pausedUntil),
    });
    station.connection = connection;
    connection.toNode(() => {
      if (station.connection === connection && !station.life.isOver()) station.listener.connected('sim');
    });
    this.#replay(station, connection);
  }

  #retry(station: Station): void {
    const wait = station.retryMs * (0.5 + this.#options.random.fraction());
    station.retryMs = Math.min(station.retryMs * 2, RETRY_MS_MAX);
    this.#options.time.after(wait, () => this.#tryConnect(station));
  }

  #replay(station: Station, connection: Connection): void {
    const { random, time } = this.#options;
    for (const log of random.chance(0.5) ? LOG_NAMES : LOG_NAMES.toReversed()) {
      const behind = this.#staleness(log);
      const all = this.#logs[log].retained();
      const messages = behind === 0 ? all : this.#logs[log].retained(behind);
      const half = random.between(0, messages.length);
      this.#tell(station, connection, (to) => to[log]?.restarted());
      for (const batch of [messages.slice(0, half), messages.slice(half)])
        if (batch.length > 0) this.#tell(station, connection, (to) => to[log]?.received(batch));
      this.#tell(station, connection, (to) => to[log]?.caughtUp());
      const seen = messages.at(-1)?.sequence ?? 0;
      const late = all.filter(({ sequence }) => sequence > seen);
      if (late.length === 0) continue;
      // The rest of the log comes when the paused leader has noticed; what is stored meanwhile comes after it.
      const release = connection.hold(log);
      time.after(random.between(200, 5000), () => {
        this.#tell(station, connection, (to) => to[log]?.received(late));
        release();
      });
    }
  }

  #tell(station: Station, connection: Connection, tell: (listener: TransportListener) => void): void {
    connection.toNode(() => {
      if (station.connection === connection && !station.life.isOver()) tell(station.listener);
    });
  }

  #end(connection: Connection, chanceOfArriving: number): void {
    const { random, time } = this.#options;
    for (const late of connection.close())
      if (random.chance(chanceOfArriving)) time.after(random.between(0, 3000), this.#inThisLife(late));
  }

  /** @returns arrives only while the hub's process is the one that it was sent to */
  #inThisLife(arrive: () => void): () => void {
    const life = this.#life;
    return () => {
      if (this.#life === life) arrive();
    };
  }

  // ---- messages ----

  async #publish(node: string, log: LogName, message: OutgoingMessage): Promise<Result<number, TransportFault>> {
    const { random } = this.#options;
    const isAmbiguous = this.trouble.ambiguousShare > 0 && random.chance(this.trouble.ambiguousShare);
    const fate = isAmbiguous ? random.pick(['lost', 'acknowledgement-lost', 'late']) : 'answered';
    return this.#ask(node, () => {
      if (fate === 'lost') return undefined;
      if (fate === 'late') {
        this.#options.time.after(
          random.between(100, 8000),
          this.#inThisLife(() => this.#store(log, message)),
        );
        return undefined;
      }
      const sequence = this.#store(log, message);
      return fate === 'answered' ? sequence : undefined;
    });
  }

  /** @param serve what the hub does and answers; undefined: no answer */
  async #ask(node: string, serve: () => number | undefined): Promise<Result<number, TransportFault>> {
    const connection = this.#stations.get(node)?.connection;
    if (connection === undefined) return err({ code: 'transport.not-sent', detail: 'not connected to the hub' });
    const { promise, resolve } = Promise.withResolvers<Result<number, TransportFault>>();
    const unanswered = (detail: string): void => resolve(err({ code: 'transport.unanswered', detail }));
    connection.onClose(() => unanswered('the connection was cut'));
    const cancel = this.#options.time.after(PUBLISH_TIMEOUT_MS, () => unanswered('no answer in time'));
    connection.toHub(() => {
      const answer = serve();
      if (answer !== undefined)
        connection.toNode(() => {
          cancel();
          resolve(ok(answer));
        });
    });
    return promise;
  }

  #store(log: LogName, message: OutgoingMessage): number {
    const { sequence, stored } = this.#logs[log].append(message, this.#options.time.now());
    if (stored === undefined) return sequence;
    this.#options.onStored?.(log, stored);
    for (const station of this.#stations.values()) {
      const { connection } = station;
      connection?.toNode(() => {
        if (station.connection === connection && !station.life.isOver()) station.listener[log]?.received([stored]);
      }, log);
    }
    return sequence;
  }

  #fanOut(subject: string, data: Uint8Array): void {
    for (const station of this.#stations.values()) {
      const { connection } = station;
      if (connection === undefined || this.#options.random.chance(this.trouble.heartbeatLoss)) continue;
      this.#tell(station, connection, (to) => to.heartbeat(subject, data));
    }
  }

  #staleness(log: LogName): number {
    if (!this.trouble.readsAreStale) return 0;
    return this.#options.random.between(0, Math.min(6, this.#logs[log].last()));
  }

  #latency({ latencyMs }: Wire): number {
    const [least, most] = this.#options.latencyMs ?? [1, 40];
    const { random } = this.#options;
    return random.between(least, most) + (latencyMs === 0 ? 0 : random.between(0, latencyMs));
  }
}
