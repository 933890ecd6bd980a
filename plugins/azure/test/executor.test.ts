import type { CallContext, ExecuteReport, ExecutorPlugin } from '@routerd/plugin-sdk';
import { beforeEach, describe, expect, test } from 'vitest';
import { ArmError, createAzureExecutor } from '../src/index.ts';
import { MemoryArm } from './memory-arm.ts';
import { callFor, executing, fault, nicId, requested } from './nic.ts';

let arm: MemoryArm;
let executor: ExecutorPlugin;

beforeEach(() => {
  arm = new MemoryArm();
  executor = createAzureExecutor(arm);
});

const dryRun: CallContext = {
  mode: 'dry-run',
  mutate: async (what) => {
    throw new Error(`refused to ${what}`);
  },
  note: () => undefined,
  spent: () => undefined,
};

const statusOf = (report: ExecuteReport): readonly string[] =>
  report.results.map(({ status, errorClass }) => (errorClass === undefined ? status : `${status} ${errorClass}`));
const held = (bare: string, epoch: number): { readonly name: string; readonly address: string } => ({
  name: `sam-pool-${bare.replaceAll('.', '-')}-e${epoch}`,
  address: bare,
});

async function assign(...addresses: ReturnType<typeof requested>[]): Promise<ExecuteReport> {
  return executor.execute(callFor('assign-secondary-ip', addresses), executing);
}

describe('assign', () => {
  test('writes a whole batch with one PUT that loses nothing of the document', async () => {
    const report = await assign(requested('10.77.60.10'), requested('10.77.60.12'));
    expect(statusOf(report)).toEqual(['succeeded', 'succeeded']);
    expect(arm.journal).toHaveLength(1);
    expect(arm.namesOf('a')).toEqual(['ipconfig1', 'sam-pool-10-77-60-10-e7', 'sam-pool-10-77-60-12-e7']);
    expect(arm.journal[0]?.body).toMatchObject({
      tags: { owner: 'network' },
      properties: {
        enableAcceleratedNetworking: true,
        propertyOfTheFuture: { kept: true },
        ipConfigurations: [{ properties: { loadBalancerBackendAddressPools: [{ id: 'pool' }] } }, {}, {}],
      },
    });
  });

  test('twice writes once', async () => {
    await assign(requested('10.77.60.10'));
    const report = await assign(requested('10.77.60.10'));
    expect(report.results[0]?.message).toMatch(/^alreadyPresent/);
    expect(arm.journal).toHaveLength(1);
  });

  test('raises the epoch in the name of an entry of an earlier tenure', async () => {
    await assign(requested('10.77.60.10', 7));
    expect(statusOf(await assign(requested('10.77.60.10', 9)))).toEqual(['succeeded']);
    expect(arm.namesOf('a')).toEqual(['ipconfig1', 'sam-pool-10-77-60-10-e9']);
  });

  test('of an epoch that is older than the entry is told that it is stale', async () => {
    await assign(requested('10.77.60.10', 9));
    const report = await assign(requested('10.77.60.10', 7), requested('10.77.60.12', 7));
    expect(statusOf(report)).toEqual(['failed conflict', 'succeeded']);
    expect(report.results[0]?.message).toMatch(/stale epoch 7/);
    expect(arm.namesOf('a')).toContain('sam-pool-10-77-60-10-e9');
  });

  test('without permission takes nothing, names the holder, and assigns the rest', async () => {
    arm.put('b', '10.77.60.5', [held('10.77.60.10', 3)]);
    const report = await assign(requested('10.77.60.10'), requested('10.77.60.12'));
    expect(statusOf(report)).toEqual(['failed held-elsewhere', 'succeeded']);
    expect(report.results[0]?.message).toContain(nicId('b'));
    expect(arm.addressesOf('b')).toContain('10.77.60.10');
  });

  test('with permission takes the address off its holder and puts it on ours: two writes', async () => {
    arm.put('b', '10.77.60.5', [held('10.77.60.10', 3), held('10.77.60.13', 3)]);
    const report = await assign(requested('10.77.60.10', 7, 'router-b'), requested('10.77.60.12', 7, 'router-b'));
    expect(statusOf(report)).toEqual(['succeeded', 'succeeded']);
    expect(report.observed['displacedNicRef']).toBe(nicId('b'));
    expect(arm.journal.map(({ id, addresses }) => [id, addresses])).toEqual([
      [nicId('b'), ['10.77.60.5', '10.77.60.13']],
      [nicId('a'), ['10.77.60.4', '10.77.60.10', '10.77.60.12']],
    ]);
  });

  test('waits while a released address still counts as allocated', async () => {
    arm.put('b', '10.77.60.5', [held('10.77.60.10', 3)]);
    arm.releaseLag = 2;
    expect(statusOf(await assign(requested('10.77.60.10', 7, 'router-b')))).toEqual(['succeeded']);
    expect(arm.addressesOf('a')).toContain('10.77.60.10');
  });

  test('takes up a seizure that was cut off between its two writes', async () => {
    arm.put('b', '10.77.60.5', [held('10.77.60.10', 3)]);
    arm.beforePut = (id) => {
      if (id === nicId('a')) throw new ArmError(fault('TooManyRequests', 429));
    };
    await expect(assign(requested('10.77.60.10', 7, 'router-b'))).rejects.toMatchObject({ errorClass: 'throttled' });
    expect([...arm.addressesOf('a'), ...arm.addressesOf('b')]).not.toContain('10.77.60.10');
    arm.beforePut = undefined;
    expect(statusOf(await assign(requested('10.77.60.10', 7, 'router-b')))).toEqual(['succeeded']);
    expect(arm.journal.map(({ id }) => id)).toEqual([nicId('b'), nicId('a')]);
  });

  test('what cannot be placed for good goes back to whom it was taken from, under the epoch that it had there', async () => {
    arm.put('b', '10.77.60.5', [held('10.77.60.10', 3), held('10.77.60.13', 3)]);
    arm.beforePut = (id) => {
      if (id === nicId('a')) throw new ArmError(fault('SubnetIsFull', 400));
    };
    const report = await assign(requested('10.77.60.10', 7, 'router-b'));
    expect(statusOf(report)).toEqual(['failed limit']);
    expect(report.results[0]?.message).toContain(`given back to ${nicId('b')}`);
    expect(report.observed['displacedNicRef']).toBeUndefined();
    expect(arm.namesOf('b').toSorted()).toEqual(['ipconfig1', 'sam-pool-10-77-60-10-e3', 'sam-pool-10-77-60-13-e3']);
  });

  test('what does not fit is told before anything is taken from anybody for it', async () => {
    const many = Array.from({ length: 254 }, (_, index) => held(`10.77.61.${index}`, 3));
    arm.put('a', '10.77.60.4', many);
    arm.put('b', '10.77.60.5', [held('10.77.60.10', 3), held('10.77.60.12', 3)]);
    const report = await assign(requested('10.77.60.10', 7, 'router-b'), requested('10.77.60.12', 7, 'router-b'));
    expect(statusOf(report)).toEqual(['succeeded', 'failed limit']);
    expect(arm.addressesOf('b')).toEqual(['10.77.60.5', '10.77.60.12']);
  });

  test('never takes a primary, nor from a holder of a newer epoch', async () => {
    arm.put('b', '10.77.60.5', [held('10.77.60.10', 8)]);
    const report = await assign(requested('10.77.60.10', 7, 'router-b'), requested('10.77.60.11', 7, 'router-b'));
    expect(statusOf(report)).toEqual(['failed held-elsewhere', 'failed held-elsewhere']);
    expect(report.results[0]?.message).toMatch(/since epoch 8/);
    expect(report.results[1]?.message).toMatch(/primary address/);
    expect(arm.journal).toEqual([]);
  });

  test('a holder that refuses costs only its own addresses', async () => {
    arm.put('b', '10.77.60.5', [held('10.77.60.10', 3)]);
    arm.put('c', '10.77.60.6', [held('10.77.60.12', 3)]);
    arm.beforePut = (id) => {
      if (id === nicId('c')) throw new ArmError(fault('AuthorizationFailed', 403));
    };
    const report = await assign(requested('10.77.60.10', 7, 'router-b'), requested('10.77.60.12', 7, 'router-c'));
    expect(statusOf(report)).toEqual(['succeeded', 'failed permission']);
  });

  test('a lost race is read again and merged, never overwritten', async () => {
    let isFirst = true;
    arm.beforePut = (id) => {
      if (id !== nicId('a') || !isFirst) return;
      isFirst = false;
      arm.put('a', '10.77.60.4', [{ name: 'operators-own', address: '10.77.60.99' }]);
    };
    expect(statusOf(await assign(requested('10.77.60.10')))).toEqual(['succeeded']);
    expect(arm.addressesOf('a')).toEqual(['10.77.60.4', '10.77.60.99', '10.77.60.10']);
  });

  test('a lost answer is settled by reading, without a second write', async () => {
    arm.faultAfter = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    const report = await assign(requested('10.77.60.10'));
    expect(report.results[0]?.message).toMatch(/confirmed by reading/);
    expect(arm.journal).toHaveLength(1);
  });

  test('an operation of somebody else on the NIC is a conflict', async () => {
    arm.beforePut = () => {
      throw new ArmError(fault('AnotherOperationInProgress', 409));
    };
    await expect(assign(requested('10.77.60.10'))).rejects.toMatchObject({
      errorClass: 'conflict',
      message: expect.stringContaining('(request req-1)'),
    });
  });

  test('in a dry run only looks', async () => {
    arm.put('b', '10.77.60.5', [held('10.77.60.10', 3), held('10.77.60.13', 3)]);
    const addresses = [requested('10.77.60.10', 7, 'router-b'), requested('10.77.60.12'), requested('10.77.60.13')];
    const report = await executor.execute(callFor('assign-secondary-ip', addresses, { mode: 'dry-run' }), dryRun);
    expect(statusOf(report)).toEqual(['skipped', 'skipped', 'failed held-elsewhere']);
  });
});

describe('unassign', () => {
  test('takes a batch off with one PUT; what is absent succeeds', async () => {
    await assign(requested('10.77.60.10'), requested('10.77.60.12'));
    const addresses = [requested('10.77.60.10', 8), requested('10.77.60.12', 8), requested('10.77.60.13', 8)];
    const report = await executor.execute(callFor('unassign-secondary-ip', addresses), executing);
    expect(statusOf(report)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect(arm.addressesOf('a')).toEqual(['10.77.60.4']);
    expect(arm.journal).toHaveLength(2);
  });

  test('that is older than the entry leaves it', async () => {
    await assign(requested('10.77.60.10', 9));
    const report = await executor.execute(callFor('unassign-secondary-ip', [requested('10.77.60.10', 7)]), executing);
    expect(statusOf(report)).toEqual(['failed conflict']);
    expect(arm.addressesOf('a')).toContain('10.77.60.10');
  });
});

test('forwarding is switched on with one PUT, and the prior value is told', async () => {
  const call = callFor('ensure-forwarding-enabled', [requested('10.77.60.10')]);
  expect(await executor.execute(call, executing)).toMatchObject({
    observed: { priorIpForwarding: 'false' },
    nic: { forwarding: true },
  });
  await executor.execute(call, executing);
  expect(arm.journal).toHaveLength(1);
});

test('a NIC of a scale set is refused', async () => {
  const nicRef =
    '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/x/virtualMachines/0/networkInterfaces/n';
  const nic = { provider: 'azure', providerRef: 'azure', nicRef, target: {} } as const;
  await expect(executor.observe(nic, dryRun)).rejects.toMatchObject({ errorClass: 'invalid' });
  await expect(executor.observe({ ...nic, nicRef: '' }, dryRun)).rejects.toThrow('target.nicRef is required');
});
