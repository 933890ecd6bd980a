/** The Transport over NATS JetStream: one connection at a time, and everything that belongs to it ends with it. */
import {
  jetstream,
  jetstreamManager,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
} from '@nats-io/jetstream';
import { errors, type NatsConnection, type Status } from '@nats-io/transport-node';
import { err, ok, unreachable, type Monotonic, type NodeName, type Result } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { HubConfig } from '../../federation-config.ts';
import {
  captureStream,
  consumerNames,
  eventsStream,
  factsStream,
  heartbeatSubject,
  rosterStream,
  type GroupName,
} from '../../subjects.ts';
import type { LogReader, OutgoingMessage, Transport, TransportFault, TransportListener } from '../../transport.ts';
import { AcknowledgedPublisher } from './acknowledged-publisher.ts';
import { connectHub, describe, type HubConnection } from './connect-hub.ts';
import { readStream, StandstillError, type ReadPosition } from './stream-reader.ts';
import type { TailWatch } from './tail-watch.ts';

/** Hubs that do not answer are asked again after this, doubled each time up to the maximum. */
const RETRY_MS_FIRST = 100;
const RETRY_MS_MAX = 2000;
/**
 * How long an acknowledgement is waited for. What was sent to a leader that died is never answered, so this comes on top of an election;
 * a fact that is sent again is known by its id, and costs little.
 */
const PUBLISH_TIMEOUT_MS = 2000;
/** How long the hubs have for a question. One that is missing never answers: what a reading begins with is asked again before (`firstAnswer`). */
const API_TIMEOUT_MS = 2500;
/** How often a stream may be found missing at one hub before another hub is asked: it may just be being made. */
const ABSENCES_MAX = 3;
/** How many hubs' copies of one stream may be found standing still, one after the other, before another hub is asked for one. */
const STANDSTILLS_MAX = 12;

export interface NatsTransportOptions extends HubConfig {
  readonly group: GroupName;
  readonly self: NodeName;
  /** NKey seed. Secret. */
  readonly seed: string;
  readonly clock: Clock;
  readonly log: Log;
}

interface Session {
  readonly connection: NatsConnection;
  readonly server: string;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly publisher: AcknowledgedPublisher;
  /** Of the streams that are being read now. */
  readonly tails: Map<string, Pick<TailWatch, 'reached'>>;
  /** False as soon as the session is to be silent; what still arrives afterwards is dropped. */
  isOpen: boolean;
  /** Why it ended, where this side knows; else the hub did it. */
  ended: string | undefined;
  /** Ends the present reading of each stream; the next begins at once, at the start. */
  reading: AbortController;
}

export class NatsTransport implements Transport {
  readonly #options: NatsTransportOptions;
  readonly #stopping = new AbortController();
  #session: Session | undefined;
  #running: Promise<void> | undefined;
  /** How far the history of events was read, over all connections of this process. */
  readonly #eventsRead: ReadPosition = { log: '', sequence: 0 };
  #servers: readonly string[];
  /** Under which name each stream was read last, over all connections of this process. */
  readonly #named = new Map<string, string>();

  constructor(options: NatsTransportOptions) {
    this.#options = options;
    this.#servers = options.servers;
  }

  start(listener: TransportListener): void {
    this.#running ??= this.#run(listener);
  }

  reconfigure(servers: readonly string[] = this.#servers, rereads: boolean = false): void {
    this.#servers = servers;
    const session = this.#session;
    if (session === undefined) return;
    if (!servers.includes(session.server)) void session.connection.close();
    else if (rereads) {
      session.reading.abort();
      session.reading = new AbortController();
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const session = this.#session;
    if (session !== undefined) {
      session.isOpen = false;
      await session.connection.close();
    }
    await this.#running;
  }

  async publishFact(message: OutgoingMessage): Promise<Result<number, TransportFault>> {
    return this.#publish(message, factsStream(this.#options.group));
  }

  readonly publishEvent = async (message: OutgoingMessage): Promise<Result<number, TransportFault>> =>
    this.#publish(message, eventsStream(this.#options.group));

  async appendCapture(message: OutgoingMessage): Promise<Result<number, TransportFault>> {
    return this.#publish(message, captureStream(this.#options.group));
  }

  async captureTail(): Promise<Result<number, TransportFault>> {
    const session = this.#session;
    if (session === undefined) return NOT_CONNECTED;
    try {
      return ok((await session.manager.streams.info(captureStream(this.#options.group))).state.last_seq);
    } catch (cause) {
      return err({ code: 'transport.unanswered', detail: describe(cause) });
    }
  }

  readonly logReached = (log: 'facts' | 'captures', sequence: number): void => {
    const { group } = this.#options;
    this.#session?.tails.get(log === 'facts' ? factsStream(group) : captureStream(group))?.reached(sequence);
  };

  publishHeartbeat(subject: string, text: string): void {
    try {
      this.#session?.connection.publish(subject, text);
    } catch (cause) {
      // The connection closed a moment ago; its end is told elsewhere.
      if (!(cause instanceof errors.ClosedConnectionError)) throw cause;
    }
  }

  async #publish(message: OutgoingMessage, stream: string): Promise<Result<number, TransportFault>> {
    const session = this.#session;
    if (session === undefined || session.connection.isClosed()) return NOT_CONNECTED;
    const acknowledged = await session.publisher.publish(message, stream);
    if (acknowledged.ok) session.tails.get(stream)?.reached(acknowledged.value);
    return acknowledged;
  }

  async #run(listener: TransportListener): Promise<void> {
    const { self, clock, log } = this.#options;
    let retryMs = RETRY_MS_FIRST;
    while (!this.#stopping.signal.aborted) {
      // Every connection has its own inboxes below the prefix that the hub lets this node listen on.
      const way = { ...this.#options, servers: this.#servers, name: `routerd ${self}`, inboxPrefix: `_INBOX_${self}` };
      const connected = await connectHub(way);
      if (connected.ok) {
        retryMs = RETRY_MS_FIRST;
        // Hubs may have changed while this one was dialled.
        if (this.#servers.includes(connected.value.server)) await this.#serve(connected.value, listener);
        else await connected.value.connection.close();
      } else if (!this.#stopping.signal.aborted) {
        const { code, detail } = connected.error;
        log.warn('no connection to a hub', { event: 'federation.hub.unreachable', code, detail });
        listener.trouble(`${code}: ${detail}`);
      }
      await clock.sleepUntil((clock.monotonic() + retryMs) as Monotonic, this.#stopping.signal);
      if (!connected.ok) retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
    }
  }

  /** Returns when the connection has closed and all that used it has ended. */
  async #serve({ connection, server }: HubConnection, listener: TransportListener): Promise<void> {
    const { group, self: node, clock } = this.#options;
    const client = jetstream(connection);
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: API_TIMEOUT_MS });
    if (this.#stopping.signal.aborted) return connection.close();
    const publisher = new AcknowledgedPublisher({ connection, node, clock, timeoutMs: PUBLISH_TIMEOUT_MS });
    const ends = new AbortController();
    const session: Session = {
      connection,
      server,
      client,
      manager,
      publisher,
      tails: new Map(),
      isOpen: true,
      ended: undefined,
      reading: ends,
    };
    this.#session = session;
    connection.subscribe(heartbeatSubject(group, '*' as NodeName), {
      callback: (fault, message) => {
        if (fault === null && session.isOpen) listener.heartbeat(message.subject, message.data);
      },
    });
    const watching = this.#watch(session, listener);
    listener.connected(connection.getServer());
    const reading = Promise.all([
      this.#keepReading(session, factsStream(group), listener.facts, listener),
      this.#keepReading(session, captureStream(group), listener.captures, listener),
      ...(listener.events === undefined
        ? []
        : [this.#keepReading(session, eventsStream(group), listener.events, listener, this.#eventsRead)]),
      ...(listener.roster === undefined
        ? []
        : [this.#keepReading(session, rosterStream(group), listener.roster, listener)]),
    ]);
    const cause = await connection.closed();
    const wasOpen = session.isOpen;
    session.isOpen = false;
    this.#session = undefined;
    const told = cause instanceof Error ? cause.message : 'the hub closed the connection';
    if (wasOpen) listener.disconnected(session.ended ?? told);
    await Promise.all([reading, watching]);
    return undefined;
  }

  async #keepReading(
    session: Session,
    stream: string,
    inner: LogReader,
    listener: TransportListener,
    from?: ReadPosition,
  ): Promise<void> {
    const { clock, log } = this.#options;
    const { connection, client, manager } = session;
    let retryMs = RETRY_MS_FIRST;
    let absences = 0;
    let standstills = 0;
    while (session.isOpen && !connection.isClosed()) {
      try {
        const reader = whileOpen(session, inner, () => {
          retryMs = RETRY_MS_FIRST;
          standstills = 0;
        });
        await readStream({
          connection,
          client,
          manager,
          stream,
          names: this.#namesFor(stream),
          named: (name) => this.#named.set(stream, name),
          reader,
          clock,
          tails: session.tails,
          signal: session.reading.signal,
          ...(from === undefined ? {} : { from }),
        });
      } catch (cause) {
        if (!session.isOpen || connection.isClosed()) return;
        // The facts speak for all: hubs of an earlier release have not every stream.
        const isOurs = stream === factsStream(this.#options.group) && isAbsent(cause);
        if (isOurs && this.#servers.length > 1) absences += 1;
        // A hub without the streams is not in the group's cluster yet, or not any more: another may have them.
        if (absences > ABSENCES_MAX) return connection.close();
        if (cause instanceof StandstillError) standstills += 1;
        if (standstills >= STANDSTILLS_MAX) return connection.close();
        const detail = `reading ${stream}: ${describe(cause)}`;
        log.warn('stream is read again from its start', { event: 'federation.stream.reread', stream, detail });
        listener.trouble(detail);
        await clock.sleepUntil((clock.monotonic() + retryMs) as Monotonic, this.#stopping.signal);
        retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
      }
    }
  }

  /** The one that was read last comes last: its hub may be the one that is missing. */
  #namesFor(stream: string): readonly string[] {
    const names = consumerNames(this.#options.self);
    const next = names.indexOf(this.#named.get(stream) ?? '') + 1;
    return [...names.slice(next), ...names.slice(0, next)];
  }

  async #watch(session: Session, listener: TransportListener): Promise<void> {
    const { connection } = session;
    for await (const status of connection.status()) {
      if (status.type === 'staleConnection') {
        // The client itself would first wait until all that it has to send has gone out, which a link that swallows everything never lets it.
        session.ended = 'the hub did not answer';
        void connection.close();
      }
      const trouble = troubleOf(status);
      if (trouble === undefined) continue;
      this.#options.log.error('the hub complained', { event: 'federation.hub.error', ...trouble });
      listener.trouble(`${trouble.code}: ${trouble.detail}`);
    }
  }
}

function isAbsent(cause: unknown): boolean {
  return cause instanceof JetStreamApiError && cause.code === JetStreamApiCodes.StreamNotFound;
}

const NOT_CONNECTED = err({ code: 'transport.not-sent', detail: 'not connected to a hub' } as const);

/** Passes on until the session ends, so that nothing of an old connection mixes with a new one. */
function whileOpen(session: Session, reader: LogReader, caughtUp: () => void): LogReader {
  return {
    restarted: () => {
      if (session.isOpen) reader.restarted();
    },
    received: (batch) => {
      if (session.isOpen) reader.received(batch);
    },
    caughtUp: () => {
      if (!session.isOpen) return;
      caughtUp();
      reader.caughtUp();
    },
  };
}

/** A request that the permissions refuse is answered by a time-out only; the reason comes here. */
function troubleOf(status: Status): { readonly code: string; readonly detail: string } | undefined {
  switch (status.type) {
    case 'error': {
      const code = status.error instanceof errors.PermissionViolationError ? 'hub.permission-refused' : 'hub.error';
      return { code, detail: status.error.message };
    }
    case 'slowConsumer':
      return { code: 'hub.slow-consumer', detail: `${status.pending} messages wait in this process` };
    case 'disconnect':
    case 'reconnect':
    case 'reconnecting':
    case 'update':
    case 'ldm':
    case 'ping':
    case 'staleConnection':
    case 'forceReconnect':
    case 'close':
      return undefined;
    default:
      return unreachable(status);
  }
}
