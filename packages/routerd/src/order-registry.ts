/** Operators' orders as the reconciler sees them; federation carries them. */
import type { OrderRegistry } from '@routerd/federation';

export type { OrderOutcome, OrderRegistry } from '@routerd/federation';

/** Of a node without a registry of orders: nothing is ordered, and nothing can be. */
export const noOrders: OrderRegistry = {
  orders: () => new Map(),
  append: async () => Promise.resolve({ kind: 'unreachable', detail: 'this node has no registry of orders' }),
  onChange: () => () => undefined,
};
