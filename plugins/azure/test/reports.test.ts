import { VERBS, type ExecutorPlugin } from '@routerd/plugin-sdk';
import { expect, test } from 'vitest';
import { createAzureExecutor } from '../src/index.ts';
import { MemoryArm } from './memory-arm.ts';
import { executing, nicId } from './nic.ts';

const NIC = { provider: 'azure', providerRef: 'azure', nicRef: nicId('a'), target: {} } as const;

function open(): { readonly cloud: MemoryArm; readonly executor: ExecutorPlugin } {
  const cloud = new MemoryArm();
  cloud.put('a', '10.77.60.4', [{ name: 'sam-pool-10-77-60-110-e7', address: '10.77.60.110' }]);
  cloud.put('b', '10.77.60.5', [{ name: 'by-hand', address: '10.77.60.111' }]);
  return { cloud, executor: createAzureExecutor(cloud) };
}

test('the inventory names every address of the subnet with its NIC, and counts what is used', async () => {
  const page = await open().executor.inventory?.(NIC, undefined, executing);
  expect(page).toMatchObject({
    primary: '10.77.60.4/32',
    capacity: { secondariesMax: 255, secondariesUsed: 1, subnetPrefix: '10.77.60.0/24', subnetAddressesFree: 246 },
  });
  expect(page?.nextPage).toBeUndefined();
  expect(page?.entries).toContainEqual({
    address: '10.77.60.110/32',
    nicRef: nicId('a'),
    isPrimary: false,
    captureEpoch: 7,
  });
  expect(page?.entries).toContainEqual({ address: '10.77.60.111/32', nicRef: nicId('b'), isPrimary: false });
  expect(page?.entries.filter(({ isPrimary }) => isPrimary)).toHaveLength(3);
});

test('a check tells present, elsewhere and absent apart', async () => {
  const asked = ['10.77.60.110/32', '10.77.60.111/32', '10.77.60.112/32'];
  const report = await open().executor.check?.(NIC, asked, executing);
  expect(report?.results.map(({ address, state, holder }) => [address, state, holder])).toEqual([
    ['10.77.60.110/32', 'present', undefined],
    ['10.77.60.111/32', 'elsewhere', nicId('b')],
    ['10.77.60.112/32', 'absent', undefined],
  ]);
  expect(report?.forwarding).toBe('disabled');
});

test('a preflight finds every permission in the roles, wildcards and all', async () => {
  const report = await open().executor.preflight?.(NIC, VERBS, executing);
  expect(report?.findings.map(({ permission, verdict }) => [permission, verdict])).toEqual([
    ['Microsoft.Network/networkInterfaces/read', 'passed'],
    ['Microsoft.Network/networkInterfaces/write', 'passed'],
    ['Microsoft.Network/virtualNetworks/subnets/join/action', 'passed'],
    ['Microsoft.Network/virtualNetworks/subnets/read', 'passed'],
    ['Microsoft.Network/loadBalancers/backendAddressPools/join/action', 'passed'],
  ]);
});

test('a missing permission is named with its scope; what one role leaves out another may give', async () => {
  const { cloud, executor } = open();
  cloud.permissions = [
    { actions: ['*/read', '*/backendAddressPools/join/action'], notActions: [] },
    { actions: ['microsoft.network/networkinterfaces/*'], notActions: ['Microsoft.Network/networkInterfaces/read'] },
  ];
  const report = await executor.preflight?.(NIC, ['assign-secondary-ip'], executing);
  expect(report?.findings.filter(({ verdict }) => verdict === 'failed')).toMatchObject([
    {
      permission: 'Microsoft.Network/virtualNetworks/subnets/join/action',
      actions: ['assign-secondary-ip'],
      remedy: expect.stringMatching(/managed identity a role with .*join\/action on .*subnets\/mobility/),
    },
  ]);
});

test('a preflight wants the right to join whatever the NIC is joined to, and to write the NICs that addresses are taken from', async () => {
  const { cloud, executor } = open();
  const joined = (list: string, id: string) => ({ [list]: [{ id }] });
  cloud.join('a', {
    publicIPAddress: { id: '/public' },
    ...joined('applicationSecurityGroups', '/asg'),
    ...joined('loadBalancerBackendAddressPools', '/pool'),
  });
  cloud.permissions = [{ actions: ['Microsoft.Network/networkInterfaces/read'], notActions: [] }];
  const nic = { ...NIC, target: { 'nicOf.router-b': nicId('b') } };
  const report = await executor.preflight?.(nic, ['assign-secondary-ip'], executing);
  const failed = report?.findings.filter(({ verdict }) => verdict === 'failed') ?? [];
  expect(failed.map(({ message }) => message.replace('not among what is granted on', 'on'))).toEqual([
    `Microsoft.Network/networkInterfaces/write: on ${nicId('a')}`,
    expect.stringContaining('Microsoft.Network/virtualNetworks/subnets/join/action: on'),
    expect.stringContaining('Microsoft.Network/virtualNetworks/subnets/read: on'),
    'Microsoft.Network/publicIPAddresses/join/action: on /public',
    'Microsoft.Network/applicationSecurityGroups/joinIpConfiguration/action: on /asg',
    'Microsoft.Network/loadBalancers/backendAddressPools/join/action: on /pool',
    'Microsoft.Network/loadBalancers/backendAddressPools/join/action: on pool',
    `Microsoft.Network/networkInterfaces/write: on ${nicId('b')}`,
  ]);
});
