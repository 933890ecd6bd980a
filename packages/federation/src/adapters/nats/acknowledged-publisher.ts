/**
 * Publishes to streams and finds the hub's answer to each: what the client's own `publish` does, without an error, a timer and a race of promises
 * for each message. Facts come by the thousand, and those were a third of what sending one cost.
 */
import { createInbox, headers, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { err, ok, type Monotonic, type NodeName, type Result } from '@routerd/resources';
import { Alarm, type Clock } from '@routerd/runtime';
import { z } from 'zod';
import type { OutgoingMessage, TransportFault } from '../../transport.ts';
import { parseWire } from '../../wire/bounded-json.ts';
import { describe } from './connect-hub.ts';

/** Of the connection's parts those that publishing needs. */
export type PublishingConnection = Pick<NatsConnection, 'publish' | 'subscribe' | 'closed'>;

export interface AcknowledgedPublisherOptions {
  readonly connection: PublishingConnection;
  readonly node: NodeName;
  readonly clock: Clock;
  /** How long an answer is waited for. */
  readonly timeoutMs: number;
}

interface Waiting {
  readonly deadline: Monotonic;
  readonly resolve: (answer: Result<number, TransportFault>) => void;
}

/** ADR-1 of JetStream: `{stream, seq, duplicate}`, or an error that says that nothing was stored. */
const answerForm = z.object({
  stream: z.string().optional(),
  seq: z.number().int().optional(),
  error: z.object({ description: z.string().default('no reason was given') }).optional(),
});
/** Status of an answer that nobody but the hub itself gives: no stream takes the subject now. */
const NO_RESPONDERS = 503;

/** Ends with its connection: what then waits is unanswered. */
export class AcknowledgedPublisher {
  readonly #options: AcknowledgedPublisherOptions;
  readonly #inbox: string;
  /** By the last token of the inbox. All wait equally long, so the first is due first. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #alarm: Alarm;
  #count = 0;

  constructor(options: AcknowledgedPublisherOptions) {
    this.#options = options;
    const { connection, node, clock } = options;
    this.#inbox = createInbox(`_INBOX_${node}`);
    this.#alarm = new Alarm(clock, () => this.#giveUp(clock.monotonic()));
    connection.subscribe(`${this.#inbox}.*`, {
      callback: (fault, message) => {
        if (fault === null) this.#answered(message);
      },
    });
    void connection.closed().then(() => this.#giveUp(Number.POSITIVE_INFINITY as Monotonic));
  }

  /** @param stream that is to take it: whoever else listened on the subject could answer too, and is refused by its name */
  async publish({ subject, id, text }: OutgoingMessage, stream: string): Promise<Result<number, TransportFault>> {
    const { connection, clock, timeoutMs } = this.#options;
    const token = String((this.#count += 1));
    const head = headers();
    head.set('Nats-Msg-Id', id);
    head.set('Nats-Expected-Stream', stream);
    try {
      connection.publish(subject, text, { reply: `${this.#inbox}.${token}`, headers: head });
    } catch (cause) {
      return err({ code: 'transport.not-sent', detail: describe(cause) });
    }
    const { promise, resolve } = Promise.withResolvers<Result<number, TransportFault>>();
    const deadline = (clock.monotonic() + timeoutMs) as Monotonic;
    if (this.#waiting.size === 0) this.#alarm.set(deadline);
    this.#waiting.set(token, { deadline, resolve });
    return promise;
  }

  #answered({ subject, data, headers: head }: Msg): void {
    const token = subject.slice(this.#inbox.length + 1);
    const waiting = this.#waiting.get(token);
    this.#waiting.delete(token);
    waiting?.resolve(head?.code === NO_RESPONDERS ? unanswered('no stream takes it now') : answerOf(data));
  }

  /** The oldest come first; the next that is due is waited for. */
  #giveUp(now: Monotonic): void {
    for (const [token, { deadline, resolve }] of this.#waiting) {
      if (deadline > now) return this.#alarm.set(deadline);
      this.#waiting.delete(token);
      resolve(unanswered(now === Number.POSITIVE_INFINITY ? 'the connection closed' : 'timeout'));
    }
    return this.#alarm.set(undefined);
  }
}

function answerOf(data: Uint8Array): Result<number, TransportFault> {
  const answer = parseWire(data, answerForm);
  if (!answer.ok) return unanswered(`not an answer of a stream: ${answer.error.detail}`);
  const { stream = '', seq, error } = answer.value;
  if (error !== undefined) return err({ code: 'transport.refused', detail: error.description });
  return stream === '' || seq === undefined ? unanswered('an answer without a sequence') : ok(seq);
}

function unanswered(detail: string): Result<never, TransportFault> {
  return err({ code: 'transport.unanswered', detail });
}
