import { VERBS, type ExecutorPlugin } from '@routerd/plugin-sdk';
import { expect, test } from 'vitest';
import { createAwsExecutor } from '../src/index.ts';
import { Ec2Fault, executing, MemoryEc2 } from './memory-ec2.ts';

const NIC = { provider: 'aws', providerRef: 'aws', nicRef: 'eni-a', target: { region: 'eu-west-1' } } as const;

function open(): { readonly cloud: MemoryEc2; readonly executor: ExecutorPlugin } {
  const cloud = new MemoryEc2();
  cloud.put('eni-a', '10.77.60.4', ['10.77.60.110']);
  cloud.put('eni-b', '10.77.60.5', ['10.77.60.111']);
  return { cloud, executor: createAwsExecutor(() => cloud) };
}

test('the inventory names every address of the subnet with its NIC, and counts what is used', async () => {
  const page = await open().executor.inventory?.(NIC, undefined, executing);
  expect(page).toMatchObject({
    primary: '10.77.60.4/32',
    capacity: { secondariesMax: 29, secondariesUsed: 1, subnetPrefix: '10.77.60.0/24', subnetAddressesFree: 248 },
  });
  expect(page?.nextPage).toBeUndefined();
  expect(page?.entries).toContainEqual({ address: '10.77.60.110/32', nicRef: 'eni-a', isPrimary: false });
  expect(page?.entries).toContainEqual({ address: '10.77.60.111/32', nicRef: 'eni-b', isPrimary: false });
  expect(page?.entries.filter(({ isPrimary }) => isPrimary)).toHaveLength(3);
});

test('a check tells present, elsewhere and absent apart', async () => {
  const asked = ['10.77.60.110/32', '10.77.60.111/32', '10.77.60.112/32'];
  const report = await open().executor.check?.(NIC, asked, executing);
  expect(report?.results.map(({ address, state, holder }) => [address, state, holder])).toEqual([
    ['10.77.60.110/32', 'present', undefined],
    ['10.77.60.111/32', 'elsewhere', 'eni-b'],
    ['10.77.60.112/32', 'absent', undefined],
  ]);
  expect(report?.forwarding).toBe('disabled');
});

test('a preflight knows what EC2 tells by reads and its dry run, and says what nobody can tell', async () => {
  const report = await open().executor.preflight?.(NIC, VERBS, executing);
  expect(report?.findings.map(({ permission, verdict }) => [permission, verdict])).toEqual([
    ['ec2:DescribeNetworkInterfaces', 'passed'],
    ['ec2:AssignPrivateIpAddresses', 'unknown'],
    ['ec2:UnassignPrivateIpAddresses', 'unknown'],
    ['ec2:ModifyNetworkInterfaceAttribute', 'passed'],
  ]);
});

test('a missing permission is named with what to do', async () => {
  const { cloud, executor } = open();
  cloud.dryRunAnswer = new Ec2Fault('UnauthorizedOperation', 'You are not authorized to perform this operation.', 403);
  const report = await executor.preflight?.(NIC, ['ensure-forwarding-enabled'], executing);
  expect(report?.findings.find(({ verdict }) => verdict === 'failed')).toMatchObject({
    permission: 'ec2:ModifyNetworkInterfaceAttribute',
    actions: ['ensure-forwarding-enabled'],
    remedy: 'allow ec2:ModifyNetworkInterfaceAttribute to the role of the instance profile, on eni-a',
  });
});
