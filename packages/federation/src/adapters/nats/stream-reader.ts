/** Reads one stream from its start to its end and onwards, for as long as the connection lasts. */
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type Consumer,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
} from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/transport-node';
import type { LogMessage, LogReader } from '../../transport.ts';

/** Messages of one pull. A pull ends when it got as many, and the next is asked for: a round trip, of which a newcomer feels each. */
const PULL_MESSAGES = 4000;
const PULL_EXPIRES_MS = 30_000;
/** While messages are known to be there, none for so long is a fault. */
const BEHIND_EXPIRES_MS = 5000;
/** Two missed ones end the pull with an error: a consumer that died is noticed after 4 s. */
const PULL_HEARTBEAT_MS = 2000;
/** A consumer that nobody pulls from is removed by the hub after this. */
const CONSUMER_IDLE_MS = 30_000;

export interface StreamReaderOptions {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly stream: string;
  /** Of the consumer, one of `consumerNames`: the hub's permissions allow a node no other. */
  readonly consumer: string;
  readonly reader: LogReader;
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

/**
 * One reading: returns when the connection closes, on `signal`, or when a newer reading of this node took the consumer away, throws what the client
 * threw. Whoever calls it again starts from the beginning of the stream, which is short: it keeps the last states only. The stream of events is
 * a history, and is read on with `from`.
 *
 * Pulls, not `consume()`: an ordered consumer's own recovery took long to notice a link that swallows everything.
 */
export async function readStream(options: StreamReaderOptions): Promise<void> {
  const { connection, client, manager, stream, consumer: name, reader, signal, from } = options;
  reader.restarted();
  const [info] = await Promise.all([manager.streams.info(stream), removeConsumer(manager, stream, name)]);
  // A stream that ends before the position has lost something, and is read whole.
  if (from !== undefined && (from.log !== info.created || from.sequence > info.state.last_seq)) {
    Object.assign(from, { log: info.created, sequence: 0 });
  }
  const created = await manager.consumers.add(stream, {
    name,
    ack_policy: AckPolicy.None,
    ...(from === undefined || from.sequence === 0
      ? { deliver_policy: DeliverPolicy.All }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from.sequence + 1 }),
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: nanos(CONSUMER_IDLE_MS),
  });
  const consumer = client.consumers.getConsumerFromInfo(created);
  // The last message of a stream is the newest of its subject and so is never displaced by a limit per subject.
  let missing = info.state.messages > 0 && created.num_pending > 0 ? info.state.last_seq : 0;
  if (missing === 0) reader.caughtUp();
  const deliver = (batch: readonly LogMessage[]): void => {
    reader.received(batch);
    if (from !== undefined) from.sequence = batch.at(-1)?.sequence ?? from.sequence;
    if (missing === 0 || (batch.at(-1)?.sequence ?? 0) < missing) return;
    missing = 0;
    reader.caughtUp();
  };
  let delivered = 0;
  const isOver = (): boolean => connection.isClosed() || signal.aborted;
  while (!isOver()) {
    const before = delivered;
    const isBehind = missing > 0;
    delivered = await readPull(consumer, delivered, deliver, {
      signal,
      expires: isBehind ? BEHIND_EXPIRES_MS : PULL_EXPIRES_MS,
    });
    // The consumer is in the care of a hub whose copy of the stream stands still; another may be given to another hub.
    if (isBehind && delivered === before && !isOver())
      throw new Error(`nothing came in ${BEHIND_EXPIRES_MS} ms, and ${missing} is not read yet`);
  }
}

/** @returns how many messages the consumer has delivered since it was made */
async function readPull(
  consumer: Consumer,
  deliveredBefore: number,
  deliver: (batch: readonly LogMessage[]) => void,
  { signal, expires }: { readonly signal: AbortSignal; readonly expires: number },
): Promise<number> {
  let delivered = deliveredBefore;
  const messages = await consumer.fetch({
    max_messages: PULL_MESSAGES,
    expires,
    idle_heartbeat: PULL_HEARTBEAT_MS,
  });
  const end = (): void => messages.stop();
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  const batch: LogMessage[] = [];
  const handOn = (): void => deliver(batch.splice(0));
  for await (const message of messages) {
    delivered += 1;
    if (message.info.deliverySequence !== delivered) {
      throw new Error(`gap: delivery ${message.info.deliverySequence} where ${delivered} was due`);
    }
    // What came with one read of the socket is handed on together, right after that read.
    if (batch.length === 0) setImmediate(handOn);
    batch.push(logMessageOf(message));
  }
  signal.removeEventListener('abort', end);
  return delivered;
}

function logMessageOf(message: JsMsg): LogMessage {
  return { sequence: message.info.streamSequence, subject: message.subject, data: message.data };
}

/** An earlier connection's consumer may still be there, with another position. */
async function removeConsumer(manager: JetStreamManager, stream: string, name: string): Promise<void> {
  try {
    await manager.consumers.delete(stream, name);
  } catch (cause) {
    const isAbsent = cause instanceof JetStreamApiError && cause.code === JetStreamApiCodes.ConsumerNotFound;
    if (!isAbsent) throw cause;
  }
}
