import { VERBS, type ExecutorPlugin } from '@routerd/plugin-sdk';
import { expect, test } from 'vitest';
import { createGcpExecutor } from '../src/index.ts';
import { executing, MemoryCompute, nicRef } from './memory-compute.ts';

const NIC = { provider: 'gcp', providerRef: 'gcp', nicRef: nicRef('a'), target: {} } as const;

function open(): { readonly cloud: MemoryCompute; readonly executor: ExecutorPlugin } {
  const cloud = new MemoryCompute();
  cloud.put('a', '10.77.60.14', ['10.77.60.110/32']);
  cloud.put('b', '10.77.60.15', ['10.77.60.111/32']);
  return { cloud, executor: createGcpExecutor(cloud) };
}

test('the inventory names every address of the subnet with its NIC, and counts what is used', async () => {
  const page = await open().executor.inventory?.(NIC, undefined, executing);
  expect(page).toMatchObject({ primary: '10.77.60.14/32', capacity: { secondariesMax: 150, secondariesUsed: 1 } });
  expect(page?.nextPage).toBeUndefined();
  expect(page?.entries).toContainEqual({ address: '10.77.60.110/32', nicRef: nicRef('a'), isPrimary: false });
  expect(page?.entries).toContainEqual({ address: '10.77.60.111/32', nicRef: nicRef('b'), isPrimary: false });
  expect(page?.entries.filter(({ isPrimary }) => isPrimary)).toHaveLength(3);
});

test('a check tells present, elsewhere and absent apart', async () => {
  const asked = ['10.77.60.110/32', '10.77.60.111/32', '10.77.60.112/32'];
  const report = await open().executor.check?.(NIC, asked, executing);
  expect(report?.results.map(({ address, state, holder }) => [address, state, holder])).toEqual([
    ['10.77.60.110/32', 'present', undefined],
    ['10.77.60.111/32', 'elsewhere', nicRef('b')],
    ['10.77.60.112/32', 'absent', undefined],
  ]);
  expect(report?.forwarding).toBe('disabled');
});

test('a preflight is what the service tests, and what can be tried', async () => {
  const report = await open().executor.preflight?.(NIC, VERBS, executing);
  expect(report?.findings.map(({ permission, verdict }) => [permission, verdict])).toEqual([
    ['compute.instances.get', 'passed'],
    ['compute.instances.updateNetworkInterface', 'passed'],
    ['compute.instances.update', 'passed'],
    ['compute.subnetworks.use', 'passed'],
    ['compute.instances.list', 'passed'],
    ['compute.zoneOperations.get', 'passed'],
  ]);
});

test('a missing permission is named with what to do', async () => {
  const { cloud, executor } = open();
  cloud.permissions = ['compute.instances.get', 'compute.subnetworks.use'];
  const report = await executor.preflight?.(NIC, ['unassign-secondary-ip'], executing);
  expect(report?.findings.filter(({ verdict }) => verdict === 'failed')).toMatchObject([
    {
      permission: 'compute.instances.updateNetworkInterface',
      actions: ['unassign-secondary-ip'],
      remedy: 'grant compute.instances.updateNetworkInterface to the service account of the instance',
    },
  ]);
});

test('a preflight looks at the NICs of the routers that addresses are taken from, too, and tries to read an operation', async () => {
  const { cloud, executor } = open();
  cloud.hasOperations = false;
  cloud.permissions = ['compute.instances.get', 'compute.subnetworks.use'];
  const nic = { ...NIC, target: { 'nicOf.router-b': nicRef('b') } };
  const report = await executor.preflight?.(nic, ['assign-secondary-ip'], executing);
  const failed = report?.findings.filter(({ verdict }) => verdict === 'failed') ?? [];
  expect(failed.map(({ message }) => message)).toEqual([
    'compute.instances.updateNetworkInterface: tested on projects/p/zones/z/instances/a',
    expect.stringContaining('compute.zoneOperations.get: '),
    'compute.instances.updateNetworkInterface: tested on projects/p/zones/z/instances/b',
  ]);
});
