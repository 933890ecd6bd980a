import { executorContract } from '@routerd/actions/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CloudConfig } from '../../src/cloud/cloud-config.ts';
import { measureStart, observed, openStage, request, statuses, type ExecutorStage } from './executor-stage.ts';
import { exactPermissionsTest } from './exact-permissions.ts';
import { failOverTest } from './fail-over.ts';
import { killedWritesTest } from './killed-writes.ts';
import { overQuotaTest } from './over-quota.ts';

let stage: ExecutorStage;
const measured: string[] = [];

beforeAll(async () => {
  // The type with the most addresses on a NIC: 50, one of them its own.
  const adjust = (config: CloudConfig): CloudConfig => ({
    ...config,
    instances: config.instances.map((each) => ({ ...each, type: 'm5.24xlarge' })),
  });
  stage = await openStage('aws', { adjust });
});

afterAll(async () => {
  await stage?.close();
  process.stdout.write(`aws executor: ${measured.join(', ')}\n`);
});

executorContract('aws', async () => stage.contractRig());

failOverTest({
  stage: () => stage,
  perNic: 49,
  callsMax: (_, nics) => nics,
});

killedWritesTest(() => stage, 1);

exactPermissionsTest({
  stage: () => stage,
  told: ['ec2:DescribeNetworkInterfaces', 'ec2:ModifyNetworkInterfaceAttribute'],
  untold: ['ec2:AssignPrivateIpAddresses', 'ec2:UnassignPrivateIpAddresses'],
});

overQuotaTest({ stage: () => stage, addresses: 15, percent: 10 });

describe('the AWS executor', () => {
  beforeEach(async () => {
    await stage.reset();
  });

  test('answers its first request, process start and identity included, within the time that is printed', async () => {
    measured.push(...(await measureStart(stage)));
    expect(measured).toHaveLength(4);
  });

  test('carries a batch in one request', async () => {
    const bare = ['10.77.60.110', '10.77.60.111', '10.77.60.112'];
    expect(await statuses(stage.executor, request('assign-secondary-ip', stage.nicA, bare))).toEqual(
      bare.map(() => 'succeeded'),
    );
    expect((await stage.mutations()).map(({ operation }) => operation)).toEqual(['AssignPrivateIpAddresses']);
  });

  test("never takes a machine's own address, not even with permission", async () => {
    const { executor, nicA } = stage;
    const seize = request('assign-secondary-ip', nicA, ['10.77.60.11'], { seizeFrom: 'aws-router-b' });
    expect(await statuses(executor, seize)).toEqual(['failed held-elsewhere']);
    expect(await stage.mutations()).toEqual([]);
  });

  test('an error before the change is an unknown outcome, not a failure, and is not sent again', async () => {
    await stage.rig.control.layFault({ operation: 'AssignPrivateIpAddresses', kind: 'error-before', count: 1 });
    const [said] = await statuses(stage.executor, request('assign-secondary-ip', stage.nicA, ['10.77.60.110']));
    expect(said).toContain('unknown-outcome');
    expect(await stage.mutations()).toHaveLength(1);
  });

  test('a provider that never answers costs the process, and its outcome is unknown', async () => {
    const impatient = stage.open('a', 2500);
    await observed(impatient, stage.nicA); // identity and connection are not what is late
    await stage.rig.control.layFault({ operation: 'AssignPrivateIpAddresses', kind: 'hang', count: 1 });
    expect(await statuses(impatient, request('assign-secondary-ip', stage.nicA, ['10.77.60.110']))).toEqual([
      'executor.timed-out unknown-outcome: plugin aws-executor timed out after 2.5s',
    ]);
    expect(await statuses(impatient, request('assign-secondary-ip', stage.nicA, ['10.77.60.110']))).toEqual([
      'succeeded',
    ]);
  });

  test('throttling is told as such', async () => {
    await stage.rig.control.layFault({ operation: 'AssignPrivateIpAddresses', kind: 'throttle', count: 1 });
    const [said] = await statuses(stage.executor, request('assign-secondary-ip', stage.nicA, ['10.77.60.110']));
    expect(said).toContain('executor.failed throttled: assign 10.77.60.110');
    expect(said).toContain('RequestLimitExceeded');
  });

  test('waits for reads that lag behind its own write', async () => {
    await stage.rig.control.setKnobs({ readLagMs: 700 });
    expect(await statuses(stage.executor, request('assign-secondary-ip', stage.nicA, ['10.77.60.110']))).toEqual([
      'succeeded',
    ]);
  });

  test('two routers that seize from each other leave every address on exactly one of them', async () => {
    const bare = ['10.77.60.110', '10.77.60.111'];
    const seize = async (router: 'a' | 'b', epoch: number): Promise<readonly string[]> =>
      statuses(
        stage.executor,
        request('assign-secondary-ip', router === 'a' ? stage.nicA : stage.nicB, bare, {
          epoch,
          seizeFrom: `aws-router-${router === 'a' ? 'b' : 'a'}`,
        }),
      );
    await Promise.all([seize('a', 1), seize('b', 2)]);
    const { nics } = await stage.rig.control.state();
    const held = nics.flatMap(({ controlPlane }) => controlPlane.addresses).filter((one) => bare.includes(one));
    expect(held.toSorted()).toEqual(bare);
  });
});
