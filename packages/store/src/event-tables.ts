/** Events of any type: an outbox of own ones, and a history. */
import type { EventStore, GroupEvent } from '@routerd/federation';
import { decode, encode } from './row-codec.ts';
import type { StateFile } from './state-file.ts';

export function eventStoreOn(file: StateFile): EventStore {
  const { durable, relaxed } = file;
  const append = durable.prepare<[string, string, string]>(
    'INSERT INTO event_outbox (id, event, wire) VALUES (?, ?, ?)',
  );
  const remember = 'INSERT INTO event_history (id, accepted_at, event) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING';
  const rememberOwn = durable.prepare<[string, number, string]>(remember);
  const rememberAny = relaxed.prepare<[string, number, string]>(remember);
  const unsent = durable.prepare<[number], { event: string; wire: string }>(
    'SELECT event, wire FROM event_outbox ORDER BY position LIMIT ?',
  );
  const remove = relaxed.prepare<[string]>('DELETE FROM event_outbox WHERE id = ?');
  const history = relaxed.prepare<[], { event: string }>('SELECT event FROM event_history ORDER BY position');
  const forgetOld = relaxed.prepare<[number]>('DELETE FROM event_history WHERE accepted_at < ?');
  const forgetMany = relaxed.prepare<[number]>(
    `DELETE FROM event_history WHERE position <=
       (SELECT position FROM event_history ORDER BY position DESC LIMIT 1 OFFSET ?)`,
  );
  return {
    appendLocal: ({ event, wire }) =>
      file.write('durable', () => {
        append.run(event.id, encode(event), wire);
        rememberOwn.run(event.id, event.acceptedAt, encode(event));
      }),
    unsent: (limit) =>
      file.read(() => unsent.all(limit).map(({ event, wire }) => ({ event: decode<GroupEvent>(event), wire }))),
    markSent: (ids) => {
      if (ids.length > 0) file.write('relaxed', () => ids.forEach((id) => remove.run(id)));
    },
    save: (events) => {
      if (events.length === 0) return;
      file.write('relaxed', () => {
        for (const event of events) rememberAny.run(event.id, event.acceptedAt, encode(event));
      });
    },
    load: () => file.read(() => history.all().map(({ event }) => decode<GroupEvent>(event))),
    forget: ({ acceptedBefore, keep }) => {
      file.write('relaxed', () => {
        forgetOld.run(acceptedBefore);
        forgetMany.run(keep);
      });
    },
  };
}
