import { executorContract } from '@routerd/actions/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { waitUntil } from '../../src/wait-until.ts';
import { address, measureStart, openStage, request, statuses, type ExecutorStage } from './executor-stage.ts';
import { exactPermissionsTest } from './exact-permissions.ts';
import { failOverTest, withEngine } from './fail-over.ts';
import { killedWritesTest } from './killed-writes.ts';

const CAPTURED = '10.77.60.110';
const PATCH = 'instances.updateNetworkInterface';

let stage: ExecutorStage;
const measured: string[] = [];

beforeAll(async () => {
  stage = await openStage('gcp', { delays: { mutationDelayMs: 100 } });
});

afterAll(async () => {
  await stage?.close();
  process.stdout.write(`gcp executor: ${measured.join(', ')}\n`);
});

executorContract('gcp', async () => stage.contractRig());

failOverTest({
  stage: () => stage,
  perNic: 150,
  callsMax: (_, nics) => 2 * nics,
});

killedWritesTest(() => stage, 2);

exactPermissionsTest({
  stage: () => stage,
  told: [
    'compute.instances.get',
    'compute.instances.list',
    'compute.instances.update',
    'compute.instances.updateNetworkInterface',
    'compute.subnetworks.use',
    'compute.zoneOperations.get',
  ],
  untold: [],
});

describe('the GCP executor', () => {
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

  test('moves a hundred addresses with two PATCHes, one for each NIC', async () => {
    const bare = Array.from({ length: 100 }, (_, index) => `10.77.60.${100 + index}`);
    const all = bare.map(() => 'succeeded');
    expect(await assign('b', bare, { epoch: 1 })).toEqual(all);
    const before = (await stage.mutations()).length;
    expect(before).toBe(1);
    const began = performance.now();
    expect(await assign('a', bare, { epoch: 2, seizeFrom: 'gcp-router-b' })).toEqual(all);
    measured.push(`seizure of 100 addresses ${Math.round(performance.now() - began)} ms`);
    expect((await stage.mutations()).length - before).toBe(2);
  });

  test('takes the last address off, which leaves an empty list', async () => {
    await assign('a', [CAPTURED]);
    expect(await statuses(stage.executor, request('unassign-secondary-ip', stage.nicA, [CAPTURED]))).toEqual([
      'succeeded',
    ]);
    expect(await stage.holderOf(address(CAPTURED))).toBeUndefined();
  });

  test('what somebody else holds costs only itself, though GCP refuses the whole list', async () => {
    await assign('b', [CAPTURED]);
    expect(await assign('a', ['10.77.60.111', CAPTURED, '10.77.60.112'])).toEqual([
      'succeeded',
      'failed held-elsewhere',
      'succeeded',
    ]);
  });

  test("never takes a machine's own address, not even with permission", async () => {
    expect(await assign('a', ['10.77.60.16'], { seizeFrom: 'gcp-router-b' })).toEqual(['failed held-elsewhere']);
    expect(await stage.mutations()).toEqual([]);
  });

  test('takes an address only from the NIC that the plan names', async () => {
    await assign('b', [CAPTURED]);
    const named = { ...stage.nicA, target: { 'nicOf.gcp-router-c': `${stage.nicB.nicRef}0` } };
    expect(
      await statuses(stage.executor, request('assign-secondary-ip', named, [CAPTURED], { seizeFrom: 'gcp-router-c' })),
    ).toEqual(['failed held-elsewhere']);
    expect(await stage.holderOf(address(CAPTURED))).toBe(stage.nicB.nicRef);
  });

  test('a seizure that was cut off between its two changes is taken up by the next attempt', async () => {
    await assign('b', [CAPTURED], { epoch: 1 });
    await stage.rig.control.layFault({ operation: PATCH, kind: 'delay', count: 1 });
    await stage.rig.control.layFault({ operation: PATCH, kind: 'throttle', count: 1 });
    const move = { epoch: 2, seizeFrom: 'gcp-router-b' } as const;
    const [said] = await assign('a', [CAPTURED], move);
    expect(said).toMatch(/throttled/);
    expect(await stage.holderOf(address(CAPTURED))).toBeUndefined();
    expect(await assign('a', [CAPTURED], move)).toEqual(['succeeded']);
    expect(await stage.holderOf(address(CAPTURED))).toBe(stage.nicA.nicRef);
  });

  test('forwarding that cannot be changed without a restart is told with what to do', async () => {
    await stage.rig.control.setKnobs({ forwardingIsFixed: true });
    const [said] = await statuses(stage.executor, request('ensure-forwarding-enabled', stage.nicA, [CAPTURED]));
    expect(said).toMatch(/executor\.failed invalid.*create the instance with --can-ip-forward/);
    expect(await stage.isForwarding(stage.nicA)).toBe(false);
    // Somebody has set it meanwhile: the same request, asked again by an operator, finds it so.
    await stage.rig.control.setKnobs({});
    const enable = request('ensure-forwarding-enabled', stage.nicA, [CAPTURED]);
    expect(await statuses(stage.executor, enable)).toEqual(['succeeded']);
    expect(await statuses(stage.executor, enable)).toEqual(['succeeded']);
  });

  test('two routers that seize from each other leave every address on at most one of them, and the next attempt places it', async () => {
    const bare = [CAPTURED, '10.77.60.111'];
    await Promise.all([
      assign('a', bare, { epoch: 1, seizeFrom: 'gcp-router-b' }),
      assign('b', bare, { epoch: 2, seizeFrom: 'gcp-router-a' }),
    ]);
    expect(await assign('b', bare, { epoch: 2, seizeFrom: 'gcp-router-a' })).toEqual(['succeeded', 'succeeded']);
    const { nics } = await stage.rig.control.state();
    const held = nics.flatMap(({ controlPlane }) => controlPlane.addresses).filter((one) => bare.includes(one));
    expect(held.toSorted()).toEqual(bare);
  });

  test('canIpForward that cannot be changed fails for good, and is retried once the instance was made again with it', async () => {
    const { control } = stage.rig;
    await control.setKnobs({ forwardingIsFixed: true });
    await withEngine(stage, { bare: [CAPTURED], maxActionsPerRun: 8 }, async ({ engine, journal, proposals }) => {
      const [seizure] = proposals;
      if (seizure === undefined) throw new Error('no proposal');
      const idempotencyKey = seizure.idempotencyKey.replace('assign-secondary-ip', 'ensure-forwarding-enabled');
      engine.propose([{ ...seizure, verb: 'ensure-forwarding-enabled', seize: undefined, idempotencyKey }, seizure]);
      const statusOf = (id: number): string => journal.get(id)?.status ?? 'none';
      const becomes = async (id: number, status: string): Promise<true> =>
        waitUntil(`action ${id} ${status}`, () => statusOf(id) === status || undefined, { deadlineMs: 30_000 });
      await becomes(1, 'failed');
      expect(journal.get(1)).toMatchObject({ errorClass: 'invalid', attempts: 1 });
      expect(journal.get(1)?.message).toMatch(
        /cannot be changed while it runs: create the instance with --can-ip-forward/,
      );
      await control.setForwarding('gcp-router-a', true); // as an instance that was made again has it
      expect(engine.retry(1)).toMatchObject({ ok: true });
      await becomes(1, 'succeeded');
      await becomes(2, 'succeeded');
      expect(journal.get(1)?.message).toContain('alreadyPresent');
      const changes = (await stage.mutations()).map(({ operation }) => operation);
      expect(changes.filter((operation) => operation === 'instances.update')).toHaveLength(1);
    });
  });
});
