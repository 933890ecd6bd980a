/**
 * A fleet of actions that is larger than what an account allows at once: many NICs, each with an address to take, and a provider that keeps a
 * token bucket as EC2 is said to do (50 changes at once, 5 a second) and refuses what is over it, with or without saying when to come back.
 */
import { err, instant, ok, type NodeName } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { createActionEngine, type ActionEngine } from '../src/action-engine.ts';
import { createMemoryExecutor } from '../src/adapters/memory/memory-executor.ts';
import { createMemoryJournal } from '../src/adapters/memory/memory-journal.ts';
import { MemoryRegistry } from '../src/contract/memory-registry.ts';
import type { ProviderExecutor } from '../src/ports.ts';
import { address, assign, DOMAIN, keyOf, NIC, policy, POOL } from './engine-rig.ts';

const BURST = 50;
const PER_SECOND = 5;
const STEP_MS = 50;

interface Cloud {
  readonly clock: ManualClock;
  readonly executor: ProviderExecutor;
  /** Refusals by NIC. */
  readonly refused: ReadonlyMap<string, number>;
  readonly calls: () => { readonly changes: number; readonly readings: number };
  readonly holds: (host: number) => boolean;
}

/** @param retryAfterMs undefined: the provider does not say when to come back */
function openCloud(nics: number, retryAfterMs: number | undefined): Cloud {
  const clock = new ManualClock(instant(1_800_000_000_000));
  const twin = createMemoryExecutor(clock);
  twin.setLatency(200);
  for (let nic = 0; nic < nics; nic += 1) twin.addNic({ nicRef: nicRefOf(nic) });
  const refused = new Map<string, number>();
  let tokens = BURST;
  let at = clock.monotonic();
  const executor: ProviderExecutor = {
    observe: async (nic, signal) => twin.observe(nic, signal),
    async execute(request, signal) {
      tokens = Math.min(BURST, tokens + ((clock.monotonic() - at) / 1000) * PER_SECOND);
      at = clock.monotonic();
      if (tokens < 1) {
        const { nicRef } = request.nic;
        refused.set(nicRef, (refused.get(nicRef) ?? 0) + 1);
        const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
        return err({ code: 'executor.failed', errorClass: 'throttled', detail: 'Request limit exceeded.', ...wait });
      }
      tokens -= 1;
      const answer = await twin.execute(request, signal);
      return answer.ok ? ok({ ...answer.value, usage: { writes: 1, reads: 2 } }) : answer;
    },
  };
  return {
    clock,
    executor,
    refused,
    calls: () => ({
      changes: twin.calls.filter(({ kind }) => kind === 'execute').length,
      readings: twin.calls.filter(({ kind }) => kind === 'observe').length,
    }),
    holds: (host) => twin.holderOf(address(host)) === nicRefOf(host),
  };
}

function nicRefOf(nic: number): string {
  return `eni-${nic}`;
}

/** One router's engine, told to take an address on each of these NICs. */
function openEngine({ clock, executor }: Cloud, nics: readonly number[], name: string): ActionEngine {
  const self = name as NodeName;
  const registry = new MemoryRegistry(self);
  let seed = 1;
  const engine = createActionEngine({
    self,
    journal: createMemoryJournal(),
    executor,
    fence: registry,
    clock,
    random: () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647,
    log: new RecordingLog(),
  });
  engine.setPolicies([policy()]);
  for (const host of nics) {
    registry.seize(keyOf(host), self, { pool: POOL, address: address(host), domain: DOMAIN });
    engine.requestObservation({ ...NIC, nicRef: nicRefOf(host) });
  }
  engine.start();
  engine.propose(nics.map((host) => assign(host, 1, { nicRef: nicRefOf(host), captureHolder: self })));
  return engine;
}

/** @returns how long it took until every address was where it should be, in ms */
async function drain(cloud: Cloud, nics: readonly number[], limitMs: number): Promise<number> {
  for (let passed = 0; passed <= limitMs; passed += STEP_MS) {
    if (nics.every((host) => cloud.holds(host))) return passed;
    cloud.clock.advance(STEP_MS);
    for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`not done after ${limitMs} ms: ${cloud.calls().changes} changes`);
}

const hosts = (from: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, index) => from + index);
const most = (refused: Cloud['refused']): number => Math.max(0, ...refused.values());
const sum = (refused: Cloud['refused']): number => [...refused.values()].reduce((total, each) => total + each, 0);

test.each([undefined, 1000])(
  'a hundred and fifty actions of one router drain at the pace of the bucket (Retry-After: %s), none refused more than three times',
  async (retryAfterMs) => {
    const nics = hosts(0, 150);
    const cloud = openCloud(nics.length, retryAfterMs);
    const engine = openEngine(cloud, nics, 'aws-router-a');
    const milliseconds = await drain(cloud, nics, 60_000);
    expect(cloud.calls().changes).toBe(nics.length);
    expect(most(cloud.refused)).toBeLessThanOrEqual(3);
    expect(sum(cloud.refused)).toBeLessThanOrEqual(nics.length);
    // 100 of them have to wait for 5 a second.
    expect(milliseconds).toBeGreaterThanOrEqual(19_000);
    expect(milliseconds).toBeLessThanOrEqual(30_000);
    // Each NIC was read when it was met, and no quiet one again before the failovers were done.
    expect(cloud.calls().readings).toBe(nics.length);
    await engine.stop();
  },
);

test('four routers that do not know of each other share the bucket without a storm', async () => {
  const cloud = openCloud(160, undefined);
  const routers = ['a', 'b', 'c', 'd'].map((letter, index) =>
    openEngine(cloud, hosts(index * 40, 40), `aws-router-${letter}`),
  );
  await drain(cloud, hosts(0, 160), 180_000);
  expect(cloud.calls().changes).toBe(160);
  expect(most(cloud.refused)).toBeLessThanOrEqual(8);
  expect(sum(cloud.refused)).toBeLessThanOrEqual(2 * 160);
  await Promise.all(routers.map(async (engine) => engine.stop()));
});
