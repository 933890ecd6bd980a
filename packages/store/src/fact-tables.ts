/** Outbox, accepted facts and high-water marks. */
import type { AcceptedFact, Fact, FactStore, HighWaterStore } from '@routerd/federation';
import type { CaptureEpoch, CaptureKey } from '@routerd/mobility';
import { decode, encodeAsIs } from './row-codec.ts';
import type { StateFile } from './state-file.ts';

export function factStoreOn(file: StateFile): FactStore {
  const { durable, relaxed } = file;
  /** Takes `count` sequences at once. @returns the last of them */
  const nextSequence = durable.prepare<[{ above: number; count: number }], { value: number }>(
    `INSERT INTO meta (key, value) VALUES ('outbox.sequence', $above + $count)
     ON CONFLICT (key) DO UPDATE SET value = max(value, $above) + $count RETURNING value`,
  );
  const insert = durable.prepare<[number, string, string, string]>(
    'INSERT INTO outbox (sequence, id, fact, wire) VALUES (?, ?, ?, ?)',
  );
  const unsent = durable.prepare<[number, number], { fact: string; wire: string }>(
    'SELECT fact, wire FROM outbox WHERE sequence > ? ORDER BY sequence LIMIT ?',
  );
  const depth = durable.prepare<[], { depth: number }>('SELECT count(*) AS depth FROM outbox');
  const remove = relaxed.prepare<[string]>('DELETE FROM outbox WHERE id = ?');
  const accept = relaxed.prepare<[string, string, string]>(
    `INSERT INTO accepted_facts (source, address, accepted) VALUES (?, ?, ?)
     ON CONFLICT (source, address) DO UPDATE SET accepted = excluded.accepted`,
  );
  const accepted = relaxed.prepare<[], { accepted: string }>(
    'SELECT accepted FROM accepted_facts ORDER BY source, address',
  );
  return {
    appendLocal: (make, above) =>
      file.write('durable', () => {
        const sequence = nextSequence.get({ above, count: 1 })?.value ?? above + 1;
        const { fact, wire } = make(sequence);
        insert.run(sequence, fact.id, encodeAsIs(fact), wire);
        return fact;
      }),
    appendLocalAll: (count, make, above) =>
      file.write('durable', () => {
        const last = nextSequence.get({ above, count })?.value ?? above + count;
        const sequences = Array.from({ length: count }, (_, index) => last - count + 1 + index);
        const rows = make(sequences);
        for (const [index, { fact, wire }] of rows.entries()) {
          insert.run(sequences[index] ?? fact.sequence, fact.id, encodeAsIs(fact), wire);
        }
        return rows.map(({ fact }) => fact);
      }),
    unsent: (limit, after = 0) =>
      file.read(() => unsent.all(after, limit).map(({ fact, wire }) => ({ fact: decode<Fact>(fact), wire }))),
    // Relaxed: a fact that comes back after a power cut is published twice, and that is harmless by its id.
    markSent: (ids) => {
      if (ids.length > 0) file.write('relaxed', () => ids.forEach((id) => remove.run(id)));
    },
    outboxDepth: () => file.read(() => depth.get()?.depth ?? 0),
    saveAccepted: (facts) => {
      if (facts.length === 0) return;
      file.write('relaxed', () => {
        for (const each of facts) accept.run(each.fact.source, each.fact.address, encodeAsIs(each));
      });
    },
    loadAccepted: () => file.read(() => accepted.all().map((row) => decode<AcceptedFact>(row.accepted))),
  };
}

/** Kept in memory as well: `epochOf` is asked of every address that is planned. */
export function highWaterStoreOn(file: StateFile): HighWaterStore {
  const { durable } = file;
  const raise = durable.prepare<[string, number]>(
    `INSERT INTO high_water (key, epoch) VALUES (?, ?)
     ON CONFLICT (key) DO UPDATE SET epoch = excluded.epoch WHERE excluded.epoch > epoch`,
  );
  const rows = durable.prepare<[], { key: CaptureKey; epoch: CaptureEpoch }>('SELECT key, epoch FROM high_water').all();
  const marks = new Map(rows.map(({ key, epoch }) => [key, epoch]));
  let shown: ReadonlyMap<CaptureKey, CaptureEpoch> | undefined;
  return {
    raise: (raised) => {
      const higher = raised.filter(({ key, epoch }) => epoch > (marks.get(key) ?? 0));
      if (higher.length === 0) return;
      file.write('durable', () => higher.forEach(({ key, epoch }) => raise.run(key, epoch)));
      for (const { key, epoch } of higher) if (epoch > (marks.get(key) ?? 0)) marks.set(key, epoch);
      shown = undefined;
    },
    all: () => (shown ??= new Map(marks)),
    epochOf: (key) => marks.get(key),
  };
}
