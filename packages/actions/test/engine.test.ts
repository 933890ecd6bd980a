import { expect, test } from 'vitest';
import { nicKeyOf } from '../src/ports.ts';
import { address, assign, createRig, keyOf, NIC, policy, proposal } from './engine-rig.ts';

const nicKey = nicKeyOf(NIC);

test('a proposal is imported, fenced, executed and read back without time passing', async () => {
  const rig = createRig();
  rig.win(10);
  rig.engine.propose([assign(10)]);
  await rig.settle();

  expect(rig.row(assign(10))).toMatchObject({ status: 'succeeded', attempts: 1, approvedBy: 'policy:auto-approve' });
  expect(rig.cloud.holderOf(address(10))).toBe('eni-a');
  expect(rig.engine.nic(nicKey)).toMatchObject({ kind: 'known', addresses: new Set([address(10)]) });
  expect(rig.registry.records().get(keyOf(10))).toMatchObject({ epoch: 1, phase: 'confirmed', revision: 2 });
  await rig.engine.stop();
});

test('the first reading of a NIC is asked for at the start', async () => {
  const rig = createRig({ start: false });
  expect(rig.engine.nic(nicKey)).toEqual({ kind: 'unknown' });
  rig.engine.start();
  await rig.settle();
  expect(rig.engine.nic(nicKey)).toMatchObject({ kind: 'known', forwarding: false });
  await rig.engine.stop();
});

test('all addresses that go to one NIC share one fence append and one provider call', async () => {
  const rig = createRig();
  const hosts = Array.from({ length: 40 }, (_, index) => index + 10);
  rig.win(...hosts);
  rig.engine.propose(hosts.map((host) => assign(host)));
  await rig.settle();

  expect(rig.executed()).toHaveLength(1);
  expect(rig.registry.appends.map((transitions) => transitions.length)).toEqual([40]);
  expect(rig.engine.rows().filter(({ status }) => status === 'succeeded')).toHaveLength(40);
  await rig.engine.stop();
});

test('what exceeds the bound of a run goes out in the next one', async () => {
  const rig = createRig({ policies: [policy({ maxActionsPerRun: 2 })] });
  rig.win(10, 11, 12);
  rig.engine.propose([assign(10), assign(11), assign(12)]);
  await rig.settle();
  expect(rig.executed()).toEqual([
    `assign-secondary-ip ${address(10)},${address(11)}`,
    `assign-secondary-ip ${address(12)}`,
  ]);
  await rig.engine.stop();
});

test('the order is forwarding on, seizes, assigns, unassigns, forwarding off', async () => {
  const rig = createRig({ start: false, policies: [policy({ maxActionsPerRun: 1 })] });
  rig.cloud.place(address(11), 'eni-b');
  rig.cloud.place(address(13), 'eni-a');
  rig.win(10, 11, 12);
  rig.lose(13);
  rig.registry.seize(keyOf(13), undefined, {
    pool: assign(13).pool,
    address: address(13),
    domain: assign(13).captureDomain,
  });
  rig.engine.propose([
    proposal('unassign-secondary-ip', 13, 2),
    assign(10),
    assign(11, 1, { seize: { from: 'aws-router-b' as never } }),
    proposal('ensure-forwarding-enabled', 12, 1),
  ]);
  rig.engine.start();
  await rig.settle();
  expect(rig.executed()).toEqual([
    `ensure-forwarding-enabled ${address(12)}`,
    `assign-secondary-ip ${address(11)}`,
    `assign-secondary-ip ${address(10)}`,
    `unassign-secondary-ip ${address(13)}`,
  ]);
  expect(rig.cloud.holderOf(address(11))).toBe('eni-a');
  await rig.engine.stop();
});

test('nothing is assigned while forwarding cannot be enabled', async () => {
  const rig = createRig();
  await rig.settle();
  rig.cloud.inject({ kind: 'refused', fault: { code: 'executor.failed', errorClass: 'permission', detail: 'denied' } });
  rig.win(10);
  const forwarding = proposal('ensure-forwarding-enabled', 10, 1);
  rig.engine.propose([assign(10), forwarding]);
  await rig.settle();
  expect(rig.row(forwarding)).toMatchObject({ status: 'failed', errorClass: 'permission' });
  expect(rig.row(assign(10))).toMatchObject({
    status: 'pending',
    message: 'waiting for action 2 (ensure-forwarding-enabled)',
  });

  // Somebody enables it; the plan does not want it any more.
  rig.cloud.setForwarding('eni-a', true);
  rig.engine.propose([assign(10)]);
  await rig.settle();
  expect(rig.row(assign(10))?.status).toBe('succeeded');
  await rig.engine.stop();
});

test('the same set again changes nothing and reads nothing', async () => {
  const rig = createRig();
  rig.win(10);
  rig.engine.propose([assign(10)]);
  await rig.settle();
  const before = [rig.executed(), rig.engine.rows()];
  rig.engine.propose([assign(10)]);
  await rig.settle();
  expect([rig.executed(), rig.engine.rows()]).toEqual(before);
  await rig.engine.stop();
});
