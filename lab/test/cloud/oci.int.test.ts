import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { waitUntil } from '../../src/wait-until.ts';
import { openCloudRig, type CloudRig } from './cloud-rig.ts';
import { errorOf, type SdkOutcome, type SdkShell } from '../../src/vendor-sdk/sdk-shell.ts';

const CAPTURED = '10.77.60.10';

let rig: CloudRig;
let routerA: SdkShell;
let routerB: SdkShell;

beforeAll(async () => {
  rig = await openCloudRig('oci');
  [routerA, routerB] = await Promise.all([rig.sdk('oci-router-a'), rig.sdk('oci-router-b')]);
  for (const name of ['oci-router-a', 'oci-router-b']) await rig.guest(name).ip([`addr add ${CAPTURED}/32 dev lo`]);
});

afterAll(async () => {
  await rig?.close();
});

beforeEach(async () => {
  await rig.reset();
});

interface PrivateIp {
  readonly id: string;
  readonly vnicId: string;
  readonly ipAddress: string;
  readonly isPrimary: boolean;
  readonly freeformTags: Readonly<Record<string, string>>;
}

interface Held {
  readonly etag: string;
  readonly privateIp: PrivateIp;
}

const vnicOf = (name: string): string => rig.instance(name).nicId;
const create = async (sdk: SdkShell, to: string, ipAddress: string, more: object = {}): Promise<SdkOutcome> =>
  sdk.call('createPrivateIp', {
    createPrivateIpDetails: { vnicId: vnicOf(to), ipAddress, freeformTags: { epoch: '1' } },
    ...more,
  });
const list = async (sdk: SdkShell, more: object): Promise<readonly PrivateIp[]> => {
  const outcome = await sdk.call('listPrivateIps', { subnetId: rig.config.subnet.id, ...more });
  if (!outcome.ok) throw new Error(errorOf(outcome));
  return (outcome.value as { readonly items: readonly PrivateIp[] }).items;
};
const held = (outcome: SdkOutcome): Held => {
  if (!outcome.ok) throw new Error(errorOf(outcome));
  return outcome.value as Held;
};
const packetsReach = async (name: string): Promise<void> => rig.fabricHas(name, CAPTURED);

test('an instance proves who it is, reads its VNIC, and lists the addresses of its subnet page by page', async () => {
  const vnic = await routerA.call('getVnic', { vnicId: vnicOf('oci-router-a') });
  expect(vnic).toMatchObject({
    ok: true,
    value: { vnic: { privateIp: '10.77.60.8', skipSourceDestCheck: false, subnetId: rig.config.subnet.id } },
  });
  const first = await routerA.call('listPrivateIps', { subnetId: rig.config.subnet.id, limit: 2 });
  expect(first).toMatchObject({ value: { items: { length: 2 }, opcNextPage: expect.any(String) } });
  const { opcNextPage } = (first as { readonly value: { readonly opcNextPage: string } }).value;
  expect(await list(routerA, { limit: 2, page: opcNextPage })).toHaveLength(1);
  expect(await list(routerA, { ipAddress: '10.77.60.13' })).toMatchObject([
    { vnicId: vnicOf('oci-client'), isPrimary: true },
  ]);
  const tokens = (await rig.control.journal()).filter(({ operation }) => operation === 'GetSecurityToken');
  expect(tokens.map(({ principal }) => principal)).toEqual(['oci-router-a']);
});

test('packets follow a creation, a move under if-match and a deletion', async () => {
  const created = held(await create(routerA, 'oci-router-a', CAPTURED));
  await packetsReach('oci-router-a');
  expect(await rig.reaches('oci-client', CAPTURED)).toBe(true);

  const { id } = created.privateIp;
  const move = async (ifMatch: string): Promise<SdkOutcome> =>
    routerB.call('updatePrivateIp', {
      privateIpId: id,
      updatePrivateIpDetails: { vnicId: vnicOf('oci-router-b'), freeformTags: { epoch: '2' } },
      ifMatch,
    });
  const moved = held(await move(created.etag));
  expect(moved.privateIp).toMatchObject({ id, vnicId: vnicOf('oci-router-b'), freeformTags: { epoch: '2' } });
  expect(errorOf(await move(created.etag))).toContain('412 NoEtagMatch');
  await packetsReach('oci-router-b');
  await rig.guest('oci-router-a').ip([`addr del ${CAPTURED}/32 dev lo`]);
  expect(await rig.reaches('oci-client', CAPTURED)).toBe(true);
  await rig.guest('oci-router-a').ip([`addr add ${CAPTURED}/32 dev lo`]);

  const remove = async (ifMatch: string): Promise<SdkOutcome> =>
    routerB.call('deletePrivateIp', { privateIpId: id, ifMatch });
  expect(errorOf(await remove(created.etag))).toContain('412 NoEtagMatch');
  expect(await remove(moved.etag)).toMatchObject({ ok: true });
  expect(errorOf(await remove(moved.etag))).toContain('404 NotAuthorizedOrNotFound');
  expect(await list(routerB, { ipAddress: CAPTURED })).toEqual([]);
});

test('forwarding is a property of the VNIC, changed under its etag', async () => {
  const read = held(await routerA.call('getVnic', { vnicId: vnicOf('oci-router-a') }));
  const update = async (skipSourceDestCheck: boolean, ifMatch?: string): Promise<SdkOutcome> =>
    routerA.call('updateVnic', {
      vnicId: vnicOf('oci-router-a'),
      updateVnicDetails: { skipSourceDestCheck },
      ifMatch,
    });
  expect(await update(true, read.etag)).toMatchObject({ ok: true, value: { vnic: { skipSourceDestCheck: true } } });
  expect(errorOf(await update(false, read.etag))).toContain('412 NoEtagMatch');
  const forwarding = async (): Promise<true | undefined> =>
    (await rig.control.state()).nics[0]?.fabric.forwarding || undefined;
  await waitUntil('forwarding', forwarding, { deadlineMs: 30_000 });
  expect(await update(false)).toMatchObject({ ok: true });
});

test('a retry token does its work once, and not again when that was undone', async () => {
  const opcRetryToken = 'capture-10.77.60.10-epoch-1';
  const once = held(await create(routerA, 'oci-router-a', CAPTURED, { opcRetryToken }));
  const again = held(await create(routerA, 'oci-router-a', CAPTURED, { opcRetryToken }));
  expect(again.privateIp.id).toBe(once.privateIp.id);
  expect(errorOf(await create(routerA, 'oci-router-b', CAPTURED, { opcRetryToken }))).toContain(
    '409 InvalidatedRetryToken',
  );
  await routerA.call('deletePrivateIp', { privateIpId: once.privateIp.id });
  expect(errorOf(await create(routerA, 'oci-router-a', CAPTURED, { opcRetryToken }))).toContain(
    '409 InvalidatedRetryToken',
  );
});

test('taken, foreign and reserved addresses are refused, and primaries stay where they are', async () => {
  await create(routerA, 'oci-router-a', CAPTURED);
  expect(errorOf(await create(routerB, 'oci-router-b', CAPTURED))).toContain('409 Conflict');
  expect(errorOf(await create(routerB, 'oci-router-b', '10.77.61.9'))).toContain('400 InvalidParameter');
  expect(errorOf(await create(routerB, 'oci-router-b', '10.77.60.1'))).toContain('400 InvalidParameter');
  const [primary] = await list(routerA, { ipAddress: '10.77.60.8' });
  const move = { privateIpId: primary?.id, updatePrivateIpDetails: { vnicId: vnicOf('oci-router-b') } };
  expect(errorOf(await routerA.call('updatePrivateIp', move))).toContain('400 InvalidParameter');
  expect(errorOf(await routerA.call('deletePrivateIp', { privateIpId: primary?.id }))).toContain(
    '400 InvalidParameter',
  );
});

test('a VNIC takes 64 addresses beside its primary', async () => {
  const addresses = Array.from({ length: 64 }, (_, index) => `10.77.60.${100 + index}`);
  await rig.control.changeAddresses('oci-router-a', { assign: addresses });
  expect(errorOf(await create(routerA, 'oci-router-a', '10.77.60.200'))).toContain('400 LimitExceeded');
});

test('what a router may not touch looks as if it were not there, and a client has no identity', async () => {
  expect(errorOf(await create(routerA, 'oci-client', CAPTURED))).toContain('404 NotAuthorizedOrNotFound');
  const client = await rig.sdk('oci-client');
  expect(errorOf(await client.call('getVnic', { vnicId: vnicOf('oci-client') }))).toContain(
    'Failed to autoDetectCertificatesUsingMetadataUrl',
  );
});

test('throttling has no Retry-After; an expired session token is refused and renewed', async () => {
  await rig.control.layFault({ operation: 'CreatePrivateIp', kind: 'throttle' });
  expect(errorOf(await create(routerA, 'oci-router-a', CAPTURED))).toContain('429 TooManyRequests');
  await rig.control.setKnobs({ tokenLifetimeMs: 1000 });
  const fresh = await rig.sdk('oci-router-b');
  const read = async (): Promise<SdkOutcome> => fresh.call('getVnic', { vnicId: vnicOf('oci-router-b') });
  // On a busy machine the first token may have expired when it is used.
  await waitUntil('a read', async () => (await read()).ok || undefined, { deadlineMs: 30_000 });
  const renewals = async (): Promise<number> =>
    (await rig.control.journal()).filter(({ operation }) => operation === 'GetSecurityToken').length;
  await waitUntil(
    'the token to be renewed',
    async () => {
      const outcome = await read();
      expect(outcome.ok || outcome.error.status === 401).toBe(true);
      return (await renewals()) >= 2 || undefined;
    },
    { deadlineMs: 30_000 },
  );
});
