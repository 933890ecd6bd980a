import { executorContract } from '@routerd/actions/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { address, measureStart, openStage, request, statuses, type ExecutorStage } from './executor-stage.ts';
import { exactPermissionsTest } from './exact-permissions.ts';
import { failOverTest } from './fail-over.ts';
import { killedWritesTest } from './killed-writes.ts';
import { overQuotaTest } from './over-quota.ts';

const CAPTURED = '10.77.60.110';

let stage: ExecutorStage;
const measured: string[] = [];

beforeAll(async () => {
  stage = await openStage('oci');
});

afterAll(async () => {
  await stage?.close();
  process.stdout.write(`oci executor: ${measured.join(', ')}\n`);
});

executorContract('oci', async () => stage.contractRig());

failOverTest({
  stage: () => stage,
  perNic: 64,
  callsMax: (addresses) => addresses,
});

killedWritesTest(() => stage, 1);

exactPermissionsTest({
  stage: () => stage,
  told: ['PRIVATE_IP_READ', 'VNIC_READ'],
  untold: ['PRIVATE_IP_CREATE', 'PRIVATE_IP_UPDATE', 'PRIVATE_IP_DELETE', 'VNIC_UPDATE'],
});

overQuotaTest({ stage: () => stage, addresses: 5, percent: 20 });

describe('the OCI executor', () => {
  beforeEach(async () => {
    await stage.reset();
  });

  const assign = async (
    router: 'a' | 'b',
    bare: readonly string[],
    options: Parameters<typeof request>[3] = {},
  ): Promise<readonly string[]> =>
    statuses(stage.executor, request('assign-secondary-ip', router === 'a' ? stage.nicA : stage.nicB, bare, options));
  const operations = async (): Promise<readonly string[]> =>
    (await stage.mutations()).map(({ operation }) => operation);

  test('answers its first request, process start and identity included, within the time that is printed', async () => {
    measured.push(...(await measureStart(stage)));
    expect(measured).toHaveLength(4);
  });

  test('assigns a batch with one call for each address', async () => {
    const bare = [CAPTURED, '10.77.60.111', '10.77.60.112', '10.77.60.113', '10.77.60.114'];
    const began = performance.now();
    expect(await assign('a', bare)).toEqual(bare.map(() => 'succeeded'));
    measured.push(`assign of 5 addresses ${Math.round(performance.now() - began)} ms`);
    expect(await operations()).toEqual(bare.map(() => 'CreatePrivateIp'));
  });

  test('moves an address with one write', async () => {
    await assign('b', [CAPTURED], { epoch: 1 });
    expect(await assign('a', [CAPTURED], { epoch: 2, seizeFrom: 'oci-router-b' })).toEqual(['succeeded']);
    expect(await operations()).toEqual(['CreatePrivateIp', 'UpdatePrivateIp']);
  });

  test('does not take an address back that was taken under a newer epoch, nor lets go of it', async () => {
    await assign('a', [CAPTURED], { epoch: 5 });
    expect(await assign('b', [CAPTURED], { epoch: 4, seizeFrom: 'oci-router-a' })).toEqual(['failed held-elsewhere']);
    const late = request('unassign-secondary-ip', stage.nicA, [CAPTURED], { epoch: 4 });
    expect(await statuses(stage.executor, late)).toEqual(['failed conflict']);
    expect(await stage.holderOf(address(CAPTURED))).toBe(stage.nicA.nicRef);
  });

  test("never takes a machine's own address, not even with permission", async () => {
    expect(await assign('a', ['10.77.60.13'], { seizeFrom: 'oci-router-b' })).toEqual(['failed held-elsewhere']);
    expect(await operations()).toEqual([]);
  });

  // OCI remembers retry tokens for a day, and a tenure has one: tests that count requests have a tenure of their own.
  test('assigns again what was taken off, under the same epoch', async () => {
    await assign('a', [CAPTURED], { epoch: 3 });
    await stage.rig.control.changeAddresses('oci-router-a', { unassign: [CAPTURED] });
    expect(await assign('a', [CAPTURED], { epoch: 3 })).toEqual(['succeeded']);
  });

  test.each([
    ['error-after', 21],
    ['reset-after', 22],
  ] as const)('settles a lost answer (%s) by reading, and sends the change once', async (kind, epoch) => {
    await stage.rig.control.layFault({ operation: 'CreatePrivateIp', kind, count: 1 });
    expect(await assign('a', [CAPTURED], { epoch })).toEqual(['succeeded']);
    expect(await operations()).toHaveLength(1);
  });

  test('throttling is told as such', async () => {
    await stage.rig.control.layFault({ operation: 'CreatePrivateIp', kind: 'throttle', count: 1 });
    const [said] = await assign('a', [CAPTURED]);
    expect(said).toContain('executor.failed throttled: assign 10.77.60.110');
  });

  test('two routers that seize from each other leave every address on exactly one of them', async () => {
    const bare = [CAPTURED, '10.77.60.111'];
    await Promise.all([
      assign('a', bare, { epoch: 1, seizeFrom: 'oci-router-b' }),
      assign('b', bare, { epoch: 2, seizeFrom: 'oci-router-a' }),
    ]);
    const { nics } = await stage.rig.control.state();
    const held = nics.flatMap(({ controlPlane }) => controlPlane.addresses).filter((one) => bare.includes(one));
    expect(held.toSorted()).toEqual(bare);
  });
});
