/**
 * Every fault card of the emulators, played to the executor of every cloud, each in a router of its own with the vendor's SDK.
 *
 *     router-b has the address ── card is laid out ── router-a seizes it ── card is taken off ── router-a asks again, as the engine does
 *
 * Whatever went wrong, the address is on router-a alone in the end, no older epoch took effect, and what was refused changed nothing.
 */
import type { PluginExecutor } from '@routerd/plugin-host';
import { VERBS, type ErrorClass } from '@routerd/plugin-sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CardOrder } from '../../src/cloud/control-messages.ts';
import { absenceOf, CARD_NAMES, isCardName, type CardName } from '../../src/cloud/fault-catalogue.ts';
import { EMULATED_CLOUDS, type EmulatedCloud } from '../../src/topology.ts';
import { waitUntil } from '../../src/wait-until.ts';
import { address, openStage, request, type ExecutorStage } from './executor-stage.ts';

type First = 'succeeded' | 'killed' | ErrorClass;

/** What the request that meets the card comes to. `absent`: the vendor has no such thing, and the catalogue says why. */
type Row = Readonly<Record<EmulatedCloud, First | 'absent'>>;

const everywhere = (first: First): Row => ({ aws: first, azure: first, oci: first, gcp: first });

const EXPECTED: Readonly<Record<CardName, Row>> = {
  error: everywhere('unknown-outcome'),
  'error-after': everywhere('succeeded'),
  'lost-reply': everywhere('succeeded'),
  hang: everywhere('killed'),
  throttle: everywhere('throttled'),
  // The vendors' libraries for AWS and Azure ask again by themselves for what changes nothing.
  'throttle-reads': { aws: 'succeeded', azure: 'succeeded', oci: 'throttled', gcp: 'throttled' },
  quota: everywhere('succeeded'),
  busy: { aws: 'conflict', azure: 'conflict', oci: 'succeeded', gcp: 'conflict' },
  conflict: { aws: 'absent', azure: 'succeeded', oci: 'succeeded', gcp: 'succeeded' },
  limit: everywhere('limit'),
  latency: everywhere('succeeded'),
  'stale-reads': everywhere('succeeded'),
  lingering: { aws: 'absent', azure: 'succeeded', oci: 'absent', gcp: 'absent' },
  'operation-failed': { aws: 'absent', azure: 'unknown-outcome', oci: 'absent', gcp: 'unknown-outcome' },
  'operation-half-done': { aws: 'absent', azure: 'succeeded', oci: 'absent', gcp: 'succeeded' },
  'polls-fail': { aws: 'absent', azure: 'succeeded', oci: 'absent', gcp: 'succeeded' },
  // OCI says of what may not be seen that it does not exist.
  denied: { aws: 'permission', azure: 'permission', oci: 'not-found', gcp: 'permission' },
  'denied-reads': { aws: 'permission', azure: 'permission', oci: 'not-found', gcp: 'permission' },
  unauthenticated: { aws: 'permission', azure: 'permission', oci: 'transport', gcp: 'succeeded' },
  'no-identity': everywhere('transport'),
  // Azure's and Google's libraries ask the metadata service again; without credentials nothing was sent.
  'identity-error': { aws: 'transport', azure: 'succeeded', oci: 'transport', gcp: 'succeeded' },
  'identity-hang': everywhere('transport'),
  'late-fabric': everywhere('succeeded'),
};

/** Cards whose request has to come from a process that has no identity yet. */
const FRESH: ReadonlySet<CardName> = new Set(['no-identity', 'identity-error', 'identity-hang']);
/** OCI's executor waits 10 s for an identity, which nothing here needs; on a busy machine it takes a second or two. */
const SHORT_OF_PATIENCE = { ROUTERD_IDENTITY_LIMIT_MS: '4000' };
/** An executor looks three times, with 250 and 500 ms between: what a listing tells late by more than both is another attempt's. */
const READ_LAG_MS = 500;
/** One call at AWS and OCI, two at Azure and GCP, which take it off one NIC and put it on the other. */
const WRITES: Readonly<Record<EmulatedCloud, number>> = { aws: 1, azure: 2, oci: 1, gcp: 2 };
/** After these a change may be sent again by itself, since the provider said that it was not made; and what was taken goes back. */
const MAY_WRITE_MORE: ReadonlySet<CardName> = new Set([
  'busy',
  'conflict',
  'limit',
  'stale-reads',
  'lingering',
  'denied',
]);
const HELD = '10.77.60.110';
const TENURE = { epoch: 2 } as const;

const stages = new Map<EmulatedCloud, ExecutorStage>();

beforeAll(async () => {
  await Promise.all(
    EMULATED_CLOUDS.map(async (cloud) => {
      stages.set(cloud, await openStage(cloud, { delays: { mutationDelayMs: 40 } }));
    }),
  );
});

afterAll(async () => {
  await Promise.all([...stages.values()].map(async (stage) => stage.close()));
});

test('the table has every card that there is, and a reason for each blank', () => {
  expect(Object.keys(EXPECTED).filter(isCardName).toSorted()).toEqual([...CARD_NAMES].toSorted());
  for (const card of CARD_NAMES) {
    for (const cloud of EMULATED_CLOUDS) {
      expect([card, cloud, EXPECTED[card][cloud] === 'absent']).toEqual([
        card,
        cloud,
        absenceOf(card, cloud) !== undefined,
      ]);
    }
  }
});

test.each(CARD_NAMES)('%s ends with the address on one NIC, at every cloud that has it', async (card) => {
  const clouds = EMULATED_CLOUDS.filter((cloud) => EXPECTED[card][cloud] !== 'absent');
  const outcomes = await Promise.all(clouds.map(async (cloud) => [cloud, await play(card, cloud)] as const));
  const expected = clouds.map((cloud) => [
    cloud,
    {
      first: EXPECTED[card][cloud],
      isHeldByOneNic: true,
      isUnchangedByRefusal: true,
      isSentOnce: true,
      again: 'succeeded',
    },
  ]);
  expect(Object.fromEntries(outcomes)).toEqual(Object.fromEntries(expected));
});

/** What each provider can tell without doing it; at OCI only reads are tried. */
const TOLD: Readonly<Record<EmulatedCloud, { readonly card: CardName; readonly permission: string }>> = {
  aws: { card: 'denied', permission: 'ec2:ModifyNetworkInterfaceAttribute' },
  azure: { card: 'denied', permission: 'Microsoft.Network/networkInterfaces/write' },
  oci: { card: 'denied-reads', permission: 'VNIC_READ' },
  gcp: { card: 'denied', permission: 'compute.instances.updateNetworkInterface' },
};

test.each(EMULATED_CLOUDS)(
  '%s: a permission that is taken away is missing in a preflight, and nothing is changed',
  async (cloud) => {
    const stage = stageOf(cloud);
    await stage.reset();
    const executor = stage.open('a');
    const failed = async (): Promise<readonly string[]> => {
      const report = await executor.preflight(stage.nicA, VERBS, new AbortController().signal);
      if (!report.ok) throw new Error(report.error.detail);
      return report.value.findings.flatMap(({ verdict, permission = '' }) =>
        verdict === 'failed' ? [permission] : [],
      );
    };
    expect(await failed()).toEqual([]);
    const { card, permission } = TOLD[cloud];
    await stage.rig.control.playCard({ card });
    expect(await failed()).toContain(permission);
    expect(await stage.mutations()).toEqual([]);
  },
);

test.each(EMULATED_CLOUDS)(
  '%s: what only looks says what it cost, and that is what the cloud was asked',
  async (cloud) => {
    const stage = stageOf(cloud);
    await stage.reset();
    const { control } = stage.rig;
    const executor = stage.open('a');
    const signal = new AbortController().signal;
    const asks = {
      preflight: async () => executor.preflight(stage.nicA, VERBS, signal),
      inventory: async () => executor.inventory(stage.nicA, undefined, signal),
      check: async () => executor.check(stage.nicA, [address(HELD)], signal),
    };
    for (const [name, ask] of Object.entries(asks)) {
      await control.resetJournal();
      const report = await ask();
      if (!report.ok) throw new Error(report.error.detail);
      const { reads, writes } = report.value.usage ?? {};
      // Signing in is counted by nobody.
      const calls = (await control.journal()).filter(
        ({ service, operation }) => service === 'api' && operation !== 'GetSecurityToken',
      );
      expect([name, (reads ?? 0) + (writes ?? 0)]).toEqual([name, calls.length]);
      expect(calls.length).toBeGreaterThan(0);
    }
  },
);

interface Played {
  readonly first: string;
  /** Of what is refused for good the card's request left everything as it was. */
  readonly isUnchangedByRefusal: boolean;
  /** No change was sent twice on the executor's own judgement. */
  readonly isSentOnce: boolean;
  readonly again: string;
  readonly isHeldByOneNic: boolean;
}

async function play(card: CardName, cloud: EmulatedCloud): Promise<Played> {
  const stage = stageOf(cloud);
  const { control } = stage.rig;
  await stage.reset();
  // A tenure of its own for each card: OCI remembers what it was asked for a day.
  await control.changeAddresses(`${cloud}-router-b`, { assign: [HELD] });
  await waitUntil(`${HELD} on router-b`, async () => (await holders(stage))[0] === stage.nicB.nicRef || undefined, {
    deadlineMs: 30_000,
  });
  await control.resetJournal();
  const executor = FRESH.has(card) ? stage.open('a', 60_000, SHORT_OF_PATIENCE) : stage.executor;
  await control.playCard(await orderOf(stage, card));
  const first = card === 'hang' ? await cutOff(stage) : await seize(stage, executor);
  const isSentOnce = (await stage.mutations()).length <= WRITES[cloud] || MAY_WRITE_MORE.has(card);
  const isSettled = first === 'succeeded' || isRetried(first);
  const isUnchangedByRefusal = isSettled || (await holders(stage)).join() === stage.nicB.nicRef;
  await control.takeCard(card);
  const again = await untilSucceeded(stage, executor);
  const isHeldByOneNic = (await holders(stage)).join() === stage.nicA.nicRef;
  return { first, isUnchangedByRefusal, isSentOnce, again, isHeldByOneNic };
}

async function orderOf(stage: ExecutorStage, card: CardName): Promise<CardOrder> {
  if (card === 'limit') return fullNic(stage);
  return card === 'stale-reads' ? { card, amount: READ_LAG_MS } : { card };
}

/** Router-a has as much as it may have, and router-b room for what it gave up. @returns the card that makes it so */
async function fullNic({ rig }: ExecutorStage): Promise<CardOrder> {
  await rig.control.changeAddresses(`${rig.config.cloud}-router-a`, { assign: ['10.77.60.120'] });
  return { card: 'limit', amount: 2 };
}

function stageOf(cloud: EmulatedCloud): ExecutorStage {
  const stage = stages.get(cloud);
  if (stage === undefined) throw new Error(`no stage for ${cloud}`);
  return stage;
}

/** What the engine tries again by itself. */
function isRetried(first: string): boolean {
  return ['throttled', 'conflict', 'transport', 'held-elsewhere', 'unknown-outcome', 'killed'].includes(first);
}

async function seize(
  { nicA, rig }: ExecutorStage,
  executor: Pick<PluginExecutor, 'execute'>,
  signal = new AbortController().signal,
): Promise<string> {
  const seizeFrom = `${rig.config.cloud}-router-b`;
  const answer = await executor.execute(request('assign-secondary-ip', nicA, [HELD], { ...TENURE, seizeFrom }), signal);
  if (!answer.ok) return answer.error.code === 'executor.cancelled' ? 'killed' : answer.error.errorClass;
  const [result] = answer.value.results;
  return result?.errorClass ?? result?.status ?? 'no result';
}

/** Killed as soon as the cloud has swallowed its change. */
async function cutOff(stage: ExecutorStage): Promise<string> {
  const cancel = new AbortController();
  const answer = seize(stage, stage.executor, cancel.signal);
  const isSwallowed = async (): Promise<true | undefined> =>
    (await stage.rig.control.journal()).some(({ outcome }) => outcome?.fault === 'hang') || undefined;
  await waitUntil('the cloud to swallow a change', isSwallowed, { deadlineMs: 30_000 });
  cancel.abort();
  return answer;
}

/** As the engine asks: again after what it retries, at most a few times. */
async function untilSucceeded(stage: ExecutorStage, executor: Pick<PluginExecutor, 'execute'>): Promise<string> {
  let said = '';
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    said = await seize(stage, executor);
    if (!isRetried(said)) return said;
  }
  return said;
}

async function holders(stage: ExecutorStage): Promise<readonly string[]> {
  const { nics } = await stage.rig.control.state();
  const wanted = address(HELD).slice(0, -'/32'.length);
  return nics.filter(({ controlPlane }) => controlPlane.addresses.includes(wanted)).map(({ nicId }) => nicId);
}
