import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { waitUntil } from '../../src/wait-until.ts';
import { openCloudRig, type CloudRig } from './cloud-rig.ts';
import { errorOf, type SdkOutcome, type SdkShell } from '../../src/vendor-sdk/sdk-shell.ts';

const CAPTURED = '10.77.60.10';

let rig: CloudRig;
let routerA: SdkShell;
let routerB: SdkShell;

beforeAll(async () => {
  rig = await openCloudRig('aws');
  [routerA, routerB] = await Promise.all([rig.sdk('aws-router-a'), rig.sdk('aws-router-b')]);
  // The captured address lives elsewhere; here the routers themselves answer for it.
  for (const name of ['aws-router-a', 'aws-router-b']) await rig.guest(name).ip([`addr add ${CAPTURED}/32 dev lo`]);
});

afterAll(async () => {
  await rig?.close();
});

beforeEach(async () => {
  await rig.reset();
});

const nicOf = (name: string): string => rig.instance(name).nicId;
const assign = async (sdk: SdkShell, to: string, addresses: readonly string[], force = false): Promise<SdkOutcome> =>
  sdk.call('AssignPrivateIpAddresses', {
    NetworkInterfaceId: nicOf(to),
    PrivateIpAddresses: addresses,
    ...(force ? { AllowReassignment: true } : {}),
  });
const unassign = async (sdk: SdkShell, from: string, addresses: readonly string[]): Promise<SdkOutcome> =>
  sdk.call('UnassignPrivateIpAddresses', { NetworkInterfaceId: nicOf(from), PrivateIpAddresses: addresses });
const packetsReach = async (name: string): Promise<void> => rig.fabricHas(name, CAPTURED);

test('a router reads its own NIC and the inventory of its subnet', async () => {
  const own = await routerA.call('DescribeNetworkInterfaces', { NetworkInterfaceIds: [nicOf('aws-router-a')] });
  expect(own).toMatchObject({
    ok: true,
    value: {
      NetworkInterfaces: [
        {
          PrivateIpAddress: '10.77.60.4',
          SourceDestCheck: true,
          SubnetId: rig.config.subnet.id,
          PrivateIpAddresses: [{ PrivateIpAddress: '10.77.60.4', Primary: true }],
          Attachment: { InstanceId: rig.instance('aws-router-a').instanceId },
        },
      ],
    },
  });
  const inventory = await routerA.call('DescribeNetworkInterfaces', {
    Filters: [{ Name: 'subnet-id', Values: [rig.config.subnet.id] }],
    MaxResults: 1000,
  });
  expect(inventory).toMatchObject({ ok: true, value: { NetworkInterfaces: { length: 3 } } });
  const holder = await routerA.call('DescribeNetworkInterfaces', {
    Filters: [{ Name: 'addresses.private-ip-address', Values: ['10.77.60.11'] }],
  });
  expect(holder).toMatchObject({ value: { NetworkInterfaces: [{ NetworkInterfaceId: nicOf('aws-client') }] } });
});

test('packets follow an assignment, a forced move and an unassignment, each after the API said so', async () => {
  expect(await rig.pings('aws-client', CAPTURED)).toBe(false);
  expect(await assign(routerA, 'aws-router-a', [CAPTURED])).toMatchObject({ ok: true });
  await packetsReach('aws-router-a');
  expect(await rig.reaches('aws-client', CAPTURED)).toBe(true);

  expect(errorOf(await assign(routerB, 'aws-router-b', [CAPTURED]))).toBe(
    `400 InvalidParameterValue: [${CAPTURED}] assigned, but move is not allowed.`,
  );
  expect(await assign(routerB, 'aws-router-b', [CAPTURED], true)).toMatchObject({ ok: true });
  await packetsReach('aws-router-b');
  await rig.guest('aws-router-a').ip([`addr del ${CAPTURED}/32 dev lo`]);
  expect(await rig.reaches('aws-client', CAPTURED)).toBe(true);
  await rig.guest('aws-router-a').ip([`addr add ${CAPTURED}/32 dev lo`]);

  expect(errorOf(await unassign(routerA, 'aws-router-a', [CAPTURED]))).toContain('are not assigned to interface');
  expect(await unassign(routerB, 'aws-router-b', [CAPTURED])).toMatchObject({ ok: true });
  await waitUntil('the release', async () => !(await rig.pings('aws-client', CAPTURED)) || undefined, {
    deadlineMs: 30_000,
  });
});

test('a move under traffic loses no packet', async () => {
  await assign(routerA, 'aws-router-a', [CAPTURED]);
  await packetsReach('aws-router-a');
  const replies: string[] = [];
  const ping = await rig
    .guest('aws-client')
    .stream(['ping', '-n', '-i', '0.005', '-c', '200', '-W', '1', CAPTURED], (line) => replies.push(line));
  for (const to of ['aws-router-b', 'aws-router-a', 'aws-router-b', 'aws-router-a']) {
    expect(await assign(routerA, to, [CAPTURED], true)).toMatchObject({ ok: true });
    await packetsReach(to);
  }
  await ping.exited;
  expect(replies.find((line) => line.includes('packets transmitted'))).toContain(' 0% packet loss');
});

test('the source/destination check holds until it is switched off, and then lets through what is not the NIC’s own', async () => {
  const router = rig.guest('aws-router-a');
  await router.sysctl({ 'net.ipv4.ip_forward': 1 });
  await router.ip(['addr replace 10.99.0.1/32 dev lo']);
  const foreign = async (): Promise<boolean> =>
    (await router.exec(['ping', '-n', '-c', '1', '-W', '1', '-I', '10.99.0.1', '10.77.60.11'])).ok;
  const dropped = async (): Promise<number> => (await rig.control.state()).dropped['srcdrop'] ?? 0;
  const before = await dropped();
  expect(await foreign()).toBe(false);
  expect(await dropped()).toBe(before + 1);
  const off = await routerA.call('ModifyNetworkInterfaceAttribute', {
    NetworkInterfaceId: nicOf('aws-router-a'),
    SourceDestCheck: { Value: false },
  });
  expect(off).toMatchObject({ ok: true });
  await waitUntil(
    'the check to be off',
    async () => {
      const { nics } = await rig.control.state();
      return nics[0]?.fabric.forwarding || undefined;
    },
    { deadlineMs: 30_000 },
  );
  expect(await foreign()).toBe(false); // the fabric knows no way back to 10.99.0.1, but lets the request pass
  expect(await dropped()).toBe(before + 1);
  await routerA.call('ModifyNetworkInterfaceAttribute', {
    NetworkInterfaceId: nicOf('aws-router-a'),
    SourceDestCheck: { Value: true },
  });
});

test('assigning what the NIC has already succeeds, and one bad address of several spoils all', async () => {
  expect(await assign(routerA, 'aws-router-a', [CAPTURED])).toMatchObject({ ok: true });
  expect(await assign(routerA, 'aws-router-a', [CAPTURED])).toMatchObject({ ok: true });
  const refusals = [
    [['10.77.60.20', '10.77.61.1'], /outside|does not fall within the subnet's address range/],
    [['10.77.60.20', '10.77.60.1'], /reserved address range/],
    [['10.77.60.20', '10.77.60.11'], /secondary-addresses/],
  ] as const;
  for (const [addresses, message] of refusals) {
    expect(errorOf(await assign(routerA, 'aws-router-a', addresses, true))).toMatch(message);
  }
  const { nics } = await rig.control.state();
  expect(nics[0]?.controlPlane.addresses).toEqual(['10.77.60.4', CAPTURED]);
});

test('a NIC takes as many addresses as its instance type allows, the primary included', async () => {
  const many = Array.from({ length: 29 }, (_, index) => `10.77.60.${100 + index}`);
  expect(await assign(routerA, 'aws-router-a', many)).toMatchObject({ ok: true });
  expect(errorOf(await assign(routerA, 'aws-router-a', ['10.77.60.200']))).toBe(
    '400 PrivateIpAddressLimitExceeded: Number of private addresses will exceed limit.',
  );
  const types = await routerA.call('DescribeInstanceTypes', { InstanceTypes: ['c6i.4xlarge'] });
  expect(types).toMatchObject({ value: { InstanceTypes: [{ NetworkInfo: { Ipv4AddressesPerInterface: 30 } }] } });
});

test('a router may not touch a client’s NIC, and a client has no identity at all', async () => {
  expect(errorOf(await assign(routerA, 'aws-client', [CAPTURED]))).toMatch(/^403 UnauthorizedOperation/);
  const client = await rig.sdk('aws-client');
  const outcome = await assign(client, 'aws-router-a', [CAPTURED]);
  expect(errorOf(outcome)).toContain('CredentialsProviderError');
  const journal = await rig.control.journal();
  expect(journal.filter(({ service }) => service === 'api').map(({ principal }) => principal)).toEqual([
    'aws-router-a',
  ]);
});

test('throttling, server errors and resets look like the vendor’s, and tell the truth afterwards', async () => {
  await rig.control.layFault({ operation: 'AssignPrivateIpAddresses', kind: 'throttle' });
  expect(errorOf(await assign(routerA, 'aws-router-a', [CAPTURED]))).toMatch(/^503 RequestLimitExceeded/);
  await rig.control.layFault({ operation: 'AssignPrivateIpAddresses', kind: 'error-after' });
  expect(errorOf(await assign(routerA, 'aws-router-a', [CAPTURED]))).toMatch(/^500 InternalError/);
  expect((await rig.control.state()).nics[0]?.controlPlane.addresses).toContain(CAPTURED);
  await rig.control.layFault({ operation: 'UnassignPrivateIpAddresses', kind: 'reset-after' });
  expect(errorOf(await unassign(routerA, 'aws-router-a', [CAPTURED]))).toContain('ECONNRESET');
  expect((await rig.control.state()).nics[0]?.controlPlane.addresses).not.toContain(CAPTURED);
  const counted = (await rig.control.journal()).filter(({ mutating }) => mutating);
  expect(counted.map(({ outcome }) => [outcome?.status, outcome?.fault])).toEqual([
    [503, 'throttle'],
    [500, 'error-after'],
    [0, 'reset-after'],
  ]);
});

test('with a read lag, describes tell what was true before', async () => {
  await rig.control.setKnobs({ readLagMs: 60_000 });
  expect(await assign(routerA, 'aws-router-a', [CAPTURED])).toMatchObject({ ok: true });
  const read = async (): Promise<SdkOutcome> =>
    routerA.call('DescribeNetworkInterfaces', {
      Filters: [{ Name: 'addresses.private-ip-address', Values: [CAPTURED] }],
    });
  expect(await read()).toMatchObject({ value: { NetworkInterfaces: [] } });
  await rig.control.setKnobs({});
  expect(await read()).toMatchObject({ value: { NetworkInterfaces: [{ NetworkInterfaceId: nicOf('aws-router-a') }] } });
});

test('the watch tells of a capture when the kernel has it', async () => {
  const events: unknown[] = [];
  const watch = await rig.control.watch((event) => events.push(event));
  const began = Date.now();
  await assign(routerA, 'aws-router-a', [CAPTURED]);
  await waitUntil('the event', () => events.length > 0 || undefined, { deadlineMs: 30_000 });
  watch.stop();
  expect(events).toMatchObject([{ event: 'fabric.captured', address: CAPTURED, holder: 'aws-router-a' }]);
  expect(events[0]).toHaveProperty('at', expect.any(Number));
  expect((events[0] as { readonly at: number }).at).toBeGreaterThanOrEqual(began + 30);
});
