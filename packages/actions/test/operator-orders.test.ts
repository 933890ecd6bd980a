import { expect, test } from 'vitest';
import { address, assign, createRig, policy, type Rig } from './engine-rig.ts';

/** A rig with one row that waits for an operator. */
async function pendingRig(): Promise<Rig> {
  const rig = createRig({ policies: [policy({ requireApproval: true })] });
  rig.win(10);
  rig.engine.propose([assign(10)]);
  await rig.settle();
  return rig;
}

test('an action that needs approval waits for it, says so, and runs at once when it has it', async () => {
  const rig = await pendingRig();
  expect(rig.row(assign(10))).toMatchObject({
    status: 'pending',
    message:
      'policy gate denied action 1: action is pending and not approved (approval required). Approve it with `routerctl action approve 1`.',
  });
  expect(rig.executed()).toEqual([]);
  expect(rig.engine.approve(1, 'alice')).toMatchObject({
    ok: true,
    value: { status: 'approved', approvedBy: 'alice' },
  });
  await rig.settle();
  expect(rig.row(assign(10))).toMatchObject({ status: 'succeeded', approvedBy: 'alice' });
  expect(rig.engine.approve(1, 'bob')).toMatchObject({ ok: false, error: { code: 'action.not-pending' } });
  await rig.engine.stop();
});

test('an approval does not cover what the action became afterwards', async () => {
  const rig = createRig({ policies: [policy({ requireApproval: true, dryRunOnly: true })] });
  rig.win(10);
  rig.engine.propose([assign(10)]);
  rig.engine.approve(1, 'alice');
  rig.engine.propose([assign(10, 1, { seize: { from: 'aws-router-b' as never } })]);
  await rig.settle();
  expect(rig.row(assign(10))).toMatchObject({ status: 'pending', approvedBy: undefined });
  await rig.engine.stop();
});

test('executing an unknown, a pending or a forbidden action is refused with its reason', async () => {
  const rig = await pendingRig();
  const execute = async (id: number) => rig.engine.execute(id, { mode: 'execute' });
  expect(await execute(9)).toMatchObject({
    ok: false,
    error: { code: 'action.not-found', message: 'action 9 not found' },
  });
  expect(await execute(1)).toMatchObject({
    ok: false,
    error: { code: 'action.not-approved', message: 'action is pending and not approved (approval required)' },
  });
  rig.engine.setPolicies([policy({ enabled: false })]);
  expect(await execute(1)).toMatchObject({
    ok: false,
    error: { message: 'policy gate denied action 1: execution is disabled (policy.enabled=false)' },
  });
  expect(rig.cloud.mutations).toEqual([]);
  await rig.engine.stop();
});

test('a dry run asks gates and executor and changes nothing anywhere', async () => {
  const rig = createRig({ policies: [policy({ dryRunOnly: true, requireApproval: true })] });
  rig.win(10);
  rig.engine.propose([assign(10)]);
  await rig.settle();
  const before = JSON.stringify([rig.engine.rows(), rig.engine.attempts(1), [...rig.registry.records()]]);
  expect(await rig.engine.execute(1, { mode: 'dry-run' })).toMatchObject({
    ok: true,
    value: { message: 'dry run of action 1: succeeded: would be: assigned' },
  });
  expect(JSON.stringify([rig.engine.rows(), rig.engine.attempts(1), [...rig.registry.records()]])).toBe(before);
  expect(rig.cloud.mutations).toEqual([]);
  expect(rig.registry.appends).toEqual([]);
  expect(rig.cloud.holderOf(address(10))).toBeUndefined();
  await rig.engine.stop();
});

test('a failed action runs again when it is ordered, and its answer is waited for', async () => {
  const rig = createRig();
  await rig.settle();
  rig.cloud.inject({ kind: 'refused', fault: { code: 'executor.failed', errorClass: 'permission', detail: 'no' } });
  rig.win(10);
  rig.engine.propose([assign(10)]);
  await rig.settle();
  expect(rig.row(assign(10))?.status).toBe('failed');
  expect(await rig.engine.execute(1, { mode: 'execute' })).toMatchObject({
    ok: true,
    value: { message: 'action 1 succeeded: assigned' },
  });
  expect(await rig.engine.execute(1, { mode: 'execute' })).toMatchObject({
    ok: true,
    value: { message: 'action 1 is succeeded already' },
  });
  expect(rig.cloud.mutations).toHaveLength(1);
  await rig.engine.stop();
});

test('an order does not wait for a back-off, and is answered when its attempt fails again', async () => {
  const rig = createRig();
  await rig.settle();
  const throttled = {
    code: 'executor.failed',
    errorClass: 'throttled',
    detail: 'slow down',
    retryAfterMs: 60_000,
  } as const;
  rig.cloud.inject({ kind: 'refused', fault: throttled }, { kind: 'refused', fault: throttled });
  rig.win(10);
  rig.engine.propose([assign(10)]);
  await rig.settle();
  expect(await rig.engine.execute(1, { mode: 'execute' })).toMatchObject({
    ok: true,
    value: { row: { status: 'approved', attempts: 2 } },
  });
  await rig.engine.stop();
});

test('retry opens failed rows only', async () => {
  const rig = await pendingRig();
  expect(rig.engine.retry(1)).toMatchObject({ ok: false, error: { code: 'action.not-failed' } });
  expect(rig.engine.retry(9)).toMatchObject({ ok: false, error: { code: 'action.not-found' } });
  await rig.engine.stop();
});

test('an order that waits is answered when the daemon stops', async () => {
  const rig = createRig();
  await rig.settle();
  rig.cloud.inject({ kind: 'hang' });
  rig.win(10);
  rig.engine.propose([assign(10)]);
  await rig.settle();
  rig.win(11);
  rig.engine.propose([assign(10), assign(11)]);
  const answer = rig.engine.execute(2, { mode: 'execute' });
  await rig.engine.stop();
  expect(await answer).toMatchObject({ ok: false, error: { code: 'action.stopped' } });
});

test('a window that opens lets the waiting rows through at that minute', async () => {
  const rig = createRig({ policies: [] }); // the rig's clock starts at 2027-01-15T08:00:00Z, a Friday
  const executionWindow = { days: ['fri' as const], start: '08:10', end: '09:00', timezone: 'UTC' };
  rig.engine.setPolicies([policy({ executionWindow })]);
  rig.win(10);
  rig.engine.propose([assign(10)]);
  await rig.settle();
  expect(rig.row(assign(10))?.message).toContain('outside executionWindow fri 08:10-09:00 UTC');
  rig.clock.advance(10 * 60_000 - 1);
  await rig.settle();
  expect(rig.executed()).toEqual([]);
  rig.clock.advance(1);
  await rig.settle();
  expect(rig.row(assign(10))?.status).toBe('succeeded');
  await rig.engine.stop();
});
