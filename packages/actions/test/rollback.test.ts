/** What an operator may undo, and what the journal forgets. */
import { durationMs } from '@routerd/resources';
import { expect, test } from 'vitest';
import { address, assign, createRig, policy, proposal, type Rig, type RigOptions } from './engine-rig.ts';

const undoable = { policies: [policy({ allowUndo: true })] };

/** `.10` was assigned by this node, and another node holds it now: what is on the NIC is left behind. */
async function leftBehind(options: RigOptions = undoable): Promise<Rig> {
  const rig = createRig(options);
  await rig.settle();
  rig.win(10);
  rig.engine.propose([assign(10)]);
  await rig.settle();
  rig.lose(10);
  rig.engine.propose([]);
  await rig.settle();
  return rig;
}

test('an action of an earlier tenure is undone under the epoch that stands, with a row of its own', async () => {
  const rig = await leftBehind();
  expect(await rig.engine.rollback(1, 'alice')).toMatchObject({ ok: true, value: { row: { status: 'succeeded' } } });
  expect(rig.cloud.holderOf(address(10))).toBeUndefined();
  expect(rig.engine.rows()).toMatchObject([
    { status: 'rolledBack', message: 'undone by action 2', observed: { wasInEffect: 'false' } },
    {
      status: 'succeeded',
      approvedBy: 'alice',
      proposal: { verb: 'unassign-secondary-ip', captureEpoch: 2, idempotencyKey: `${assign(10).idempotencyKey}:undo` },
    },
  ]);
  expect(await rig.engine.rollback(1, 'alice')).toMatchObject({ ok: false, error: { code: 'action.not-succeeded' } });
  await rig.engine.stop();
});

test('what this node holds is not undone: the plan would do it again', async () => {
  const rig = createRig(undoable);
  await rig.settle();
  rig.win(10);
  rig.engine.propose([assign(10)]);
  await rig.settle();
  expect(await rig.engine.rollback(1, 'alice')).toMatchObject({
    ok: false,
    error: { code: 'action.still-held', remedy: expect.stringContaining('drain') },
  });
  expect(rig.executed()).toHaveLength(1);
  await rig.engine.stop();
});

test('a policy without allowUndo refuses, and says which', async () => {
  const rig = await leftBehind({ policies: [policy({ allowUndo: true }, 'a'), policy({ allowUndo: false }, 'b')] });
  expect(await rig.engine.rollback(1, 'alice')).toMatchObject({
    ok: false,
    error: {
      code: 'action.gate-denied',
      message: expect.stringContaining('allowUndo'),
      remedy: expect.stringContaining(' b.'),
    },
  });
  await rig.engine.stop();
});

test('the undo passes the gates of its own verb, and leaves no action behind when it is refused', async () => {
  const rig = await leftBehind({ policies: [policy({ allowUndo: true, allowedActions: ['assign-secondary-ip'] })] });
  expect(await rig.engine.rollback(1, 'alice')).toMatchObject({ ok: false, error: { code: 'action.gate-denied' } });
  expect(rig.engine.rows()[1]).toMatchObject({ status: 'skipped' });
  expect(rig.executed()).toHaveLength(1);
  await rig.engine.stop();
});

test('what was so before the action is left so', async () => {
  const rig = createRig(undoable);
  rig.cloud.setForwarding('eni-a', true);
  await rig.settle();
  rig.win(10);
  rig.engine.propose([proposal('ensure-forwarding-enabled', 10, 1)]);
  await rig.settle();
  rig.lose(10);
  expect(await rig.engine.rollback(1, 'alice')).toMatchObject({
    ok: true,
    value: { message: 'action 1: nothing to restore: it was so before' },
  });
  expect(rig.cloud.forwarding('eni-a')).toBe(true);
  await rig.engine.stop();
});

test('an undo that nobody saw the end of is decided by reading, and marks what it undid', async () => {
  const rig = await leftBehind();
  rig.cloud.inject({ kind: 'lost-response' });
  const answer = rig.engine.rollback(1, 'alice');
  await rig.pass(1000);
  expect(await answer).toMatchObject({ ok: true, value: { row: { status: 'succeeded' } } });
  expect(rig.engine.rows()[0]).toMatchObject({ status: 'rolledBack' });
  await rig.engine.stop();
});

test('the plan is compared with the journal when an operator asks', async () => {
  const rig = createRig();
  await rig.settle();
  expect(rig.engine.importPlan()).toMatchObject({ ok: false, error: { code: 'action.no-plan' } });
  rig.engine.propose([assign(10), assign(11)]); // nobody holds yet: both are fenced out
  expect(rig.engine.importPlan()).toEqual({ ok: true, value: { wanted: 2, imported: 0, fenced: 2 } });
  rig.registry.seize(assign(10).captureKey, assign(10).captureHolder, {
    pool: assign(10).pool,
    address: address(10),
    domain: assign(10).captureDomain,
  });
  expect(rig.engine.importPlan()).toEqual({ ok: true, value: { wanted: 2, imported: 1, fenced: 1 } });
  await rig.engine.stop();
});

test('finished rows are forgotten by themselves by age and count, wanted and waiting ones never', async () => {
  const limits = { keepRowsFor: durationMs(3_600_000), keepRows: 5, auditEvery: durationMs(60_000) };
  const rig = createRig({ limits, policies: [policy({ allowedCIDRs: ['10.77.60.0/25' as never] })] });
  await rig.settle();
  const hosts = Array.from({ length: 12 }, (_, index) => 10 + index);
  rig.win(...hosts, 200);
  rig.engine.propose([...hosts.map((host) => assign(host)), assign(200)]);
  await rig.pass(1000);
  // Two of them the plan goes on wanting; the last one is outside of the policy's networks and waits.
  rig.engine.propose([assign(10), assign(11), assign(200)]);
  await rig.pass(900_000);
  expect(rig.engine.rows().map(({ id }) => id)).toEqual([1, 2, 8, 9, 10, 11, 12, 13]);
  await rig.pass(4_500_000);
  expect(rig.engine.rows().map(({ id, status }) => [id, status])).toEqual([
    [1, 'succeeded'],
    [2, 'succeeded'],
    [13, 'pending'],
  ]);
  expect(rig.engine.prune({ keepRows: 0 })).toEqual({ ok: true, value: 0 });
  await rig.engine.stop();
});
