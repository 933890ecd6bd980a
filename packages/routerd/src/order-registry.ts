/** Operators' orders as the reconciler sees them: the same totally ordered log at every node, folded by `foldOrder`. */
import type { OperatorOrder, Order, OrderSubject } from '@routerd/mobility';

export type OrderOutcome =
  | { readonly kind: 'won'; readonly order: OperatorOrder }
  /** Another order about the subject came first; it stands. */
  | { readonly kind: 'lost'; readonly current: OperatorOrder | undefined; readonly because: string }
  /** No answer before the deadline. The order may or may not take effect later; `orders()` will tell. */
  | { readonly kind: 'unreachable'; readonly detail: string };

export interface OrderRegistry {
  /** What stands about each subject, as far as the log was read. Orders are level-triggered: the last one counts until the next. */
  orders(): ReadonlyMap<OrderSubject, OperatorOrder>;
  /** Appends the next version of the order's subject and waits to see it come back. Repeating what stands already is a new version too. */
  append(order: Order, by: { readonly who: string; readonly why: string }, signal: AbortSignal): Promise<OrderOutcome>;
  /** Told which subjects have a new order. @returns stops telling */
  onChange(listener: (subjects: readonly OrderSubject[]) => void): () => void;
}

/** Of a node without a registry of orders: nothing is ordered, and nothing can be. */
export const noOrders: OrderRegistry = {
  orders: () => new Map(),
  append: async () => Promise.resolve({ kind: 'unreachable', detail: 'this node has no registry of orders' }),
  onChange: () => () => undefined,
};
