/** Somebody at a terminal: gives orders through a node that answers, and repeats what was not confirmed. */
import type { Order } from '@routerd/mobility';
import type { NodeName } from '@routerd/resources';
import type { Machine } from './machine.ts';
import type { VirtualTime } from './virtual-time.ts';

const AGAIN_AFTER_MS = 2000;
const PATIENCE_MS = 8000;
const BY = { who: 'operator', why: 'the story says so' };

export class Operator {
  readonly #time: VirtualTime;
  readonly #machines: ReadonlyMap<string, Machine>;
  /** What is to be so for each node in the end; an order that was overtaken is not repeated. */
  readonly #wanted = new Map<string, Order['verb']>();
  /** Nodes whose drain may stand in the registry. */
  readonly #drained = new Set<string>();

  constructor(time: VirtualTime, machines: ReadonlyMap<string, Machine>) {
    this.#time = time;
    this.#machines = machines;
  }

  drain(node: string): void {
    this.#drained.add(node);
    void this.#insist({ verb: 'drain', node: node as NodeName }, node);
  }

  undrain(node: string): void {
    void this.#insist({ verb: 'undrain', node: node as NodeName }, node);
  }

  /** Takes back every order that may stand, also those that came back with a hub that lost data, and releases what froze by itself. */
  async tidyUp(): Promise<void> {
    for (const node of this.#drained) this.undrain(node);
    for (let round = 0; round < 5; round += 1) {
      await this.#time.sleep(AGAIN_AFTER_MS);
      const frozen = new Map<string, Order>();
      for (const machine of this.#machines.values())
        for (const order of releasesOf(machine)) frozen.set(order.address, order);
      for (const [address, order] of frozen) void this.#insist(order, address);
    }
  }

  async #insist(order: Order, about: string): Promise<void> {
    this.#wanted.set(about, order.verb);
    while (this.#wanted.get(about) === order.verb) {
      const running = [...this.#machines.values()].find(
        (machine) => machine.running?.node.federation.status().connected,
      );
      const answer = running?.running?.node.federation.orders.append(order, BY, new AbortController().signal);
      // A node that dies meanwhile never answers.
      const outcome = await Promise.race([answer, this.#time.sleep(PATIENCE_MS)]);
      if (outcome?.kind === 'won') return;
      await this.#time.sleep(AGAIN_AFTER_MS);
    }
  }
}

type Release = Extract<Order, { readonly verb: 'release' }>;

function releasesOf({ running }: Machine): readonly Release[] {
  return (running?.node.reconciler.pools ?? []).flatMap((pool) =>
    [...pool.plans()]
      .filter(({ lease }) => lease?.status === 'frozen')
      .map(({ address }) => ({ verb: 'release' as const, pool: pool.context.name, address })),
  );
}
