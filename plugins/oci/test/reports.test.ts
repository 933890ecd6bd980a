import { VERBS, type ExecutorPlugin } from '@routerd/plugin-sdk';
import { expect, test } from 'vitest';
import { createOciExecutor } from '../src/index.ts';
import { executing, MemoryNetwork } from './memory-network.ts';

const NIC = { provider: 'oci', providerRef: 'oci', nicRef: 'vnic-a', target: {} } as const;

function open(): { readonly cloud: MemoryNetwork; readonly executor: ExecutorPlugin } {
  const cloud = new MemoryNetwork();
  cloud.put('10.77.60.110', 'vnic-a', { routerdEpoch: '7' });
  cloud.put('10.77.60.111', 'vnic-b');
  return { cloud, executor: createOciExecutor(() => cloud) };
}

test('the inventory names every address of the subnet with its NIC, and counts what is used', async () => {
  const page = await open().executor.inventory?.(NIC, undefined, executing);
  expect(page).toMatchObject({
    primary: '10.77.60.4/32',
    capacity: { secondariesMax: 64, secondariesUsed: 1, subnetPrefix: '10.77.60.0/24', subnetAddressesFree: 248 },
  });
  expect(page?.nextPage).toBeUndefined();
  expect(page?.entries).toContainEqual({
    address: '10.77.60.110/32',
    nicRef: 'vnic-a',
    isPrimary: false,
    captureEpoch: 7,
  });
  expect(page?.entries).toContainEqual({ address: '10.77.60.111/32', nicRef: 'vnic-b', isPrimary: false });
  expect(page?.entries.filter(({ isPrimary }) => isPrimary)).toHaveLength(3);
});

test('a check tells present, elsewhere and absent apart', async () => {
  const asked = ['10.77.60.110/32', '10.77.60.111/32', '10.77.60.112/32'];
  const report = await open().executor.check?.(NIC, asked, executing);
  expect(report?.results.map(({ address, state, holder }) => [address, state, holder])).toEqual([
    ['10.77.60.110/32', 'present', undefined],
    ['10.77.60.111/32', 'elsewhere', 'vnic-b'],
    ['10.77.60.112/32', 'absent', undefined],
  ]);
  expect(report?.forwarding).toBe('disabled');
});

test('a preflight tries reads, and says that of writes nothing can be told', async () => {
  const report = await open().executor.preflight?.(NIC, VERBS, executing);
  const verdicts = Object.fromEntries((report?.findings ?? []).map(({ permission, verdict }) => [permission, verdict]));
  expect(verdicts).toMatchObject({ VNIC_READ: 'passed', PRIVATE_IP_READ: 'passed', PRIVATE_IP_CREATE: 'unknown' });
  expect(report?.findings.flatMap(({ actions }) => actions)).toEqual(expect.arrayContaining([...VERBS]));
});

test('what may not be seen is a permission that is missing, as far as OCI tells', async () => {
  const unseen = { ...NIC, nicRef: 'vnic-of-another-compartment' };
  const report = await open().executor.preflight?.(unseen, ['ensure-forwarding-enabled'], executing);
  expect(report?.findings.find(({ permission }) => permission === 'VNIC_READ')).toMatchObject({
    verdict: 'failed',
    remedy: 'allow the dynamic group of the router instances to use vnics in the compartment of the VNIC',
  });
});
