/** The AWS inventory as a process in a router of the emulated AWS: the vendor's SDK, the instance's identity, the daemon's own runner. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { queueUrlOf } from '../../src/cloud/aws/sqs-api.ts';
import { notAllowed } from '../../src/iam-documents.ts';
import { waitUntil } from '../../src/wait-until.ts';
import { openCloudRig, type CloudRig } from '../cloud/cloud-rig.ts';
import { runObserver, said, type ObserverReport } from './observer-run.ts';

let rig: CloudRig;

beforeAll(async () => {
  rig = await openCloudRig('aws');
});

afterAll(async () => {
  await rig?.close();
});

async function observe(
  policy: 'hold' | 'release',
  trigger: 'interval' | 'follow' = 'interval',
): Promise<ObserverReport> {
  const { nicId } = rig.instance('aws-router-a');
  return runObserver(rig, {
    plugin: 'aws-inventory',
    guest: 'aws-router-a',
    trigger,
    env: {
      AWS_ENI: nicId,
      AWS_REGION: rig.config.region,
      ROUTERD_POWER_STATE: policy,
      AWS_QUEUE_URL: queueUrlOf(rig.config, 'aws-router-a'),
    },
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

async function untilItWaits(): Promise<void> {
  const waits = async (): Promise<true | undefined> =>
    (await rig.control.journal()).some(({ operation, outcome }) => operation === 'ReceiveMessage' && !outcome) ||
    undefined;
  await waitUntil('a reader at the queue', waits, { deadlineMs: 60_000 });
}

test('one that follows waits until an address is assigned, tells it, and looks again when the queue shows the event again', async () => {
  for (const router of ['aws-router-a', 'aws-router-b']) await rig.control.setForwarding(router, true);
  const client = rig.config.instances.find(({ permissions }) => permissions === 'none')?.name ?? '';
  const first = observe('hold', 'follow');
  await untilItWaits();
  const began = performance.now();
  await rig.control.changeAddresses(client, { assign: ['10.77.60.120'] });
  const told = await first;
  rig.time('assigned → told', performance.now() - began);
  expect(said(told).events.map(({ subject }) => subject)).toContain('10.77.60.120/32');
  expect(told.stderr).toContain('told of AssignPrivateIpAddresses\n');
  const removals = async (): Promise<number> =>
    (await rig.control.journal()).filter(({ operation }) => operation === 'DeleteMessageBatch').length;
  expect(await removals()).toBe(0);

  await rig.control.showNewsAgain();
  const second = await observe('hold', 'follow');
  expect(said(second).events).toEqual(said(told).events);
  expect(second.stderr).toContain('told of AssignPrivateIpAddresses again\n');
  expect(await removals()).toBe(1);
  const asked = (await rig.control.journal()).filter(({ service }) => service !== 'imds');
  expect(
    notAllowed(
      'aws',
      asked.map(({ operation }) => operation),
    ),
  ).toEqual([]);
  await rig.reset();
});

test('a queue that may not be read is no news: the run fails with its reason', async () => {
  await rig.control.layFault({ operation: 'ReceiveMessage', kind: 'denied', count: 1 });
  const { outcome } = await observe('hold', 'follow');
  expect(outcome.ok ? '' : outcome.error.message).toMatch(/receiving from https:\S+ failed: AccessDenied/);
});

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
