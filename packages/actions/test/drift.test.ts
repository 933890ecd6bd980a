/** What somebody does to a quiet NIC by hand is noticed by reading it again, and put right by the holder. */
import { expect, test } from 'vitest';
import type { NicTarget } from '../src/index.ts';
import { address, assign, createRig, NIC, proposal, type Rig } from './engine-rig.ts';

const forwarding = proposal('ensure-forwarding-enabled', 10, 1);

/** This node holds `.10`, forwards, and everything is quiet. */
async function captured(): Promise<Rig> {
  const rig = createRig();
  rig.win(10);
  rig.engine.propose([forwarding, assign(10)]);
  await rig.pass(1000);
  expect(rig.executed()).toHaveLength(2);
  return rig;
}

test('an address that is taken off by hand comes back', async () => {
  const rig = await captured();
  rig.cloud.place(address(10), undefined);
  await rig.pass(80_000);
  expect(rig.cloud.holderOf(address(10))).toBe('eni-a');
  expect(rig.executed()).toHaveLength(3);
  expect(rig.engine.attempts(2)).toHaveLength(2);
  await rig.engine.stop();
});

test('forwarding that is switched off by hand is switched on again', async () => {
  const rig = await captured();
  rig.cloud.setForwarding('eni-a', false);
  await rig.pass(80_000);
  expect(rig.cloud.forwarding('eni-a')).toBe(true);
  expect(rig.executed()).toHaveLength(3);
  await rig.engine.stop();
});

test('who does not hold any more repairs nothing', async () => {
  const rig = await captured();
  rig.lose(10);
  rig.cloud.place(address(10), undefined);
  rig.cloud.setForwarding('eni-a', false);
  await rig.pass(200_000);
  expect(rig.cloud.holderOf(address(10))).toBeUndefined();
  expect(rig.executed()).toHaveLength(2);
  await rig.engine.stop();
});

test('an action that failed for good is tried again when its cause may have been mended', async () => {
  const rig = createRig();
  await rig.settle();
  const denied = { code: 'executor.failed', errorClass: 'permission', detail: 'denied' } as const;
  rig.cloud.inject({ kind: 'refused', fault: denied });
  rig.win(10);
  rig.engine.propose([forwarding, assign(10)]);
  await rig.settle();
  const failed = rig.row(forwarding);
  expect(failed).toMatchObject({ status: 'failed', errorClass: 'permission' });
  // 45 s is the middle of the first wait: half a minute to a minute.
  expect(failed?.nextAttemptAt).toBe(rig.clock.now() + 45_000);
  await rig.pass(46_000);
  expect(rig.engine.rows().map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
  expect(rig.cloud.holderOf(address(10))).toBe('eni-a');
  await rig.engine.stop();
});

test('while its cause stays it is tried more and more seldom', async () => {
  const rig = createRig();
  await rig.settle();
  const denied = { code: 'executor.failed', errorClass: 'permission', detail: 'denied' } as const;
  let calls = 0;
  rig.cloud.execute = async () => {
    calls += 1;
    return { ok: false, error: denied };
  };
  rig.win(10);
  rig.engine.propose([assign(10)]);
  await rig.pass(3_600_000);
  // 45, 90, 180, 360 s and then every 675 s.
  expect(calls).toBe(9);
  expect(rig.row(assign(10))?.status).toBe('failed');
  await rig.engine.stop();
});

test('a failed action that somebody else carried out has succeeded, without a call', async () => {
  const rig = createRig();
  await rig.settle();
  const denied = { code: 'executor.failed', errorClass: 'permission', detail: 'denied' } as const;
  rig.cloud.inject({ kind: 'refused', fault: denied });
  rig.win(10);
  rig.engine.propose([forwarding]);
  await rig.settle();
  rig.cloud.setForwarding('eni-a', true);
  rig.engine.requestObservation(NIC);
  await rig.settle();
  expect(rig.row(forwarding)).toMatchObject({ status: 'succeeded', errorClass: undefined });
  expect(rig.executed()).toHaveLength(1);
  await rig.engine.stop();
});

test('a reading of a quiet NIC waits for the provider, and a failover does not wait for it', async () => {
  const rig = await captured();
  const other: NicTarget = { ...NIC, nicRef: 'eni-c' };
  rig.cloud.addNic({ nicRef: 'eni-c' });
  const slow = { code: 'executor.failed', errorClass: 'throttled', detail: 'slow down' } as const;
  rig.cloud.inject({ kind: 'refused', fault: { ...slow, retryAfterMs: 120_000 } });
  rig.engine.requestObservation(other);
  await rig.settle();
  const reads = (): number => rig.cloud.calls.filter(({ kind }) => kind === 'observe').length;
  const before = reads();
  await rig.pass(110_000);
  expect(reads()).toBe(before); // nobody reads in this account: neither the other NIC nor the quiet one
  rig.win(11);
  rig.engine.propose([forwarding, assign(10), assign(11)]);
  await rig.settle();
  expect(rig.row(assign(11))?.status).toBe('succeeded'); // what was throttled were reads
  await rig.pass(20_000);
  expect(reads()).toBeGreaterThan(before);
  await rig.engine.stop();
});

test('Retry-After of a change holds the changes of the whole account back', async () => {
  const rig = await captured();
  const slow = { code: 'executor.failed', errorClass: 'throttled', detail: 'slow down', retryAfterMs: 10_000 } as const;
  rig.cloud.inject({ kind: 'refused', fault: slow });
  rig.win(11, 12);
  rig.engine.propose([forwarding, assign(10), assign(11)]);
  await rig.settle();
  rig.cloud.addNic({ nicRef: 'eni-c' });
  const elsewhere = assign(12, 1, { nicRef: 'eni-c' });
  rig.engine.propose([forwarding, assign(10), assign(11), elsewhere]);
  await rig.pass(9900);
  expect(rig.executed()).toHaveLength(3);
  await rig.pass(200);
  expect(rig.row(elsewhere)?.status).toBe('succeeded');
  expect(rig.row(assign(11))?.status).toBe('succeeded');
  await rig.engine.stop();
});
