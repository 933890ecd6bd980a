import { MemoryFactStore, MemoryHighWaterStore, type FactStore } from '@routerd/federation';
import { describe, expect, it } from 'vitest';
import { address, AWS_A, AWS_B, keyOf, observed, transition } from '../src/contract/federation-rig.ts';
import { openMemoryRig } from './memory-rig.ts';
import { valueOf } from './value-of.ts';

const full = (): never => {
  throw new Error('the disk is full');
};

describe('a disk that is full', () => {
  it('refuses to record, says so, and goes on with what it had', async () => {
    const rig = await openMemoryRig();
    const factStore: FactStore = Object.assign(new MemoryFactStore(), { appendLocal: full });
    try {
      const node = rig.node(AWS_A, { factStore, highWaterStore: new MemoryHighWaterStore() });
      await node.federation.start();
      expect(node.federation.facts.record(observed(address(12), AWS_A))).toEqual({
        ok: false,
        error: { code: 'fact.not-stored', detail: 'the disk is full' },
      });
      expect(node.federation.facts.accepted()).toEqual([]);
    } finally {
      await rig.close();
    }
  });

  it('does not keep facts from being told, nor from being sent', async () => {
    const rig = await openMemoryRig();
    let isFull = true;
    const store = new MemoryFactStore();
    const factStore: FactStore = {
      appendLocal: (make, above) => store.appendLocal(make, above),
      unsent: (limit, after) => store.unsent(limit, after),
      markSent: (ids) => (isFull ? full() : store.markSent(ids)),
      outboxDepth: () => store.outboxDepth(),
      saveAccepted: (facts) => (isFull ? full() : store.saveAccepted(facts)),
      loadAccepted: () => store.loadAccepted(),
    };
    try {
      const node = rig.node(AWS_A, { factStore, highWaterStore: new MemoryHighWaterStore() });
      const other = rig.node(AWS_B);
      for (const { federation } of [node, other]) await federation.start();
      valueOf(node.federation.facts.record(observed(address(12), AWS_A)));
      await rig.until(() => other.federation.facts.accepted().length === 1, 'the fact at the other node');
      expect(node.federation.facts.accepted()).toHaveLength(1);
      expect(node.federation.status()).toMatchObject({ outboxDepth: 1, lastError: /disk is full/ });
      isFull = false;
      await rig.until(() => node.federation.status().outboxDepth === 0, 'the outbox empty');
      expect(other.federation.facts.accepted()).toHaveLength(1);
      valueOf(node.federation.facts.record(observed(address(13), AWS_A)));
      const { lastError, lastErrorAt } = node.federation.status();
      expect(lastError).toBeUndefined();
      expect(lastErrorAt).toBeGreaterThan(0);
    } finally {
      await rig.close();
    }
  });

  it('lets no tenure begin whose epoch could be forgotten', async () => {
    const rig = await openMemoryRig();
    let isFull = true;
    const marks = new MemoryHighWaterStore();
    const highWaterStore = {
      all: () => marks.all(),
      epochOf: (key: Parameters<typeof marks.epochOf>[0]) => marks.epochOf(key),
      raise: (raised: Parameters<typeof marks.raise>[0]) => (isFull ? full() : marks.raise(raised)),
    };
    try {
      const node = rig.node(AWS_A, { factStore: new MemoryFactStore(), highWaterStore });
      await node.federation.start();
      const signal = new AbortController().signal;
      const wish = transition(address(10), AWS_A, undefined);
      expect(await node.federation.registry.append([wish], signal)).toMatchObject([{ kind: 'unreachable' }]);
      expect(node.federation.status().lastError).toMatch(/capture\.epoch-not-kept: the disk is full/);
      isFull = false;
      const stands = node.federation.registry.records().get(keyOf(address(10)));
      const next = await node.federation.registry.append([transition(address(10), AWS_A, stands)], signal);
      expect(next).toMatchObject([{ kind: 'won', record: { revision: 2, epoch: 1 } }]);
      expect(marks.all().get(keyOf(address(10)))).toBe(1);
      expect(node.federation.status().lastError).toBeUndefined();
    } finally {
      await rig.close();
    }
  });
});
