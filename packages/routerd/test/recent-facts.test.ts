import type { AcceptedFact } from '@routerd/federation';
import { durationMs, instant, type HostAddress, type NodeName, type PoolName, type SiteName } from '@routerd/resources';
import { expect, test } from 'vitest';
import { RecentFacts } from '../src/recent-facts.ts';

function fact(sequence: number): AcceptedFact {
  return {
    fact: {
      id: `id-${sequence}`,
      type: 'routerd.client.ipv4.observed',
      source: 'aws-a' as NodeName,
      group: 'demo',
      pool: 'cloudedge' as PoolName,
      site: 'aws' as SiteName,
      address: '10.77.60.10/32' as HostAddress,
      observedAt: instant(0),
      ttl: durationMs(1000),
      sequence,
      origin: 'test',
    },
    acceptedAt: instant(0),
    firstAcceptedAt: instant(0),
  };
}

const sequences = (facts: readonly AcceptedFact[]): readonly number[] =>
  facts.map(({ fact: { sequence } }) => sequence);

test('a watcher that begins now is told what comes from then on, each once', () => {
  const recent = new RecentFacts();
  recent.add([fact(1)]);
  const { last } = recent.since(undefined);
  expect(recent.since(last).facts).toEqual([]);
  recent.add([fact(2), fact(3)]);
  const news = recent.since(last);
  expect(sequences(news.facts)).toEqual([2, 3]);
  expect(recent.since(news.last)).toEqual({ facts: [], last: 3, missed: 0 });
});

test('a watcher that was away for long is told how many it missed', () => {
  const recent = new RecentFacts();
  const { last } = recent.since(undefined);
  for (let sequence = 1; sequence <= 2500; sequence++) recent.add([fact(sequence)]);
  const { facts, missed } = recent.since(last);
  expect([facts.length, missed, facts[0]?.fact.sequence]).toEqual([2000, 500, 501]);
});

test('waiting ends with the next fact, or when it is given up', async () => {
  const recent = new RecentFacts();
  const patience = new AbortController();
  const woken = recent.until(0, patience.signal);
  recent.add([fact(1)]);
  await woken;
  const givenUp = recent.until(1, patience.signal);
  patience.abort();
  await givenUp;
  expect(recent.since(0).last).toBe(1);
});
