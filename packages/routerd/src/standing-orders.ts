/** Operators' orders in the reconciler: what they touch, who drains by them, and the freezes that this node asks all others to follow. */
import {
  addressOrderOf,
  drainedNodes,
  orderSubjectOf,
  type AddressOrder,
  type AddressPlan,
  type Order,
  type OrderSubject,
} from '@routerd/mobility';
import type { HostAddress, NodeName, PoolName } from '@routerd/resources';
import type { Log } from '@routerd/runtime';
import type { OrderRegistry } from '@routerd/federation';

export interface StandingOrdersPorts {
  readonly log: Log;
  readonly registry: OrderRegistry;
  /** What a freeze of this node is signed with, for people. */
  readonly who: string;
}

export class StandingOrders {
  readonly #ports: StandingOrdersPorts;
  readonly #signal: AbortSignal;
  /** Subjects about which an order of this node is under way. */
  readonly #asking = new Set<OrderSubject>();
  #drained: ReadonlySet<NodeName> | undefined;

  constructor(ports: StandingOrdersPorts, signal: AbortSignal) {
    this.#ports = ports;
    this.#signal = signal;
  }

  /** @param onNews told of addresses about which something new is ordered, or of `nodes` when it is about nodes */
  start(onNews: (news: { readonly orders: readonly Order[]; readonly hasNodes: boolean }) => void): () => void {
    const { registry } = this.#ports;
    return registry.onChange((subjects) => {
      this.#drained = undefined;
      const orders = subjects.flatMap((subject) => registry.orders().get(subject)?.order ?? []);
      onNews({ orders, hasNodes: orders.some((order) => 'node' in order) });
    });
  }

  isDrained(node: NodeName): boolean {
    this.#drained ??= drainedNodes(this.#ports.registry.orders().values());
    return this.#drained.has(node);
  }

  about(pool: PoolName, address: HostAddress): AddressOrder | undefined {
    const subject = orderSubjectOf({ verb: 'release', pool, address });
    return addressOrderOf(this.#ports.registry.orders().get(subject));
  }

  /** Asks all nodes to follow what this one decided alone; what does not get through is wished for again by the next plan. */
  ask(plans: readonly Pick<AddressPlan, 'orderWish'>[]): void {
    for (const { orderWish } of plans) if (orderWish !== undefined) void this.#append(orderWish);
  }

  async #append(order: Order): Promise<void> {
    const subject = orderSubjectOf(order);
    if (this.#asking.has(subject)) return;
    this.#asking.add(subject);
    const { registry, log, who } = this.#ports;
    const why = 'it moved too often';
    const outcome = await registry.append(order, { who, why }, this.#signal);
    this.#asking.delete(subject);
    log.info('address frozen', { event: 'mobility.order.asked', subject, outcome: outcome.kind });
  }
}
