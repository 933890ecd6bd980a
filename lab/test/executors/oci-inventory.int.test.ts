/** The OCI inventory as a process in a router of the emulated OCI: the vendor's SDK, the instance's identity, the daemon's own runner. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { streamOf } from '../../src/cloud/oci/streaming-api.ts';
import { notAllowed } from '../../src/iam-documents.ts';
import { waitUntil } from '../../src/wait-until.ts';
import { openCloudRig, type CloudRig } from '../cloud/cloud-rig.ts';
import { runObserver, said, type ObserverReport } from './observer-run.ts';

let rig: CloudRig;
const measured: string[] = [];

beforeAll(async () => {
  rig = await openCloudRig('oci');
});

beforeEach(async () => {
  await rig.reset();
});

afterAll(async () => {
  await rig?.close();
  process.stdout.write(`oci inventory: ${measured.join(', ')}\n`);
});

const HYBRID = 'hybrid.routerd.net/v1alpha1';

async function observe(env: Readonly<Record<string, string>> = {}, guest = 'oci-router-a'): Promise<ObserverReport> {
  return runObserver(rig, {
    plugin: 'oci-inventory',
    guest,
    env: { OCI_VNIC: rig.instance('oci-router-a').nicId, ...env },
    context: [
      { apiVersion: HYBRID, kind: 'CloudProviderProfile', name: 'oci', spec: { provider: 'oci' } },
      { apiVersion: HYBRID, kind: 'AddressMobilityDomain', name: 'office', spec: { prefix: rig.config.subnet.cidr } },
      { apiVersion: HYBRID, kind: 'OverlayPeer', name: 'onprem', spec: {} },
    ],
  });
}

async function observePool(trigger: 'interval' | 'follow'): Promise<ObserverReport> {
  const { id, endpoint } = streamOf(rig.config);
  return runObserver(rig, {
    plugin: 'oci-inventory',
    guest: 'oci-router-a',
    trigger,
    env: { OCI_VNIC: rig.instance('oci-router-a').nicId, OCI_STREAM: id, OCI_STREAM_ENDPOINT: endpoint },
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

const called = async (operation: string): Promise<number> =>
  (await rig.control.journal()).filter((call) => call.operation === operation).length;

// The first of all: nothing has happened in the stream yet.
test('one that follows waits until an address is assigned, tells it, and looks again when the event has grown older', async () => {
  const client = rig.config.instances.find(({ permissions }) => permissions === 'none')?.name ?? '';
  const first = observePool('follow');
  // Each group once, and the first once more: there was nothing.
  const waits = async (): Promise<true | undefined> => (await called('GetMessages')) >= 3 || undefined;
  await waitUntil('a reader of the stream', waits, { deadlineMs: 60_000 });
  const began = performance.now();
  await rig.control.changeAddresses(client, { assign: ['10.77.60.120'] });
  const told = await first;
  measured.push(`assigned → told ${Math.round(performance.now() - began)} ms`);
  expect(said(told).events.map(({ subject }) => subject)).toContain('10.77.60.120/32');
  expect(told.stderr).toContain(`told of createprivateip ${client}\n`);
  expect(said(told).resources).toEqual([]);
  expect(await called('ConsumerCommit')).toBe(1);
  expect(await called('GetSecurityToken')).toBe(1); // what it waits with is what it looks with

  await rig.control.showNewsAgain();
  const second = await observePool('follow');
  expect(said(second).events).toEqual(said(told).events);
  expect(second.stderr).toContain(`told of createprivateip ${client} again\n`);
  const asked = (await rig.control.journal()).filter(({ service }) => service !== 'imds');
  expect(
    notAllowed(
      'oci',
      asked.map(({ operation }) => operation),
    ),
  ).toEqual([]);
  expect(asked.filter(({ mutating, service }) => mutating && service === 'api')).toEqual([]);
});

test('a stream that may not be read is no news: the run fails with its reason', async () => {
  await rig.control.layFault({ operation: 'CreateGroupCursor', kind: 'denied', count: 1 });
  const { outcome } = await observePool('follow');
  expect(outcome.ok ? '' : outcome.error.message).toMatch(/opening ocid1\.stream\S+ failed: NotAuthorizedOrNotFound/);
});

test('a secondary address of the VNIC becomes a claim, and nothing is changed at OCI', async () => {
  await rig.control.changeAddresses('oci-router-a', { assign: ['10.77.60.110'] });
  await rig.control.resetJournal();
  const began = performance.now();
  const first = said(await observe());
  measured.push(`run ${Math.round(performance.now() - began)} ms`);
  expect(first.resources).toMatchObject([
    { kind: 'RemoteAddressClaim', spec: { address: '10.77.60.110/32', delivery: { peerRef: 'onprem' } } },
  ]);
  expect(first.actionPlans).toMatchObject([{ action: 'ensure-forwarding-enabled', mode: 'dry-run' }]);
  const api = (await rig.control.journal()).filter(({ service }) => service === 'api');
  expect(new Set(api.map(({ operation }) => operation))).toEqual(
    new Set(['GetSecurityToken', 'GetVnic', 'ListPrivateIps']),
  );
  expect(api.filter(({ mutating }) => mutating)).toEqual([]);
});

test('what is wanted and nobody has is claimed with the action described; what a machine has is not', async () => {
  const machine = rig.config.instances.find(({ permissions }) => permissions === 'none');
  const wanted = `10.77.60.111/32,${machine?.privateIp ?? ''}/32`;
  const { resources, actionPlans, events } = said(await observe({ ROUTERD_ADDRESSES: wanted, ROUTERD_FACTS: 'true' }));
  expect(resources).toMatchObject([{ spec: { address: '10.77.60.111/32' } }]);
  expect(actionPlans).toMatchObject([
    { action: 'assign-secondary-ip', target: { address: '10.77.60.111/32' } },
    { action: 'ensure-forwarding-enabled' },
  ]);
  expect(events.map(({ subject }) => subject)).toContain(`${machine?.privateIp ?? ''}/32`);
});

test.each([
  ['a throttled listing', 'ListPrivateIps', 'throttle', /failed: TooManyRequests/],
  ['an answer that is lost', 'GetVnic', 'reset-after', /reading ocid1\.vnic\.\S+ failed/],
] as const)('%s fails the run with its reason, and is no empty subnet', async (_, operation, kind, reason) => {
  await rig.control.layFault({ operation, kind, count: 1 });
  const { outcome, exitCode } = await observe();
  expect(exitCode).toBe(1);
  expect(outcome.ok ? '' : outcome.error.message).toMatch(reason);
});

test('a machine without an identity gets to hear that', async () => {
  const machine = rig.config.instances.find(({ permissions }) => permissions === 'none')?.name;
  const { outcome } = await observe({}, machine);
  expect(outcome.ok ? '' : outcome.error.message).toMatch(/plugin oci-inventory failed: .*IdentityUnavailable/);
});

const factOf = ({ events }: ReturnType<typeof said>, bare: string): string | undefined =>
  events.find(({ subject }) => subject === `${bare}/32`)?.type;

test('the address of a stopped machine is held or released, seen again when it starts, and gone when it is terminated', async () => {
  const client = rig.config.instances.find(({ permissions }) => permissions === 'none');
  const { name, privateIp } = client ?? { name: '', privateIp: '' };
  const told = async (policy: 'hold' | 'release'): Promise<string | undefined> =>
    factOf(said(await observe({ ROUTERD_FACTS: 'true', ROUTERD_POWER_STATE: policy })), privateIp);

  await rig.control.setPower(name, 'off');
  expect(await told('hold')).toBe('routerd.client.ipv4.observed');
  expect(await told('release')).toBe('routerd.client.ipv4.expired');
  await rig.control.setPower(name, 'on');
  expect(await told('release')).toBe('routerd.client.ipv4.observed');
  const api = (await rig.control.journal()).filter(({ service }) => service === 'api');
  expect(api.filter(({ operation }) => operation === 'ListInstances')).toHaveLength(6); // two pages in each of three runs
  expect(api.filter(({ mutating }) => mutating)).toEqual([]);
  expect(
    notAllowed(
      'oci',
      api.map(({ operation }) => operation),
    ),
  ).toEqual([]);

  await rig.control.terminate(name); // the last thing that this rig is used for
  expect(await told('hold')).toBeUndefined();
});
