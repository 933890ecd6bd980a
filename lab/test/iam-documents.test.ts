import { expect, test } from 'vitest';
import { notAllowed } from '../src/iam-documents.ts';

test('what an executor asks is in the IAM document of its cloud', () => {
  expect(notAllowed('aws', ['DescribeNetworkInterfaces', 'AssignPrivateIpAddresses'])).toEqual([]);
  expect(notAllowed('azure', ['networkInterfaces.get', 'networkInterfaces.put', 'operations.get'])).toEqual([]);
  expect(notAllowed('oci', ['GetSecurityToken', 'ListPrivateIps', 'UpdateVnic'])).toEqual([]);
});

test('what no document allows is told', () => {
  expect(notAllowed('aws', ['AssignPrivateIp', 'DeleteNetworkInterface'])).toEqual([
    'AssignPrivateIp',
    'DeleteNetworkInterface',
  ]);
  expect(notAllowed('azure', ['virtualMachines.get'])).toEqual(['virtualMachines.get']);
  expect(notAllowed('oci', ['TerminateInstance'])).toEqual(['TerminateInstance']);
});
