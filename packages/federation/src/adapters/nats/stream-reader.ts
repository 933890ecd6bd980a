/** Reads one stream from its start to its end and onwards, for as long as the connection lasts. */
import {
  AckPolicy,
  DeliverPolicy,
  type Consumer,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/transport-node';
import type { Clock } from '@routerd/runtime';
import type { LogMessage, LogReader } from '../../transport.ts';
import { firstAnswer, SILENCE_MS } from './ask-hubs.ts';
import { clearPlace, type ClearedPlace } from './place-consumer.ts';
import { TailWatch, type StreamEnds } from './tail-watch.ts';

/** Messages of one pull. A pull ends when it got as many, and the next is asked for: a round trip, of which a newcomer feels each. */
const PULL_MESSAGES = 4000;
const PULL_EXPIRES_MS = 30_000;
/** While messages flow nats-server 2.9 does not always tell that a pull has expired: so long after it is over all the same. */
const PULL_OVERDUE_MS = 250;
/** Two missed ones end the pull with an error: a consumer that died is noticed after 4 s. */
const PULL_HEARTBEAT_MS = 2000;
/** About as many as fit in an election. */
const INFO_QUESTIONS = 8;
/** A consumer that nobody pulls from is removed by the hub after this. */
const CONSUMER_IDLE_MS = 30_000;

export interface StreamReaderOptions {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly stream: string;
  /** `consumerNames`, in the order in which they are tried. */
  readonly names: readonly string[];
  /** Told the name under which this reading has its consumer. */
  readonly named: (name: string) => void;
  readonly reader: LogReader;
  readonly clock: Clock;
  /** Of each stream that is being read: who knows how far its log goes tells it there. */
  readonly tails: Map<string, Pick<TailWatch, 'reached'>>;
  /** Ends the reading, in order, as the end of the connection does. */
  readonly signal: AbortSignal;
  /** Where to go on; moved as reading goes on. From the start without it, or when the stream is another than it was. */
  readonly from?: ReadPosition;
}

export interface ReadPosition {
  /** When the stream was created: one that was lost and made anew counts from 1 again. */
  log: string;
  sequence: number;
}

/** The copy of the stream that is read lacks what the log has: another consumer may be given another hub's. */
export class StandstillError extends Error {
  override readonly name = 'StandstillError';
}

/**
 * One reading: returns when the connection closes, on `signal`, or when a newer reading of this node took the consumer away, throws what the client
 * threw, or a `StandstillError`. Whoever calls it again starts from the beginning of the stream, which is short: it keeps the last states only. The
 * stream of events is a history, and is read on with `from`.
 *
 * Pulls, not `consume()`: an ordered consumer's own recovery took long to notice a link that swallows everything.
 */
export async function readStream(options: StreamReaderOptions): Promise<void> {
  const { connection, client, manager, stream, reader, signal, from, clock, tails } = options;
  reader.restarted();
  const { info, place } = await openStream(options);
  // A stream that ends before the position has lost something, and is read whole.
  if (from !== undefined && (from.log !== info.created || from.sequence > info.state.last_seq)) {
    Object.assign(from, { log: info.created, sequence: 0 });
  }
  const created = await place.make({
    ack_policy: AckPolicy.None,
    ...(from === undefined || from.sequence === 0
      ? { deliver_policy: DeliverPolicy.All }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from.sequence + 1 }),
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: nanos(CONSUMER_IDLE_MS),
  });
  options.named(created.name);
  const position = from?.sequence ?? 0;
  const tail = new TailWatch({
    clock,
    created: info.created,
    position,
    ask: async () => endsOf(manager, stream, created.name),
  });
  // The last message of a stream is the newest of its subject and so is never displaced by a limit per subject. Whether the consumer's hub has
  // it is not asked here: it may have an empty copy.
  let missing = info.state.messages > 0 && info.state.last_seq > position ? info.state.last_seq : 0;
  const foundEnd = (): void => {
    if (missing === 0) return;
    missing = 0;
    reader.caughtUp();
  };
  const deliver = (batch: readonly LogMessage[]): void => {
    reader.received(batch);
    const last = batch.at(-1)?.sequence ?? 0;
    if (from !== undefined) from.sequence = last;
    tail.read(last);
    if (last >= missing) foundEnd();
  };
  if (missing === 0) reader.caughtUp();
  else tail.reached(missing);
  const reading = new AbortController();
  const ended = AbortSignal.any([signal, reading.signal]);
  tails.set(stream, tail);
  const watching = tail.run(foundEnd, ended).finally(() => reading.abort());
  const consumer = client.consumers.getConsumerFromInfo(created);
  try {
    let delivered = 0;
    while (!connection.isClosed() && !ended.aborted) delivered = await readPull(consumer, delivered, deliver, ended);
  } finally {
    reading.abort();
    tails.delete(stream);
  }
  const standstill = await watching;
  if (standstill !== undefined) throw new StandstillError(standstill);
}

/** While hubs elect one that orders the stream nobody answers, and what they were told meanwhile they may not have heard. */
async function openStream({ manager, stream, names, clock }: StreamReaderOptions): Promise<OpenStream> {
  const clear = (): ClearedPlace => clearPlace({ manager, stream, names, clock });
  const began = clock.monotonic();
  const place = clear();
  const ask = async (): Promise<StreamInfo> => manager.streams.info(stream);
  const info = await firstAnswer(
    Array.from({ length: INFO_QUESTIONS }, () => ask),
    clock,
  );
  return { info, place: clock.monotonic() - began < SILENCE_MS ? place : clear() };
}

interface OpenStream {
  readonly info: StreamInfo;
  readonly place: ClearedPlace;
}

/** The hub that orders the stream says where it ends, the hub whose copy is read what it has sent of it. */
async function endsOf(manager: JetStreamManager, stream: string, consumer: string): Promise<StreamEnds | undefined> {
  try {
    const [info, reading] = await Promise.all([manager.streams.info(stream), manager.consumers.info(stream, consumer)]);
    return {
      leader: info.cluster?.leader,
      lastSequence: info.state.last_seq,
      messages: info.state.messages,
      created: info.created,
      servedBy: reading.cluster?.leader,
      sentSequence: reading.delivered.stream_seq,
      unsent: reading.num_pending,
    };
  } catch {
    // Whether the consumer is gone, or its hub, the pull itself tells.
    return undefined;
  }
}

/** @returns how many messages the consumer has delivered since it was made */
async function readPull(
  consumer: Consumer,
  deliveredBefore: number,
  deliver: (batch: readonly LogMessage[]) => void,
  signal: AbortSignal,
): Promise<number> {
  let delivered = deliveredBefore;
  const messages = await consumer.fetch({
    max_messages: PULL_MESSAGES,
    expires: PULL_EXPIRES_MS,
    idle_heartbeat: PULL_HEARTBEAT_MS,
  });
  const end = (): void => messages.stop();
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  const overdue = setTimeout(end, PULL_EXPIRES_MS + PULL_OVERDUE_MS);
  const batch: LogMessage[] = [];
  const handOn = (): void => {
    if (batch.length > 0) deliver(batch.splice(0));
  };
  try {
    for await (const message of messages) {
      delivered += 1;
      if (message.info.deliverySequence !== delivered)
        throw new Error(`gap: delivery ${message.info.deliverySequence} where ${delivered} was due`);
      // What came with one read of the socket is handed on together, right after that read.
      if (batch.length === 0) setImmediate(handOn);
      batch.push(logMessageOf(message));
    }
    return delivered;
  } finally {
    // Nothing of this reading may come after the next has begun.
    handOn();
    clearTimeout(overdue);
    signal.removeEventListener('abort', end);
  }
}

function logMessageOf(message: JsMsg): LogMessage {
  return { sequence: message.info.streamSequence, subject: message.subject, data: message.data };
}
