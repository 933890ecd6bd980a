import { executorContract } from '@routerd/actions/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { address, measureStart, openStage, request, statuses, type ExecutorStage } from './executor-stage.ts';
import { exactPermissionsTest } from './exact-permissions.ts';
import { failOverTest } from './fail-over.ts';
import { killedWritesTest } from './killed-writes.ts';
import { retryAfterTest } from './over-quota.ts';

const CAPTURED = '10.77.60.110';

let stage: ExecutorStage;
const measured: string[] = [];

beforeAll(async () => {
  stage = await openStage('azure', { delays: { mutationDelayMs: 100 } });
});

afterAll(async () => {
  await stage?.close();
  process.stdout.write(`azure executor: ${measured.join(', ')}\n`);
});

executorContract('azure', async () => stage.contractRig());

failOverTest({
  stage: () => stage,
  perNic: 200,
  callsMax: () => 2,
});

killedWritesTest(() => stage, 2);

exactPermissionsTest({
  stage: () => stage,
  told: [
    'Microsoft.Network/networkInterfaces/read',
    'Microsoft.Network/networkInterfaces/write',
    'Microsoft.Network/virtualNetworks/subnets/read',
    'Microsoft.Network/virtualNetworks/subnets/join/action',
  ],
  untold: [],
});

retryAfterTest(() => stage, 1000);

describe('the Azure executor', () => {
  beforeEach(async () => {
    await stage.reset();
  });

  const assign = async (
    router: 'a' | 'b',
    bare: readonly string[],
    options: Parameters<typeof request>[3] = {},
  ): Promise<readonly string[]> =>
    statuses(stage.executor, request('assign-secondary-ip', router === 'a' ? stage.nicA : stage.nicB, bare, options));

  test('answers its first request, process start and identity included, within the time that is printed', async () => {
    measured.push(...(await measureStart(stage)));
    expect(measured).toHaveLength(4);
  });

  test('carries a batch in one PUT', async () => {
    expect(await assign('a', [CAPTURED, '10.77.60.111', '10.77.60.112'])).toEqual([
      'succeeded',
      'succeeded',
      'succeeded',
    ]);
    expect(await stage.mutations()).toHaveLength(1);
  });

  test('moves a batch with two PUTs, one for each NIC', async () => {
    const bare = [CAPTURED, '10.77.60.111'];
    await assign('b', bare, { epoch: 1 });
    const before = (await stage.mutations()).length;
    const began = performance.now();
    expect(await assign('a', bare, { epoch: 2, seizeFrom: 'azure-router-b' })).toEqual(['succeeded', 'succeeded']);
    measured.push(`seizure of 2 addresses ${Math.round(performance.now() - began)} ms`);
    expect((await stage.mutations()).length - before).toBe(2);
  });

  test('does not take an address back that was taken under a newer epoch', async () => {
    await assign('a', [CAPTURED], { epoch: 5 });
    expect(await assign('b', [CAPTURED], { epoch: 4, seizeFrom: 'azure-router-a' })).toEqual(['failed held-elsewhere']);
    expect(await stage.holderOf(address(CAPTURED))).toBe(stage.nicA.nicRef);
  });

  test("never takes a machine's own address, not even with permission", async () => {
    expect(await assign('a', ['10.77.60.12'], { seizeFrom: 'azure-router-b' })).toEqual(['failed held-elsewhere']);
    expect(await stage.mutations()).toEqual([]);
  });

  test('raises the epoch of an address that it has already', async () => {
    expect(await assign('a', [CAPTURED], { epoch: 5 })).toEqual(['succeeded']);
    expect(await assign('a', [CAPTURED], { epoch: 7 })).toEqual(['succeeded']);
    expect(await assign('b', [CAPTURED], { epoch: 6, seizeFrom: 'azure-router-a' })).toEqual(['failed held-elsewhere']);
  });

  test('throttling is told with the wait that Azure asks for', async () => {
    await stage.rig.control.layFault({ operation: 'networkInterfaces.put', kind: 'throttle', count: 1 });
    const answer = await stage.executor.execute(
      request('assign-secondary-ip', stage.nicA, [CAPTURED]),
      AbortSignal.timeout(30_000),
    );
    expect(answer).toMatchObject({ ok: false, error: { errorClass: 'throttled', retryAfterMs: 1000 } });
  });

  test('two routers that seize from each other leave every address on at most one of them, and the next attempt places it', async () => {
    const bare = [CAPTURED, '10.77.60.111'];
    await Promise.all([
      assign('a', bare, { epoch: 1, seizeFrom: 'azure-router-b' }),
      assign('b', bare, { epoch: 2, seizeFrom: 'azure-router-a' }),
    ]);
    expect(await assign('b', bare, { epoch: 2, seizeFrom: 'azure-router-a' })).toEqual(['succeeded', 'succeeded']);
    const { nics } = await stage.rig.control.state();
    const held = nics.flatMap(({ controlPlane }) => controlPlane.addresses).filter((one) => bare.includes(one));
    expect(held.toSorted()).toEqual(bare);
  });

  test('tells how many calls are left, and what its own cost', async () => {
    await stage.rig.control.playCard({ card: 'quota', amount: 40 });
    const answer = await stage.executor.observe(stage.nicA, new AbortController().signal);
    if (!answer.ok) throw new Error(answer.error.detail);
    expect(answer.value.usage).toMatchObject({ reads: 1, readsLeft: expect.any(Number), writes: 0 });
    expect(answer.value.usage?.readsLeft).toBeLessThan(100);
  });
});
