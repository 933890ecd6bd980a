/** Operators' orders that were given through this node. */
import type { OrderStore } from '@routerd/federation';
import type { OperatorOrder } from '@routerd/mobility';
import { decode, encode } from './row-codec.ts';
import type { StateFile } from './state-file.ts';

export function orderStoreOn(file: StateFile): OrderStore {
  const { durable } = file;
  const save = durable.prepare<[string, string]>(
    `INSERT INTO own_orders (subject, operator_order) VALUES (?, ?)
     ON CONFLICT (subject) DO UPDATE SET operator_order = excluded.operator_order`,
  );
  const remove = durable.prepare<[string]>('DELETE FROM own_orders WHERE subject = ?');
  const all = durable.prepare<[], { operator_order: string }>('SELECT operator_order FROM own_orders ORDER BY subject');
  return {
    save: (order) => {
      file.write('durable', () => save.run(order.subject, encode(order)));
    },
    forget: (subject) => {
      file.write('durable', () => remove.run(subject));
    },
    load: () => file.read(() => all.all().map((row) => decode<OperatorOrder>(row.operator_order))),
  };
}
