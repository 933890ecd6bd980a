/** D5: cloud routers are drained for maintenance while their clients talk, and come back: nothing is lost, and nothing of the old tenure counts any more. */
import { randomInt } from 'node:crypto';
import type { Lab } from '../lab.ts';
import { cloudControl, MoveWatch, nicOf } from '../measure/move-watch.ts';
import { measureStages } from '../measure/stages.ts';
import { checkNoneLost, checkVacancyLoss, Traffic } from '../measure/traffic.ts';
import { changedConfig, drained, readConfigs, rollOut } from '../redeploy.ts';
import { capturesOf, captureText, routerctl, type CaptureView } from '../router-orders.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { plantStaleAction } from '../stale-action.ts';
import { CLOUDS, FOUR_SITES, ROUTERS, type Cloud, type Router } from '../topology.ts';
import { seenWithin, waitUntil } from '../wait-until.ts';
import { loadOf, OPERATOR, preferred, settled, standby } from './holders.ts';

const SETTLE_DEADLINE_MS = 15_000;
/** From the command to its answer, besides what the provider takes. */
const DRAIN_LIMIT_MS = 5000;

/** Of D5; its variations say what differs. */
const ASSERTS =
  'each capture moves once, epoch + 1; no probe lost; copies and SSH sessions whole; the old NIC clean, its check restored; a planted action ' +
  'of the old epoch skipped: stale mobility capture epoch; the whole drain under 5 s plus API time';

function assertsOf(clouds: readonly Cloud[]): string {
  const vacancy = 'a flow loses no more than is sent between the two calls that Azure takes';
  if (clouds.length > 1) return `as D5, at each cloud; ${vacancy}`;
  return clouds.includes('azure') ? `as D5; ${vacancy}` : 'as D5';
}

export const drains: readonly Scenario[] = [
  ...CLOUDS.map((cloud) => drainOf(cloud === 'aws' ? 'D5' : `D5-${cloud}`, [cloud])),
  drainOf('D5-all', CLOUDS),
  ...CLOUDS.map((cloud) => poolDrainOf(cloud === 'aws' ? 'D5-pool' : `D5-pool-${cloud}`, cloud)),
];

function drainOf(id: string, clouds: readonly Cloud[]): Scenario {
  const names = clouds.map((cloud) => `${cloud}-router-a`).join(', ');
  return {
    id,
    title: `${names} drained under probes, SSH sessions and copies, and taken back`,
    asserts: id === 'D5' ? ASSERTS : assertsOf(clouds),
    seconds: clouds.length === 1 ? 8 : 14,
    topology: FOUR_SITES,
    isLong: id !== 'D5',
    async run(stage) {
      await drainsAndTakesBack(stage, clouds);
    },
  };
}

function poolDrainOf(id: string, cloud: Cloud): Scenario {
  return {
    id,
    title: `${preferred(cloud)} drained by the pool (maintenance.drain), rolled out in an order left to chance, under traffic; and taken back`,
    asserts: `${assertsOf([cloud])}; a roll-out has no limit of time`,
    seconds: 35,
    topology: FOUR_SITES,
    isLong: true,
    async run(stage) {
      const before = readConfigs(stage.lab);
      const entries = [...before].map(
        ([name, text]) => [name, changedConfig(text, (each) => drained(each, [preferred(cloud)]))] as const,
      );
      await moveAway(stage, [cloud], async () => rollOut(stage.lab, new Map(entries), orderOf(stage, 'drained')));
      await rejectsStaleAction(stage, cloud);
      await takeBack(stage, [cloud], async () => rollOut(stage.lab, before, orderOf(stage, 'taken back')));
    },
  };
}

/** Operators are promised that any order will do: each run draws one, and tells it. */
function orderOf({ evidence }: Stage, how: string): readonly Router[] {
  const drawn = ROUTERS.map((router) => ({ router, at: randomInt(1_000_000) })).toSorted((a, b) => a.at - b.at);
  const order = drawn.map(({ router }) => router);
  const names = order.map(({ name }) => name).join(' ');
  evidence.file(`order-${how.replace(' ', '-')}.txt`, names);
  evidence.mark(`${how}: rolled out to ${names}`, Date.now());
  return order;
}

export async function drainsAndTakesBack(stage: Stage, clouds: readonly Cloud[]): Promise<void> {
  const { evidence } = stage;
  let wholeMs = 0;
  const apiMs = await moveAway(stage, clouds, async () => {
    wholeMs = await orderDrains(stage, clouds);
  });
  const names = clouds.join(', ');
  evidence.measure(`${names}: drain --wait, from command to answer`, wholeMs);
  const limitMs = DRAIN_LIMIT_MS + apiMs;
  const limit = `under ${DRAIN_LIMIT_MS / 1000} s plus API time, ${limitMs.toFixed(0)} ms`;
  evidence.check(`${names}: the whole drain`, limit, `${wholeMs} ms`, wholeMs < limitMs);
  for (const cloud of clouds) await rejectsStaleAction(stage, cloud);
  await takeBack(stage, clouds, async () => orderUndrains(stage, clouds));
}

/** @returns how long the slowest took, from command to answer, milliseconds */
async function orderDrains({ lab, evidence }: Stage, clouds: readonly Cloud[]): Promise<number> {
  const tookMs = await Promise.all(
    clouds.map(async (cloud) => {
      const start = Date.now();
      evidence.mark(`${preferred(cloud)}: drain ordered`, start);
      const said = await routerctl(lab, OPERATOR, 'drain', preferred(cloud), '--wait', '--reason', 'kernel update');
      const end = Date.now();
      evidence.mark(`${preferred(cloud)}: may be switched off`, end);
      const wanted = `${preferred(cloud)} captures nothing: it may be switched off.`;
      evidence.check(`routerctl drain ${preferred(cloud)} --wait says`, wanted, said.text);
      return end - start;
    }),
  );
  return Math.max(...tookMs);
}

async function orderUndrains({ lab, evidence }: Stage, clouds: readonly Cloud[]): Promise<void> {
  for (const cloud of clouds) {
    evidence.mark(`${preferred(cloud)}: drain ended`, Date.now());
    const said = await routerctl(lab, OPERATOR, 'undrain', preferred(cloud));
    evidence.check(`routerctl undrain ${preferred(cloud)} says`, `${preferred(cloud)} may capture again.`, said.text);
  }
}

/** Before and after, of one cloud. */
interface Move {
  readonly cloud: Cloud;
  readonly from: string;
  readonly to: string;
  readonly before: readonly CaptureView[];
  readonly watch: MoveWatch;
}

async function startMoves(
  lab: Lab,
  clouds: readonly Cloud[],
  way: (cloud: Cloud) => { readonly from: string; readonly to: string },
): Promise<readonly Move[]> {
  return Promise.all(
    clouds.map(async (cloud) => ({
      cloud,
      ...way(cloud),
      before: await settled(lab, cloud, way(cloud).from),
      watch: await MoveWatch.start(lab, cloud),
    })),
  );
}

/** @returns the longest time that one of the providers took, from the first call to the last address that follows; milliseconds */
async function moveAway(stage: Stage, clouds: readonly Cloud[], order: () => Promise<void>): Promise<number> {
  const { lab } = stage;
  const moves = await startMoves(lab, clouds, (cloud) => ({ from: preferred(cloud), to: standby(cloud) }));
  const traffic = await Traffic.start(lab, loadOf(clouds));
  const zero = Date.now();
  await order();
  for (const move of moves) {
    await judgeMove(stage, move, 'drained');
    await judgeOldNic(stage, move);
  }
  return judgeTraffic(stage, traffic, moves, { how: 'drained', zero });
}

async function takeBack(stage: Stage, clouds: readonly Cloud[], order: () => Promise<void>): Promise<void> {
  const { lab } = stage;
  const moves = await startMoves(lab, clouds, (cloud) => ({ from: standby(cloud), to: preferred(cloud) }));
  const traffic = await Traffic.start(lab, loadOf(clouds));
  const zero = Date.now();
  await order();
  for (const move of moves) await judgeMove(stage, move, 'taken back');
  await judgeTraffic(stage, traffic, moves, { how: 'taken back', zero });
}

/** Every capture is the other router's, under the next epoch, and none moved twice. */
async function judgeMove({ lab, evidence }: Stage, { cloud, to, before, watch }: Move, how: string): Promise<void> {
  const after = await settled(lab, cloud, to);
  const addresses = before.map(({ address }) => address);
  const expected = before.map((view) => ({ ...view, holder: to, epoch: view.epoch + 1 }));
  evidence.check(`${cloud} ${how}: captures in the registry`, captureText(expected), captureText(after));
  // The vendor says so before packets follow.
  await seenWithin(SETTLE_DEADLINE_MS, () => watch.capturedAt(to, addresses));
  const nic = nicOf(await cloudControl(lab, cloud).state(), to);
  evidence.check(`${cloud} ${how}: addresses on the NIC of ${to}`, addresses.join(' '), nic.addresses.join(' '));
  evidence.checkMoves(`${cloud} ${how}: moves in the fabric`, { expected: addresses.length, counted: watch.moves });
  evidence.mark(`${cloud} ${how}: the last remote kernel delivers through ${to}`, watch.deliveryMovedAt);
  evidence.mark(`${cloud} ${how}: the fabric carries everything to ${to}`, watch.capturedAt(to, addresses));
}

/** The router may be switched off: its NIC has nothing any more, and its check is as it was before routerd came. */
async function judgeOldNic({ lab, evidence }: Stage, { cloud, from }: Move): Promise<void> {
  const control = cloudControl(lab, cloud);
  const clean = await waitUntil(
    `${from}: a clean NIC`,
    async () => (nicOf(await control.state(), from).forwarding ? undefined : true),
    { deadlineMs: SETTLE_DEADLINE_MS, everyMs: 20 },
  ).catch(() => false);
  evidence.mark(`${from}: source/destination check restored`, Date.now());
  evidence.check(`${from}: source/destination check`, 'restored', clean ? 'restored' : 'off');
  const { addresses } = nicOf(await control.state(), from);
  evidence.check(`${from}: addresses left on its NIC`, 'none', addresses.join(' ') || 'none');
}

async function judgeTraffic(
  stage: Stage,
  traffic: Traffic,
  moves: readonly Move[],
  { how, zero }: { readonly how: string; readonly zero: number },
): Promise<number> {
  const flows = await traffic.stop(stage, how);
  // Azure has no call that moves an address: it is taken from one NIC and then given to the other, and nobody has it meanwhile.
  const hasVacancy = moves.some(({ cloud }) => cloud === 'azure');
  const [interrupted = [], others = []] = [true, false].map((each) =>
    flows.filter(({ name }) => (hasVacancy && name.includes('azure')) === each),
  );
  let apiMs = 0;
  for (const { cloud, from, to, before, watch } of moves) {
    const addresses = before.map(({ address }) => address);
    const providerDoneAt = watch.capturedAt(to, addresses);
    const calledAt = await watch.calledAt();
    measureStages(stage, {
      name: `${cloud} ${how}`,
      from,
      to,
      zero,
      calledAt,
      providerDoneAt,
      flows: cloud === 'azure' ? interrupted : others,
    });
    if (calledAt === undefined || providerDoneAt === undefined) continue;
    await watch.checkCalls(stage, how, addresses.length);
    stage.evidence.measure(`${cloud} ${how}: API time`, providerDoneAt - calledAt);
    apiMs = Math.max(apiMs, providerDoneAt - calledAt);
  }
  for (const { watch } of moves) await watch.stop(stage, how);
  checkNoneLost(stage, others);
  if (!hasVacancy) return apiMs;
  const vacancyMs = Math.max(...moves.map(({ watch }) => watch.longestVacancyMs));
  stage.evidence.measure(`azure ${how}: an address was on no NIC for at most`, vacancyMs);
  checkVacancyLoss(stage, interrupted, vacancyMs);
  return apiMs;
}

/** An action of the tenure before last, found in the new holder's journal: it is not even tried. */
async function rejectsStaleAction({ lab, evidence }: Stage, cloud: Cloud): Promise<void> {
  const [capture] = await capturesOf(lab, OPERATOR, cloud);
  if (capture === undefined) throw new Error(`${cloud} captures nothing`);
  const control = cloudControl(lab, cloud);
  const since = (await control.journal()).at(-1)?.sequence ?? 0;
  const { address } = capture;
  const epoch = capture.epoch - 1;
  const planted = await plantStaleAction(lab, { router: standby(cloud), holder: preferred(cloud), address, epoch });
  const title = `${cloud}: a planted action of epoch ${epoch}`;
  evidence.check(title, 'skipped: stale mobility capture epoch', `${planted.status}: ${planted.message}`.slice(0, 37));
  const calls = (await control.journal(since)).filter(({ mutating }) => mutating);
  evidence.check(`${title}: calls that it made`, '0', `${calls.length}`);
}
