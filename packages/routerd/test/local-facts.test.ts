import type { AcceptedFact, Fact, FactDraft, FactFault } from '@routerd/federation';
import {
  durationMs,
  err,
  instant,
  ok,
  parseHostAddress,
  parseNodeName,
  parsePoolName,
  parseSiteName,
  type HostAddress,
  type Result,
} from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { LocalFacts } from '../src/local-facts.ts';

function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

const address = must(parseHostAddress('10.77.60.10/32'));
const gateway = must(parseHostAddress('10.77.60.1/32'));
const self = must(parseNodeName('onprem-router-a'));
const pool = must(parsePoolName('cloudedge'));
const site = must(parseSiteName('onprem'));

function rig(refuse: ReadonlySet<HostAddress> = new Set()) {
  const clock = new ManualClock(instant(1_000_000));
  const accepted: AcceptedFact[] = [];
  const recorded: FactDraft[] = [];
  const record = (draft: FactDraft): Result<Fact, FactFault> => {
    if (refuse.has(draft.address))
      return err({ code: 'fact.self-capture', address: draft.address, detail: 'aws-router-a' });
    recorded.push(draft);
    const fact: Fact = {
      ...draft,
      id: String(recorded.length),
      source: self,
      group: 'g',
      observedAt: clock.now(),
      sequence: recorded.length,
    };
    const others = accepted.filter((each) => each.fact.address !== draft.address);
    accepted.splice(0, accepted.length, ...others, { fact, acceptedAt: clock.now(), firstAcceptedAt: clock.now() });
    return ok(fact);
  };
  let writes = 0;
  const recordAll = (drafts: readonly FactDraft[]): readonly Result<Fact, FactFault>[] => {
    writes += 1;
    return drafts.map(record);
  };
  const latest = (_source: string, of: HostAddress): AcceptedFact | undefined =>
    accepted.find(({ fact }) => fact.address === of);
  const ports = { clock, log: new RecordingLog(), facts: { recordAll, accepted: () => accepted, latest } };
  const open = (): LocalFacts =>
    new LocalFacts(ports, { self, pool, site, ttl: durationMs(60_000), isMobile: (each) => each !== gateway });
  return { clock, recorded, open, writes: () => writes };
}

/** Lets the work of woken sleepers run. */
async function breathe(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

test('one fact at first sight, none at the second, another after half the TTL', async () => {
  const { clock, recorded, open } = rig();
  const facts = open();
  facts.assert(address, 'lan-observer');
  facts.assert(address, 'lan-observer');
  expect(recorded).toHaveLength(1);
  clock.advance(29_999);
  await breathe();
  expect(recorded).toHaveLength(1);
  clock.advance(1);
  await breathe();
  expect(recorded).toHaveLength(2);
  facts.stop();
});

test('withdrawing says so and ends the refreshing', async () => {
  const { clock, recorded, open } = rig();
  const facts = open();
  facts.assert(address, 'lan-observer');
  facts.withdraw(address, 'lan-observer');
  clock.advance(600_000);
  await breathe();
  expect(recorded.map(({ type }) => type)).toEqual(['routerd.client.ipv4.observed', 'routerd.client.ipv4.expired']);
});

test('a restart within half the TTL publishes nothing until it is due', async () => {
  const { clock, recorded, open } = rig();
  open().assert(address, 'lan-observer');
  clock.advance(10_000);
  const restarted = open();
  restarted.assert(address, 'lan-observer');
  expect(recorded).toHaveLength(1);
  clock.advance(20_000);
  await breathe();
  expect(recorded.length).toBeGreaterThanOrEqual(2);
  restarted.stop();
});

test('a refused fact is not asserted and may be tried again', () => {
  const { recorded, open } = rig(new Set([address]));
  const facts = open();
  facts.assert(address, 'lan-observer');
  expect(recorded).toEqual([]);
  expect(facts.asserted().size).toBe(0);
});

test('of an address that the pool excludes nothing is said', () => {
  const { recorded, open } = rig();
  const facts = open();
  facts.assert(gateway, 'lan-observer');
  expect(recorded).toEqual([]);
  facts.stop();
});

test('what the pool has this node give away is denied once, also when an earlier process, or nobody, had asserted it', () => {
  const { recorded, open } = rig();
  const withdraw = { verb: 'withdraw', because: 'handed-away' } as const;
  open().follow([[address, withdraw]]);
  open().follow([[address, withdraw]]);
  expect(recorded.map(({ type }) => type)).toEqual(['routerd.client.ipv4.expired']);
  open().follow([[address, { verb: 'wait', because: 'not-released-yet' }]]);
  open().follow([[address, { verb: 'assert', because: 'declared' }]]);
  expect(recorded.map(({ type, origin }) => [type, origin])).toEqual([
    ['routerd.client.ipv4.expired', 'static'],
    ['routerd.client.ipv4.observed', 'static'],
  ]);
  expect(open().lastAsserted('static')).toEqual([address]);
  open().follow([[address, withdraw]]);
  expect(open().lastAsserted('static')).toEqual([]);
});

test('what is handed away by order is denied whoever saw it, its watcher is told, and it may be seen here again', () => {
  const { recorded, open } = rig();
  const facts = open();
  const released: HostAddress[] = [];
  const end = facts.onReleased((each) => released.push(each));
  facts.assert(address, 'lan-observer');
  facts.follow([[address, { verb: 'withdraw', because: 'ordered-away' }]]);
  expect(released).toEqual([address]);
  facts.assert(address, 'lan-observer');
  end();
  facts.release(address, 'static');
  expect(released).toEqual([address]);
  const [observed, expired] = ['routerd.client.ipv4.observed', 'routerd.client.ipv4.expired'];
  expect(recorded.map(({ type }) => type)).toEqual([observed, expired, observed, expired]);
  facts.stop();
});

test('what the pool declares together is written together, and so is what is due about the same time', async () => {
  const { clock, recorded, open, writes } = rig();
  const facts = open();
  const many = Array.from({ length: 300 }, (_, index) =>
    must(parseHostAddress(`10.78.${index >> 8}.${index & 255}/32`)),
  );
  const declared = { verb: 'assert', because: 'declared' } as const;
  facts.follow(many.slice(0, 200).map((each) => [each, declared]));
  expect([recorded.length, writes()]).toEqual([200, 1]);
  clock.advance(1000);
  facts.follow(many.map((each) => [each, declared]));
  expect([recorded.length, writes()]).toEqual([300, 2]);
  // Those of the second write are due a second later: near enough to be said with the first.
  clock.advance(29_000);
  await breathe();
  expect([recorded.length, writes()]).toEqual([600, 3]);
  facts.stop();
  clock.advance(600_000);
  await breathe();
  expect(writes()).toBe(3);
});

test('what is captured here is repeated no more, without a word, and whoever watches forgets it', async () => {
  const { clock, recorded, open } = rig();
  const facts = open();
  const released: HostAddress[] = [];
  facts.onReleased((each) => released.push(each));
  facts.assert(address, 'lan-observer');
  facts.hush([address]);
  facts.hush([address]);
  clock.advance(600_000);
  await breathe();
  expect(recorded.map(({ type }) => type)).toEqual(['routerd.client.ipv4.observed']);
  expect(released).toEqual([address]);
  facts.stop();
});

test('what the pool declares to live here is not hushed', () => {
  const { open } = rig();
  const facts = open();
  facts.follow([[address, { verb: 'assert', because: 'declared' }]]);
  facts.hush([address]);
  expect([...facts.asserted()]).toEqual([address]);
  facts.stop();
});
