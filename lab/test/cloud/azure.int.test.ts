import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { waitUntil } from '../../src/wait-until.ts';
import { openCloudRig, type CloudRig } from './cloud-rig.ts';
import { errorOf, type SdkOutcome, type SdkShell } from '../../src/vendor-sdk/sdk-shell.ts';

const CAPTURED = '10.77.60.10';

let rig: CloudRig;
let routerA: SdkShell;
let routerB: SdkShell;

beforeAll(async () => {
  rig = await openCloudRig('azure', { delays: { mutationDelayMs: 100 } });
  [routerA, routerB] = await Promise.all([rig.sdk('azure-router-a'), rig.sdk('azure-router-b')]);
  for (const name of ['azure-router-a', 'azure-router-b']) await rig.guest(name).ip([`addr add ${CAPTURED}/32 dev lo`]);
});

afterAll(async () => {
  await rig?.close();
});

beforeEach(async () => {
  await rig.reset();
});

interface IpConfiguration {
  readonly name: string;
  readonly properties: { readonly privateIPAddress: string; readonly primary: boolean };
}

interface NicDocument {
  readonly etag: string;
  readonly location: string;
  readonly properties: {
    readonly provisioningState: string;
    readonly enableIPForwarding: boolean;
    readonly ipConfigurations: readonly IpConfiguration[];
  };
}

const idOf = (name: string): string => rig.instance(name).nicId;

async function read(sdk: SdkShell, name: string): Promise<NicDocument> {
  const outcome = await sdk.call('GET', { path: idOf(name) });
  if (!outcome.ok) throw new Error(errorOf(outcome));
  return (outcome.value as { readonly body: NicDocument }).body;
}

const entry = (address: string, name = `sam-${address}`): unknown => ({
  name,
  properties: {
    privateIPAddress: address,
    privateIPAllocationMethod: 'Static',
    privateIPAddressVersion: 'IPv4',
    primary: false,
    subnet: { id: rig.config.subnet.id },
  },
});

interface PutOptions {
  readonly add?: readonly unknown[];
  readonly remove?: readonly string[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly ifMatch?: string;
  readonly wait?: boolean;
}

/** GET, change, PUT under the etag that was read. */
async function put(sdk: SdkShell, name: string, options: PutOptions): Promise<SdkOutcome> {
  const { add = [], remove = [], properties = {}, wait = true } = options;
  const document = await read(sdk, name);
  const kept = document.properties.ipConfigurations.filter(
    (each) => !remove.includes(each.properties.privateIPAddress),
  );
  const body = {
    ...document,
    properties: { ...document.properties, ...properties, ipConfigurations: [...kept, ...add] },
  };
  const headers = { 'If-Match': options.ifMatch ?? document.etag };
  return sdk.call('PUT', { path: idOf(name), body, headers, wait });
}

test('a router finds its NIC in the list, following pages, and the holders in its subnet', async () => {
  const group = idOf('azure-router-a').slice(0, idOf('azure-router-a').lastIndexOf('/'));
  const first = await routerA.call('GET', { path: group });
  expect(first).toMatchObject({
    value: { body: { value: { length: 2 }, nextLink: expect.stringContaining('https://') } },
  });
  const { nextLink } = (first as { value: { body: { nextLink: string } } }).value.body;
  const second = await routerA.call('GET', { path: nextLink, query: {} });
  expect(second).toMatchObject({ value: { body: { value: { length: 1 } } } });
  expect(second).not.toHaveProperty('value.body.nextLink');
  const subnet = await routerA.call('GET', { path: rig.config.subnet.id, query: { $expand: 'ipConfigurations' } });
  expect(subnet).toMatchObject({ value: { body: { properties: { ipConfigurations: { length: 3 } } } } });
  const network = rig.config.subnet.id.slice(0, rig.config.subnet.id.indexOf('/subnets/'));
  const availability = await routerA.call('GET', {
    path: `${network}/CheckIPAddressAvailability`,
    query: { ipAddress: '10.77.60.12' },
  });
  expect(availability).toMatchObject({ value: { body: { available: false } } });
});

test('the instance document is told whole and in parts, to whom says that it wants metadata', async () => {
  const program = `const [path, ...headers] = process.argv.slice(1);
    const url = 'http://169.254.169.254/metadata/' + path + '?api-version=2021-02-01';
    const reply = await fetch(url, { headers: Object.fromEntries(headers.map((name) => [name, 'true'])) });
    console.log(reply.status, await reply.text());`;
  const ask = async (...words: readonly string[]): Promise<string> =>
    (
      await rig.guest('azure-router-a').output([process.execPath, '--input-type=module', '-e', program, ...words])
    ).trim();
  expect(await ask('instance', 'Metadata')).toContain('"macAddress":"02000A4D3C06"');
  expect(await ask('instance/compute', 'Metadata')).toContain('"location":"westeurope"');
  expect(await ask('instance/compute/vmSize', 'Metadata')).toBe('200 Standard_D4s_v5');
  expect(await ask('instance/nothing', 'Metadata')).toContain('404');
  expect(await ask('instance')).toContain('400');
});

test('one PUT adds an address and switches forwarding on; etags change on acceptance and on completion', async () => {
  const before = await read(routerA, 'azure-router-a');
  const accepted = await put(routerA, 'azure-router-a', {
    add: [entry(CAPTURED)],
    properties: { enableIPForwarding: true },
    wait: false,
  });
  expect(accepted).toMatchObject({ ok: true, value: { status: 200, headers: { 'retry-after': '0' } } });
  const updating = await read(routerA, 'azure-router-a');
  expect(updating.properties.provisioningState).toBe('Updating');
  await rig.fabricHas('azure-router-a', CAPTURED);
  const after = await read(routerA, 'azure-router-a');
  expect(after.properties).toMatchObject({ provisioningState: 'Succeeded', enableIPForwarding: true });
  expect(new Set([before.etag, updating.etag, after.etag]).size).toBe(3);
  expect((await rig.control.state()).nics[0]?.fabric.forwarding).toBe(true);
  expect(await rig.reaches('azure-client', CAPTURED)).toBe(true);
});

test('an address cannot be stolen; removed from one NIC and added to the other, packets follow', async () => {
  await put(routerA, 'azure-router-a', { add: [entry(CAPTURED)] });
  const refused = errorOf(await put(routerB, 'azure-router-b', { add: [entry(CAPTURED)] }));
  expect(refused).toContain('400 PrivateIPAddressIsAllocated');
  expect(refused).toContain(`${idOf('azure-router-a')}/ipConfigurations/sam-${CAPTURED}`);
  expect(await put(routerB, 'azure-router-a', { remove: [CAPTURED] })).toMatchObject({ ok: true });
  expect(await put(routerB, 'azure-router-b', { add: [entry(CAPTURED)] })).toMatchObject({ ok: true });
  await rig.fabricHas('azure-router-b', CAPTURED);
  await rig.guest('azure-router-a').ip([`addr del ${CAPTURED}/32 dev lo`]);
  expect(await rig.reaches('azure-client', CAPTURED)).toBe(true);
  await rig.guest('azure-router-a').ip([`addr add ${CAPTURED}/32 dev lo`]);
});

test('the fabric answers ARP for the whole subnet, and still delivers nothing to nobody', async () => {
  expect(await rig.pings('azure-client', '10.77.60.99')).toBe(false);
  expect(await rig.guest('azure-client').ipOutput('neigh', 'show', '10.77.60.99')).toContain('lladdr');
});

test('a PUT under an old etag is refused with both etags, and one during another is refused too', async () => {
  const { etag } = await read(routerA, 'azure-router-a');
  await put(routerA, 'azure-router-a', { add: [entry(CAPTURED)] });
  const stale = errorOf(await put(routerA, 'azure-router-a', { remove: [CAPTURED], ifMatch: etag }));
  expect(stale).toContain('412 PreconditionFailed');
  expect(stale).toContain(etag);
  expect(stale).toContain((await read(routerA, 'azure-router-a')).etag);
  await put(routerA, 'azure-router-a', { add: [entry('10.77.60.30')], wait: false });
  expect(errorOf(await put(routerB, 'azure-router-a', { add: [entry('10.77.60.31')] }))).toContain(
    '409 AnotherOperationInProgress',
  );
  await rig.fabricHas('azure-router-a', '10.77.60.30');
});

test('what a PUT leaves out returns to its default, and what nobody knows is kept', async () => {
  await put(routerA, 'azure-router-a', { properties: { enableIPForwarding: true, nobodyKnows: { this: 1 } } });
  expect((await read(routerA, 'azure-router-a')).properties).toMatchObject({
    enableIPForwarding: true,
    nobodyKnows: { this: 1 },
  });
  const { ipConfigurations } = (await read(routerA, 'azure-router-a')).properties;
  const bare = { location: rig.config.region, properties: { ipConfigurations } };
  expect(await routerA.call('PUT', { path: idOf('azure-router-a').toUpperCase(), body: bare })).toMatchObject({
    ok: true,
  });
  const { properties } = await read(routerA, 'azure-router-a');
  expect(properties.enableIPForwarding).toBe(false);
  expect(properties).not.toHaveProperty('nobodyKnows');
});

test('addresses outside the subnet, reserved ones and a NIC without any are refused by name', async () => {
  const add = async (address: string): Promise<string> =>
    errorOf(await put(routerA, 'azure-router-a', { add: [entry(address)] }));
  expect(await add('10.77.61.1')).toContain('400 PrivateIPAddressNotInSubnet');
  expect(await add('10.77.60.3')).toContain('400 PrivateIPAddressInReservedRange');
  expect(await add('10.77.60.12')).toContain('400 PrivateIPAddressIsAllocated');
  expect(errorOf(await put(routerA, 'azure-router-a', { remove: ['10.77.60.6'] }))).toContain('InvalidIPConfigCount');
  expect((await rig.control.state()).nics[0]?.controlPlane.addresses).toEqual(['10.77.60.6']);
});

test('a router may not write a client’s NIC, and a client gets no token', async () => {
  const denied = errorOf(await put(routerA, 'azure-client', { add: [entry(CAPTURED)] }));
  expect(denied).toContain('403 AuthorizationFailed');
  const client = await rig.sdk('azure-client');
  expect(errorOf(await client.call('GET', { path: idOf('azure-client') }))).toMatch(
    /CredentialUnavailable|AuthenticationRequired|Identity not found/,
  );
  const journal = await rig.control.journal();
  const callers = journal.filter(({ service }) => service === 'api').map(({ principal }) => principal);
  expect(new Set(callers)).toEqual(new Set(['azure-router-a']));
});

test('a failed operation puts everything back, and a throttled call changes nothing', async () => {
  await rig.control.layFault({ operation: 'networkInterfaces.put', kind: 'operation-failed' });
  expect(errorOf(await put(routerA, 'azure-router-a', { add: [entry(CAPTURED)] }))).toContain('InternalServerError');
  const failed = await read(routerA, 'azure-router-a');
  expect(failed.properties).toMatchObject({ provisioningState: 'Failed', ipConfigurations: { length: 1 } });
  expect((await rig.control.state()).nics[0]?.controlPlane.addresses).toEqual(['10.77.60.6']);
  await rig.control.layFault({ operation: 'networkInterfaces.put', kind: 'throttle' });
  expect(errorOf(await put(routerA, 'azure-router-a', { add: [entry(CAPTURED)] }))).toContain('429 TooManyRequests');
});

test('with a release lag, an address stays allocated to its old holder for a while', async () => {
  await rig.control.setKnobs({ releaseLagMs: 300 });
  await put(routerA, 'azure-router-a', { add: [entry(CAPTURED)] });
  await put(routerA, 'azure-router-a', { remove: [CAPTURED] });
  const refused = errorOf(await put(routerB, 'azure-router-b', { add: [entry(CAPTURED)] }));
  expect(refused).toContain(`already allocated to resource ${idOf('azure-router-a')}`);
  await waitUntil(
    'the lag to pass',
    async () => (await put(routerB, 'azure-router-b', { add: [entry(CAPTURED)] })).ok || undefined,
    { deadlineMs: 30_000 },
  );
});
