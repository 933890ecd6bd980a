import { expect, test } from 'vitest';
import { notAllowed } from '../src/iam-documents.ts';

test('what an executor or an inventory asks is in the IAM document of its cloud', () => {
  expect(notAllowed('aws', ['DescribeNetworkInterfaces', 'AssignPrivateIpAddresses', 'DescribeInstances'])).toEqual([]);
  expect(notAllowed('azure', ['networkInterfaces.get', 'networkInterfaces.put', 'operations.get'])).toEqual([]);
  expect(notAllowed('azure', ['networkInterfaces.listAll', 'virtualMachines.listAll'])).toEqual([]);
  expect(notAllowed('oci', ['GetSecurityToken', 'ListPrivateIps', 'UpdateVnic'])).toEqual([]);
  expect(notAllowed('oci', ['ListInstances', 'ListVnicAttachments'])).toEqual([]);
  expect(notAllowed('gcp', ['instances.get', 'instances.aggregatedList', 'instances.testIamPermissions'])).toEqual([]);
  expect(notAllowed('aws', ['ReceiveMessage', 'DeleteMessageBatch'])).toEqual([]);
  expect(notAllowed('azure', ['messages.peekLock', 'messages.delete'])).toEqual([]);
  expect(notAllowed('oci', ['CreateGroupCursor', 'GetMessages', 'ConsumerCommit', 'UpdateGroup'])).toEqual([]);
  expect(notAllowed('gcp', ['subscriptions.pull', 'subscriptions.acknowledge'])).toEqual([]);
});

test('what no document allows is told', () => {
  expect(notAllowed('aws', ['AssignPrivateIp', 'DeleteNetworkInterface'])).toEqual([
    'AssignPrivateIp',
    'DeleteNetworkInterface',
  ]);
  expect(notAllowed('azure', ['virtualMachines.get'])).toEqual(['virtualMachines.get']);
  expect(notAllowed('gcp', ['instances.delete'])).toEqual(['instances.delete']);
  expect(notAllowed('oci', ['TerminateInstance'])).toEqual(['TerminateInstance']);
});
