import { durationMs, instant, type NodeName } from '@routerd/resources';
import { describe, expect, it } from 'vitest';
import type { EventId, EventRow, EventStore, GroupEvent } from '../event.ts';

/** A store that can be opened again, as after a restart; the disk stays. */
export interface EventStoreRig {
  /** Closes what was open before. */
  open(): EventStore;
  close(): void;
}

export function eventStoreContract(name: string, openRig: () => EventStoreRig): void {
  const assertWithRig = (body: (rig: EventStoreRig) => void): void => {
    const rig = openRig();
    try {
      body(rig);
    } finally {
      rig.close();
    }
  };
  const withRig = (behaviour: string, body: (rig: EventStoreRig) => void): void => {
    // oxlint-disable-next-line vitest/valid-title -- the cases bring their titles
    it(behaviour, () => assertWithRig(body));
  };

  describe(`event store: ${name}`, () => {
    withRig('keeps own events in the outbox until they are sent, over a restart, oldest first', (rig) => {
      const store = rig.open();
      for (const number of [1, 2, 3]) store.appendLocal(row(number));
      expect(rig.open().unsent(2)).toEqual([row(1), row(2)]);
      const again = rig.open();
      again.markSent(['event-1', 'unknown']);
      expect(again.unsent(10)).toEqual([row(2), row(3)]);
    });

    withRig('keeps a history in the order of acceptance, each event once, as it first came', (rig) => {
      const store = rig.open();
      store.save([event(2), event(1)]);
      store.appendLocal(row(3));
      store.save([{ ...event(1), subject: 'changed' }, event(3), event(4)]);
      expect(rig.open().load()).toEqual([2, 1, 3, 4].map((number) => event(number)));
    });

    withRig('forgets by age and by count, and not what is still to be sent', (rig) => {
      const store = rig.open();
      store.appendLocal(row(1));
      store.save([2, 3, 4, 5].map((number) => event(number)));
      store.forget({ acceptedBefore: instant(3), keep: 100 });
      expect(store.load().map(({ id }) => id)).toEqual(['event-3', 'event-4', 'event-5']);
      store.forget({ acceptedBefore: instant(0), keep: 1 });
      expect(
        rig
          .open()
          .load()
          .map(({ id }) => id),
      ).toEqual(['event-5']);
      expect(rig.open().unsent(10)).toEqual([row(1)]);
    });
  });
}

function event(number: number): GroupEvent {
  return {
    id: `event-${number}` as EventId,
    group: 'rig',
    sourceNode: 'aws-a' as NodeName,
    type: 'com.example.backup.finished',
    subject: `backup/${number}`,
    dedupeKey: `backup/${number}`,
    payload: { size: '12', 'odd "key"': '' },
    observedAt: instant(number),
    ttl: durationMs(1000),
    acceptedAt: instant(number),
    expiresAt: instant(number + 1000),
  };
}

function row(number: number): EventRow {
  return { event: event(number), wire: `wire ${number}` };
}
