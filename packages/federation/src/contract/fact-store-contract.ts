import { describe, expect, it } from 'vitest';
import { durationMs, instant, type NodeName, type PoolName, type SiteName } from '@routerd/resources';
import type { AcceptedFact, Fact, FactRow, FactStore } from '../ports.ts';
import { address } from './federation-rig.ts';

/** A store that can be opened again, as after a restart; the disk stays. */
export interface FactStoreRig {
  /** Closes what was open before. */
  open(): FactStore;
  close(): void;
}

export function factStoreContract(name: string, openRig: () => FactStoreRig): void {
  const assertWithRig = (body: (rig: FactStoreRig) => void): void => {
    const rig = openRig();
    try {
      body(rig);
    } finally {
      rig.close();
    }
  };
  const withRig: WithRig = (behaviour, body) => {
    // oxlint-disable-next-line vitest/valid-title -- the cases bring their titles
    it(behaviour, () => assertWithRig(body));
  };

  describe(`fact store: ${name}`, () => {
    outboxCases(withRig);
    acceptedCases(withRig);
  });
}

type WithRig = (behaviour: string, body: (rig: FactStoreRig) => void) => void;

function outboxCases(withRig: WithRig): void {
  withRig('gives each local fact the next sequence, first 1', (rig) => {
    const store = rig.open();
    expect([1, 2, 3].map((last) => append(store, last).sequence)).toEqual([1, 2, 3]);
  });

  withRig('goes on above a sequence that it is told of', (rig) => {
    const store = rig.open();
    append(store, 1);
    expect(append(store, 2, 500).sequence).toBe(501);
    expect(append(store, 3).sequence).toBe(502);
  });

  withRig('goes on after a restart, also when everything was sent', (rig) => {
    const store = rig.open();
    store.markSent([append(store, 1).id, append(store, 2, 40).id]);
    const again = rig.open();
    expect(again.unsent(10)).toEqual([]);
    expect(append(again, 3).sequence).toBe(42);
  });

  withRig('takes several facts together, all or none, with sequences that grow', (rig) => {
    const store = rig.open();
    if (store.appendLocalAll === undefined) return;
    append(store, 1);
    const rows = (sequences: readonly number[]) => sequences.map((sequence) => rowOf(sequence, sequence));
    const facts = store.appendLocalAll(3, rows, 10);
    expect(facts.map(({ sequence }) => sequence)).toEqual([11, 12, 13]);
    const fail = (): never => {
      throw new Error('no');
    };
    expect(() => store.appendLocalAll?.(2, fail, 0)).toThrow('no');
    expect(
      rig
        .open()
        .unsent(10)
        .map(({ fact }) => fact.sequence),
    ).toEqual([1, 11, 12, 13]);
    expect(append(rig.open(), 4).sequence).toBeGreaterThan(13);
  });

  withRig('keeps what is unsent over a restart, oldest first, with its text', (rig) => {
    const store = rig.open();
    const facts = [1, 2, 3].map((last) => append(store, last));
    store.markSent([facts[1]?.id ?? '']);
    const again = rig.open();
    const kept = [facts[0], facts[2]].map((fact) => ({ fact, wire: `wire of ${fact?.id}` }));
    expect(again.unsent(10)).toEqual(kept);
    expect(again.unsent(1)).toEqual(kept.slice(0, 1));
    expect(again.unsent(10, facts[0]?.sequence)).toEqual(kept.slice(1));
    expect(again.unsent(10, facts[2]?.sequence)).toEqual([]);
    expect(again.outboxDepth()).toBe(2);
  });

  withRig('ignores ids that it does not know, and repetition', (rig) => {
    const store = rig.open();
    const { id } = append(store, 1);
    store.markSent(['unknown', id]);
    store.markSent([id]);
    store.markSent([]);
    expect(store.outboxDepth()).toBe(0);
  });

  withRig('appends nothing when making the fact fails', (rig) => {
    const store = rig.open();
    const fail = (): never => {
      throw new Error('no');
    };
    expect(() => store.appendLocal(fail, 0)).toThrow('no');
    expect(store.outboxDepth()).toBe(0);
    append(store, 1);
    expect(store.outboxDepth()).toBe(1);
  });
}

function acceptedCases(withRig: WithRig): void {
  withRig('keeps the last accepted fact of each source and address over a restart', (rig) => {
    const store = rig.open();
    const first = accepted('onprem-a', 10, 1);
    const other = accepted('aws-a', 10, 1);
    store.saveAccepted([first, other]);
    const newer = { ...accepted('onprem-a', 10, 9), firstAcceptedAt: first.firstAcceptedAt };
    store.saveAccepted([newer]);
    store.saveAccepted([]);
    const bySource = (facts: readonly AcceptedFact[]): readonly AcceptedFact[] =>
      facts.toSorted((a, b) => (a.fact.source < b.fact.source ? -1 : 1));
    expect(bySource(rig.open().loadAccepted())).toEqual([other, newer]);
  });

  withRig('does not send what was only accepted', (rig) => {
    const store = rig.open();
    store.saveAccepted([accepted('aws-a', 10, 1)]);
    expect(store.unsent(10)).toEqual([]);
    expect(store.outboxDepth()).toBe(0);
  });
}

function append(store: FactStore, last: number, above = 0): Fact {
  return store.appendLocal((sequence) => rowOf(last, sequence), above);
}

function rowOf(last: number, sequence: number): FactRow {
  const made = fact('onprem-a', last, sequence);
  return { fact: made, wire: `wire of ${made.id}` };
}

function fact(source: string, last: number, sequence: number): Fact {
  return {
    id: `${source}-${last}-${sequence}`,
    type: 'routerd.client.ipv4.observed',
    source: source as NodeName,
    group: 'rig',
    pool: 'cloudedge' as PoolName,
    site: 'onprem' as SiteName,
    address: address(last),
    observedAt: instant(1_795_000_000_123),
    ttl: durationMs(300_000),
    sequence,
    origin: 'contract "with" ünusual text',
  };
}

function accepted(source: string, last: number, sequence: number): AcceptedFact {
  const acceptedAt = instant(1_795_000_000_500 + sequence);
  return { fact: fact(source, last, sequence), acceptedAt, firstAcceptedAt: acceptedAt };
}
