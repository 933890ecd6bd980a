import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { errorOf, type SdkOutcome, type SdkShell } from '../../src/vendor-sdk/sdk-shell.ts';
import { openCloudRig, type CloudRig } from './cloud-rig.ts';

const CAPTURED = '10.77.60.10';

let rig: CloudRig;
let routerA: SdkShell;
let routerB: SdkShell;

beforeAll(async () => {
  rig = await openCloudRig('gcp', { delays: { mutationDelayMs: 100 } });
  [routerA, routerB] = await Promise.all([rig.sdk('gcp-router-a'), rig.sdk('gcp-router-b')]);
  for (const name of ['gcp-router-a', 'gcp-router-b']) await rig.guest(name).ip([`addr add ${CAPTURED}/32 dev lo`]);
});

afterAll(async () => {
  await rig?.close();
});

beforeEach(async () => {
  await rig.reset();
});

interface Instance {
  readonly name: string;
  readonly canIpForward: boolean;
  readonly fingerprint: string;
  readonly networkInterfaces: readonly [
    { readonly fingerprint: string; readonly aliasIpRanges?: readonly { readonly ipCidrRange: string }[] },
  ];
}

const idOf = (name: string): string => rig.instance(name).instanceId;
const project = (): string => `projects/${rig.config.account}`;

async function read(sdk: SdkShell, name: string): Promise<Instance> {
  const outcome = await sdk.call('GET', { path: idOf(name) });
  if (!outcome.ok) throw new Error(errorOf(outcome));
  return (outcome.value as { readonly body: Instance }).body;
}

interface PatchOptions {
  readonly fingerprint?: string | undefined;
  readonly requestId?: string;
  readonly wait?: boolean;
}

/** @param addresses the whole list; `undefined` leaves it out */
async function patch(
  sdk: SdkShell,
  name: string,
  addresses: readonly string[] | undefined,
  options: PatchOptions = {},
): Promise<SdkOutcome> {
  const [{ fingerprint }] = (await read(sdk, name)).networkInterfaces;
  const { requestId, wait = true } = options;
  return sdk.call('PATCH', {
    path: `${idOf(name)}/updateNetworkInterface`,
    query: { networkInterface: 'nic0', ...(requestId === undefined ? {} : { requestId }) },
    body: {
      fingerprint: 'fingerprint' in options ? options.fingerprint : fingerprint,
      ...(addresses === undefined ? {} : { aliasIpRanges: addresses.map((one) => ({ ipCidrRange: `${one}/32` })) }),
    },
    wait,
  });
}

async function metadata(name: string, path: string, ...headers: readonly string[]): Promise<string> {
  const program = `const [path, ...headers] = process.argv.slice(1);
    const reply = await fetch('http://169.254.169.254/computeMetadata/v1/' + path, { headers: Object.fromEntries(headers.map((one) => one.split('='))) });
    console.log(reply.status, reply.headers.get('metadata-flavor'), reply.headers.get('etag'), await reply.text());`;
  const words = [process.execPath, '--input-type=module', '-e', program, path, ...headers];
  return (await rig.guest(name).output(words)).trim();
}
const FLAVOR = 'Metadata-Flavor=Google';

test('the metadata server answers with its flavour, and only who asks with it', async () => {
  expect(await metadata('gcp-router-a', 'project/project-id', FLAVOR)).toMatch(/^200 Google \w+ cloudedge-lab$/);
  expect(await metadata('gcp-router-a', 'instance/zone', FLAVOR)).toMatch(/projects\/\d+\/zones\/europe-west3-a$/);
  expect(await metadata('gcp-router-a', 'project/project-id')).toMatch(/^403 Google/);
  expect(await metadata('gcp-router-a', 'instance/nothing', FLAVOR)).toMatch(/^404/);
  expect(await metadata('gcp-client', 'instance/service-accounts/default/token', FLAVOR)).toMatch(/^404/);
});

test('aliases show in the metadata when packets follow, and whoever waits for a change is told then', async () => {
  const path = 'instance/network-interfaces/?recursive=true';
  const before = await metadata('gcp-router-a', path, FLAVOR);
  expect(before).toContain('"ipAliases":[]');
  const [, , etag] = before.split(' ');
  const told = metadata('gcp-router-a', `${path}&wait_for_change=true&last_etag=${etag}`, FLAVOR);
  await patch(routerA, 'gcp-router-a', [CAPTURED]);
  expect(await told).toContain(`"ipAliases":["${CAPTURED}/32"]`);
});

test('instances are listed by zone, page after page', async () => {
  const path = `${project()}/aggregated/instances`;
  const first = await routerA.call('GET', { path });
  expect(first).toMatchObject({
    value: {
      body: {
        nextPageToken: '2',
        items: {
          'zones/europe-west3-a': { instances: { length: 2 } },
          'zones/us-central1-a': { warning: { code: 'NO_RESULTS_ON_PAGE' } },
        },
      },
    },
  });
  const second = await routerA.call('GET', { path, query: { pageToken: '2' } });
  expect(second).toMatchObject({
    value: { body: { items: { 'zones/europe-west3-a': { instances: { length: 1 } } } } },
  });
  expect(second).not.toHaveProperty('value.body.nextPageToken');
});

test('a patch writes the whole list, packets follow, an absent list changes nothing, an empty one clears it', async () => {
  expect(await patch(routerA, 'gcp-router-a', [CAPTURED, '10.77.60.30'])).toMatchObject({ ok: true });
  await rig.fabricHas('gcp-router-a', CAPTURED);
  expect(await rig.reaches('gcp-client', CAPTURED)).toBe(true);
  await patch(routerA, 'gcp-router-a', undefined);
  expect((await read(routerA, 'gcp-router-a')).networkInterfaces[0].aliasIpRanges).toHaveLength(2);
  await patch(routerA, 'gcp-router-a', []);
  expect((await read(routerA, 'gcp-router-a')).networkInterfaces[0]).not.toHaveProperty('aliasIpRanges');
});

test('a patch needs the fingerprint that is current', async () => {
  const [{ fingerprint }] = (await read(routerA, 'gcp-router-a')).networkInterfaces;
  expect(errorOf(await patch(routerA, 'gcp-router-a', [CAPTURED], { fingerprint: undefined }))).toContain(
    '400 required',
  );
  await patch(routerA, 'gcp-router-a', [CAPTURED]);
  expect(errorOf(await patch(routerA, 'gcp-router-a', [], { fingerprint }))).toContain('412 conditionNotMet');
  expect((await rig.control.state()).nics[0]?.controlPlane.addresses).toContain(CAPTURED);
});

test('an address that is taken is accepted at first, and refused inside the operation', async () => {
  await patch(routerA, 'gcp-router-a', [CAPTURED]);
  expect(errorOf(await patch(routerB, 'gcp-router-b', ['10.77.60.30', CAPTURED]))).toContain(
    '200 IP_IN_USE_BY_ANOTHER_RESOURCE',
  );
  expect((await rig.control.state()).nics[1]?.controlPlane.addresses).toEqual(['10.77.60.15']);
});

test('while an operation runs the instance is not ready for another', async () => {
  await patch(routerA, 'gcp-router-a', [CAPTURED], { wait: false });
  expect(errorOf(await patch(routerB, 'gcp-router-a', ['10.77.60.30']))).toContain('400 resourceNotReady');
  await rig.fabricHas('gcp-router-a', CAPTURED);
});

test('a request that is sent again under its id is the same operation', async () => {
  const requestId = randomUUID();
  const [{ fingerprint }] = (await read(routerA, 'gcp-router-a')).networkInterfaces;
  const again = { requestId, fingerprint };
  const first = await patch(routerA, 'gcp-router-a', [CAPTURED], again);
  const second = await patch(routerA, 'gcp-router-a', [CAPTURED], again);
  const nameOf = (outcome: SdkOutcome): unknown =>
    outcome.ok ? (outcome.value as { readonly body: { readonly name: string } }).body.name : errorOf(outcome);
  expect(nameOf(second)).toBe(nameOf(first));
  expect(errorOf(await patch(routerA, 'gcp-router-a', [], again))).toContain('400 invalid');
  expect(errorOf(await patch(routerA, 'gcp-router-a', [], { requestId: 'no-uuid' }))).toContain('400 invalid');
});

test('what is no address of the subnet, or one too many, is refused at once', async () => {
  const add = async (...addresses: readonly string[]): Promise<string> =>
    errorOf(await patch(routerA, 'gcp-router-a', addresses));
  expect(await add('10.77.61.1')).toContain('400 invalid');
  expect(await add('10.77.60.254')).toContain('400 invalid');
  expect(await add('10.77.60.40', '10.77.60.40')).toContain('400 invalid');
  expect(await add(...Array.from({ length: 151 }, (_, index) => `10.77.60.${20 + index}`))).toContain(
    '400 limitExceeded',
  );
});

test('forwarding belongs to the instance, and is changed where the cloud allows it without a restart', async () => {
  const update = async (canIpForward: boolean): Promise<SdkOutcome> =>
    routerA.call('PUT', {
      path: idOf('gcp-router-a'),
      query: { mostDisruptiveAllowedAction: 'REFRESH' },
      body: { ...(await read(routerA, 'gcp-router-a')), canIpForward },
    });
  expect(await update(true)).toMatchObject({ ok: true });
  expect((await read(routerA, 'gcp-router-a')).canIpForward).toBe(true);
  await rig.control.setKnobs({ forwardingIsFixed: true });
  expect(errorOf(await update(false))).toContain('requires at least RESTART');
  await rig.control.setKnobs({});
  expect(await update(false)).toMatchObject({ ok: true });
});

test('a router may not write a client’s instance, and nobody writes without a token', async () => {
  expect(errorOf(await patch(routerA, 'gcp-client', [CAPTURED]))).toContain('403 forbidden');
  const client = await rig.sdk('gcp-client');
  expect(await client.call('GET', { path: idOf('gcp-client') })).toMatchObject({ ok: false });
  const callers = (await rig.control.journal()).flatMap(({ service, principal }) =>
    service === 'api' ? principal : [],
  );
  expect(new Set(callers)).toEqual(new Set(['gcp-router-a']));
});

test('faults look as they do there: throttling is 403, a failed operation is DONE', async () => {
  const operation = 'instances.updateNetworkInterface';
  await rig.control.layFault({ operation, kind: 'throttle' });
  expect(errorOf(await patch(routerA, 'gcp-router-a', [CAPTURED]))).toContain('403 rateLimitExceeded');
  await rig.control.layFault({ operation, kind: 'error-before' });
  expect(errorOf(await patch(routerA, 'gcp-router-a', [CAPTURED]))).toContain('503 backendError');
  await rig.control.layFault({ operation, kind: 'operation-failed' });
  expect(errorOf(await patch(routerA, 'gcp-router-a', [CAPTURED]))).toContain('200 INTERNAL_ERROR');
  expect((await rig.control.state()).nics[0]?.controlPlane.addresses).toEqual(['10.77.60.14']);
});
