/** The AWS inventory as a process in a router of the emulated AWS: the vendor's SDK, the instance's identity, the daemon's own runner. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { notAllowed } from '../../src/iam-documents.ts';
import { openCloudRig, type CloudRig } from '../cloud/cloud-rig.ts';
import { runObserver, said, type ObserverReport } from './observer-run.ts';

let rig: CloudRig;

beforeAll(async () => {
  rig = await openCloudRig('aws');
});

afterAll(async () => {
  await rig?.close();
});

async function observe(policy: 'hold' | 'release'): Promise<ObserverReport> {
  const { nicId } = rig.instance('aws-router-a');
  return runObserver(rig, {
    plugin: 'aws-inventory',
    guest: 'aws-router-a',
    env: { AWS_ENI: nicId, AWS_REGION: rig.config.region, ROUTERD_POWER_STATE: policy },
    context: [
      {
        apiVersion: 'mobility.routerd.net/v1alpha1',
        kind: 'MobilityPool',
        name: 'lab',
        spec: { prefix: rig.config.subnet.cidr },
      },
    ],
  });
}

test('a stopped machine is held or released, seen again when it starts, and gone when it is terminated; a router is nobody', async () => {
  for (const router of ['aws-router-a', 'aws-router-b']) await rig.control.setForwarding(router, true);
  const client = rig.config.instances.find(({ permissions }) => permissions === 'none');
  const { name, privateIp } = client ?? { name: '', privateIp: '' };
  const told = async (policy: 'hold' | 'release'): Promise<readonly string[]> =>
    said(await observe(policy)).events.map(({ type, subject, pool }) => `${type} ${subject} ${pool}`);
  const fact = (word: string): readonly string[] => [`routerd.client.ipv4.${word} ${privateIp}/32 lab`];

  await rig.control.setPower(name, 'off');
  expect(await told('hold')).toEqual(fact('observed'));
  expect(await told('release')).toEqual(fact('expired'));
  await rig.control.setPower(name, 'on');
  expect(await told('release')).toEqual(fact('observed'));
  await rig.control.terminate(name);
  expect(await told('hold')).toEqual([]);
  const api = (await rig.control.journal()).filter(({ service }) => service === 'api');
  expect(new Set(api.map(({ operation }) => operation))).toEqual(
    new Set(['DescribeNetworkInterfaces', 'DescribeInstances']),
  );
  expect(
    notAllowed(
      'aws',
      api.map(({ operation }) => operation),
    ),
  ).toEqual([]);
});

test('a listing that is refused fails the run with its reason, and is no empty subnet', async () => {
  await rig.control.layFault({ operation: 'DescribeInstances', kind: 'denied', count: 1 });
  const { outcome, exitCode } = await observe('hold');
  expect(exitCode).toBe(1);
  expect(outcome.ok ? '' : outcome.error.message).toMatch(/listing the instances of \S+ failed: UnauthorizedOperation/);
});
