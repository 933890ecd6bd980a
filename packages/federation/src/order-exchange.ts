/** The OrderRegistry over a transport: operators' orders, in the log of captures and by its rules. */
import {
  foldOrder,
  orderSubjectOf,
  type ClaimId,
  type OperatorOrder,
  type Order,
  type OrderSubject,
  type OrderVersion,
} from '@routerd/mobility';
import { durationMs } from '@routerd/resources';
import type { Log } from '@routerd/runtime';
import type { FederationConfig, FederationPorts, RandomBytes } from './federation-config.ts';
import { Listeners } from './listeners.ts';
import { PendingAppends, unreachable, type Prepared } from './pending-appends.ts';
import type { OrderOutcome, OrderRegistry } from './ports.ts';
import type { Refusals } from './refusals.ts';
import { orderSubject, parseOrderSubject } from './subjects.ts';
import type { LogMessage, LogReader, OutgoingMessage, Transport } from './transport.ts';
import { encodeOrder, parseOrder } from './wire/order-wire.ts';
import type { Trouble } from './troubles.ts';

const APPEND_DEADLINE = durationMs(5000);

export interface OrderExchangeOptions {
  readonly config: FederationConfig;
  readonly ports: Pick<FederationPorts, 'clock' | 'orderStore'>;
  readonly log: Log;
  readonly random: RandomBytes;
  readonly transport: Pick<Transport, 'appendCapture' | 'captureTail'>;
  readonly refusals: Refusals;
  /** With appending orders, and with keeping this node's own. */
  readonly trouble: Trouble;
  readonly keepingTrouble: Trouble;
}

/**
 * A hub that lost its disk has forgotten orders: whoever wrote one that stood writes it again, as long as nothing newer stands. For that a node
 * keeps its own on its disk.
 */
export class OrderExchange implements OrderRegistry, LogReader {
  readonly #options: OrderExchangeOptions;
  readonly #listeners = new Listeners<readonly OrderSubject[]>();
  readonly #appends: PendingAppends<OrderSubject, OrderOutcome>;
  /** Orders of this node that stood when they were last seen. */
  readonly #own: Map<OrderSubject, OperatorOrder>;
  #standing = new Map<OrderSubject, OperatorOrder>();
  #rebuilding: Map<OrderSubject, OperatorOrder> | undefined;
  #claims = new Map<string, OrderSubject>();
  #position = 0;

  constructor(options: OrderExchangeOptions) {
    this.#options = options;
    const { config, ports, transport, trouble } = options;
    this.#own = new Map(ports.orderStore?.load().map((order) => [order.subject, order]));
    const deadline = config.appendDeadline ?? APPEND_DEADLINE;
    this.#appends = new PendingAppends({
      clock: ports.clock,
      deadline,
      transport,
      trouble,
      position: () => this.#position,
    });
  }

  orders(): ReadonlyMap<OrderSubject, OperatorOrder> {
    return this.#standing;
  }

  onChange(listener: (subjects: readonly OrderSubject[]) => void): () => void {
    return this.#listeners.add(listener);
  }

  async append(
    order: Order,
    by: { readonly who: string; readonly why: string },
    signal: AbortSignal,
  ): Promise<OrderOutcome> {
    const key = orderSubjectOf(order);
    const [outcome] = await this.#appends.append([{ key, prepare: () => this.#prepare(order, by) }], signal);
    return outcome ?? unreachable('nothing was appended');
  }

  disconnected(): void {
    this.#appends.interrupted();
  }

  restarted(): void {
    this.#appends.interrupted();
    this.#rebuilding = new Map();
    this.#claims = new Map();
    this.#position = 0;
  }

  received(batch: readonly LogMessage[]): void {
    const into = this.#rebuilding ?? this.#standing;
    const changed = new Set<OrderSubject>();
    const settled: (() => void)[] = [];
    for (const message of batch) {
      this.#position = message.sequence;
      const next = this.#parse(message);
      if (next === undefined) continue;
      this.#claims.set(next.claim, next.subject);
      const folded = foldOrder(into.get(next.subject), next);
      if (folded.kind === 'accepted') {
        into.set(next.subject, next);
        changed.add(next.subject);
      }
      if (this.#rebuilding === undefined) settled.push(() => this.#settle(next, folded));
    }
    if (this.#rebuilding === undefined && changed.size > 0) {
      this.#remember(changed);
      this.#listeners.tell([...changed]);
    }
    for (const settle of settled) settle();
    this.#appends.advanced();
  }

  caughtUp(): void {
    const [before, now] = [this.#standing, this.#rebuilding ?? this.#standing];
    this.#rebuilding = undefined;
    this.#standing = now;
    const changed = [...new Set([...before.keys(), ...now.keys()])].filter(
      (subject) => before.get(subject)?.claim !== now.get(subject)?.claim,
    );
    if (changed.length > 0) this.#listeners.tell(changed);
    const standing = new Map<string, OperatorOrder>([...now.values()].map((order) => [order.claim, order]));
    for (const claim of this.#appends.waiting()) {
      const subject = this.#claims.get(claim);
      if (subject === undefined) continue;
      const order = standing.get(claim);
      // If another follows it, whether it ever stood no longer matters.
      const lost = { kind: 'lost', current: now.get(subject), because: 'another order stands' } as const;
      this.#appends.settle(subject, claim, order === undefined ? lost : { kind: 'won', order });
    }
    this.#appends.caughtUp(new Set(this.#claims.keys()));
    this.#remember(now.keys());
    this.#writeAgain();
  }

  /** Not waited for: what does not get through is looked at again by the next reading. */
  #writeAgain(): void {
    const { log, transport } = this.#options;
    for (const [subject, order] of this.#own) {
      if ((this.#standing.get(subject)?.version ?? 0) >= order.version) continue;
      const event = 'federation.order.republished';
      log.warn('the hub lacks an order that was written here, writing it again', { event, subject });
      void transport.appendCapture(this.#messageOf(order));
    }
  }

  /** Another's order that followed ours is the other's to repeat. */
  #remember(subjects: Iterable<OrderSubject>): void {
    const { config, ports, log, keepingTrouble } = this.#options;
    try {
      for (const subject of subjects) {
        const [order, own] = [this.#standing.get(subject), this.#own.get(subject)];
        if (order === undefined || order.version < (own?.version ?? 0) || order.claim === own?.claim) continue;
        if (order.writer === config.self) {
          this.#own.set(subject, order);
          ports.orderStore?.save(order);
        } else if (this.#own.delete(subject)) ports.orderStore?.forget(subject);
      }
      keepingTrouble(undefined);
    } catch (cause) {
      const detail = `keeping own orders: ${cause instanceof Error ? cause.message : String(cause)}`;
      log.error('own orders not kept', { event: 'federation.order.not-kept', detail });
      keepingTrouble(detail);
    }
  }

  #prepare(order: Order, { who, why }: { readonly who: string; readonly why: string }): Prepared<OrderOutcome> {
    const { config, ports, random } = this.#options;
    const subject = orderSubjectOf(order);
    const version = ((this.#standing.get(subject)?.version ?? 0) + 1) as OrderVersion;
    const claim = Buffer.from(random(16)).toString('hex') as ClaimId;
    const when = ports.clock.now();
    return {
      kind: 'write',
      message: this.#messageOf({ subject, version, order, who, why, when, writer: config.self, claim }),
    };
  }

  #messageOf(order: OperatorOrder): OutgoingMessage {
    const { group, self } = this.#options.config;
    return { subject: orderSubject(group, self, order.subject), id: order.claim, text: encodeOrder(order) };
  }

  #settle(next: OperatorOrder, folded: ReturnType<typeof foldOrder>): void {
    const outcome: OrderOutcome =
      folded.kind === 'accepted'
        ? { kind: 'won', order: next }
        : { kind: 'lost', current: this.#standing.get(next.subject), because: folded.because };
    this.#appends.settle(next.subject, next.claim, outcome);
  }

  #parse({ subject, data }: LogMessage): OperatorOrder | undefined {
    const { config, refusals } = this.#options;
    const source = parseOrderSubject(config.group, subject);
    if (source === undefined) return undefined; // a capture record
    const parsed = parseOrder(data);
    if (!parsed.ok) {
      refusals.add({ reason: 'order.malformed', source, detail: `${parsed.error.code}: ${parsed.error.detail}` });
      return undefined;
    }
    const order = parsed.value;
    if (order.writer !== source || orderSubject(config.group, source, order.subject) !== subject) {
      const detail = `${order.subject} of ${order.writer} on ${subject}`;
      refusals.add({ reason: 'order.wrong-subject', source, detail });
      return undefined;
    }
    return order;
  }
}
