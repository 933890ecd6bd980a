import {
  instant,
  durationMs,
  err,
  ok,
  type NodeName,
  type PoolName,
  type Result,
  type SiteName,
} from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { describe, expect, it } from 'vitest';
import { address } from '../src/contract/federation-rig.ts';
import { MemoryFactStore } from '../src/index.ts';
import { OutboxPublisher } from '../src/outbox-publisher.ts';
import type { Fact, FactRow } from '../src/ports.ts';
import type { OutgoingMessage, TransportFault } from '../src/transport.ts';

describe('the outbox on its way to the hub', () => {
  it('sends what is recorded at once, several addresses together', () => {
    const rig = open();
    rig.publisher.connected();
    for (const last of [1, 2, 3]) rig.record(last);
    expect(rig.sent()).toEqual(['1#1', '2#2', '3#3']);
  });

  it('never has two facts about one address under way', async () => {
    const rig = open();
    rig.publisher.connected();
    for (const last of [1, 1, 2, 1]) rig.record(last);
    expect(rig.sent()).toEqual(['1#1', '2#3']);
    await rig.answer('1#1', ok(1));
    expect(rig.sent()).toEqual(['1#1', '2#3', '1#2']);
    await rig.answer('1#2', ok(2));
    expect(rig.sent()).toEqual(['1#1', '2#3', '1#2', '1#4']);
  });

  it('tries again what failed, later and later, before anything newer about the address', async () => {
    const rig = open();
    rig.publisher.connected();
    rig.record(1);
    rig.record(1);
    await rig.answer('1#1', err({ code: 'transport.unanswered', detail: 'no leader' }));
    expect(rig.sent()).toEqual(['1#1']);
    rig.clock.advance(249);
    await turn();
    expect(rig.sent()).toEqual(['1#1']);
    rig.clock.advance(1);
    await turn();
    expect(rig.sent()).toEqual(['1#1', '1#1']);
    await rig.answer('1#1', err({ code: 'transport.unanswered', detail: 'no leader' }));
    rig.clock.advance(499);
    await turn();
    expect(rig.sent()).toHaveLength(2);
    rig.clock.advance(1);
    await turn();
    await rig.answer('1#1', ok(1));
    expect(rig.sent()).toEqual(['1#1', '1#1', '1#1', '1#2']);
  });

  it('keeps what a cut left unanswered and sends it with the next connection', async () => {
    const rig = open();
    rig.publisher.connected();
    rig.record(1);
    rig.publisher.disconnected();
    await rig.answer('1#1', err({ code: 'transport.unanswered', detail: 'connection closed' }));
    rig.record(2);
    expect(rig.sent()).toEqual(['1#1']);
    rig.publisher.connected();
    expect(rig.sent()).toEqual(['1#1', '1#1', '2#2']);
    await rig.answer('1#1', ok(1));
    await rig.answer('2#2', ok(2));
    expect(rig.store.outboxDepth()).toBe(0);
  });

  it('works through an outbox that is longer than its window', async () => {
    const rig = open();
    for (let last = 0; last < 5000; last++) rig.record(last % 250);
    rig.publisher.connected();
    expect(rig.sent()).toHaveLength(250);
    while (rig.store.outboxDepth() > 0) await rig.answerAll();
    expect(rig.sent()).toHaveLength(5000);
    const ofSeven = rig.sent().filter((text) => text.startsWith('7#'));
    expect(ofSeven.slice(0, 4)).toEqual(['7#8', '7#258', '7#508', '7#758']);
    expect(ofSeven).toHaveLength(20);
  });

  it('reads each row of a long outbox once', async () => {
    const rig = open();
    for (let last = 0; last < 5000; last++) rig.record(last % 250);
    rig.publisher.connected();
    while (rig.store.outboxDepth() > 0) await rig.answerAll();
    expect(rig.read()).toBe(5000);
  });

  it('begins again with the oldest after a failure, and sends nothing twice that was answered', async () => {
    const rig = open();
    for (const last of [1, 2, 3, 1]) rig.record(last);
    rig.publisher.connected();
    await rig.answer('2#2', ok(2));
    await rig.answer('1#1', err({ code: 'transport.unanswered', detail: 'no leader' }));
    rig.record(4);
    await rig.answer('3#3', ok(3));
    rig.clock.advance(250);
    await turn();
    expect(rig.sent()).toEqual(['1#1', '2#2', '3#3', '1#1', '4#5']);
    await rig.answer('1#1', ok(4));
    await rig.answer('4#5', ok(5));
    await rig.answer('1#4', ok(6));
    expect(rig.store.outboxDepth()).toBe(0);
  });

  it('sends nothing again that became outdated while it waited', () => {
    const rig = open();
    const old = rig.record(1);
    rig.store.markSent([old.id]);
    const message = { subject: old.address, id: old.id, text: '1#1' };
    rig.publisher.republish([{ id: old.id, key: old.address, message }]);
    rig.record(1);
    rig.publisher.connected();
    expect(rig.sent()).toEqual(['1#2']);
  });
});

interface Rig {
  readonly clock: ManualClock;
  readonly publisher: OutboxPublisher<FactRow>;
  readonly store: MemoryFactStore;
  /** `<last octet>#<sequence>`, in the order sent. */
  sent(): readonly string[];
  /** Rows that the store was asked for, so far. */
  read(): number;
  record(last: number): Fact;
  answer(text: string, outcome: Result<number, TransportFault>): Promise<void>;
  answerAll(): Promise<void>;
}

function open(): Rig {
  const clock = new ManualClock(instant(0));
  const store = new MemoryFactStore();
  const sent: string[] = [];
  let read = 0;
  const underWay: { readonly text: string; readonly resolve: (outcome: Result<number, TransportFault>) => void }[] = [];
  const publishFact = async ({ text }: OutgoingMessage): Promise<Result<number, TransportFault>> => {
    sent.push(text);
    const { promise, resolve } = Promise.withResolvers<Result<number, TransportFault>>();
    underWay.push({ text, resolve });
    return promise;
  };
  const publisher = new OutboxPublisher<FactRow>({
    clock,
    log: new RecordingLog(),
    store: {
      unsent: (limit, after) => {
        const rows = store.unsent(limit, after?.fact.sequence);
        read += rows.length;
        return rows;
      },
      markSent: (ids) => store.markSent(ids),
    },
    outgoing: ({ fact, wire }) => ({
      id: fact.id,
      key: fact.address,
      message: { subject: fact.address, id: fact.id, text: wire },
    }),
    publish: publishFact,
    trouble: () => undefined,
  });
  return {
    clock,
    publisher,
    store,
    sent: () => sent,
    read: () => read,
    record: (last) => {
      const fact = store.appendLocal((sequence) => ({ fact: factOf(last, sequence), wire: `${last}#${sequence}` }), 0);
      publisher.recorded([fact.address]);
      return fact;
    },
    answer: async (text, outcome) => {
      const [found] = underWay.splice(
        underWay.findIndex((one) => one.text === text),
        1,
      );
      found?.resolve(outcome);
      await turn();
    },
    answerAll: async () => {
      for (const { resolve } of underWay.splice(0)) resolve(ok(1));
      await turn();
    },
  };
}

async function turn(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function factOf(last: number, sequence: number): Fact {
  return {
    id: `fact-${sequence}`,
    type: 'routerd.client.ipv4.observed',
    source: 'onprem-a' as NodeName,
    group: 'rig',
    pool: 'cloudedge' as PoolName,
    site: 'onprem' as SiteName,
    address: address(last),
    observedAt: instant(0),
    ttl: durationMs(1000),
    sequence,
    origin: 'test',
  };
}
