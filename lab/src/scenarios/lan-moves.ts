/** Captures on a LAN where VRRP says who has them: the pair of routers, and a move from one to the other under traffic. */
import type { Lab } from '../lab.ts';
import { macOf } from '../mac-address.ts';
import { ArpWatch } from '../measure/arp-watch.ts';
import { lastOf } from '../measure/figures.ts';
import { RouteWatch } from '../measure/route-watch.ts';
import { measureStages } from '../measure/stages.ts';
import { checkGaps, checkNoneLost, Traffic, type TrafficPlan } from '../measure/traffic.ts';
import { powerOn } from '../power.ts';
import { readConfigs, redeploy, thenBack } from '../redeploy.ts';
import { captureText, tenuresSince, type CaptureView } from '../router-orders.ts';
import type { Stage } from '../scenario.ts';
import { clientAt, ROUTERS, type Router } from '../topology.ts';
import { VIRTUAL_ADDRESS, withVrrp } from '../vrrp-config.ts';
import { seenWithin, waitUntil } from '../wait-until.ts';
import { preferred, settled, standby } from './holders.ts';
import { routerNamed } from './loss.ts';

/** Where the pair is. */
export const LAN_SITE = 'onprem';
/** What operators are promised: three advertisements missed are 1.2 s at most, the registry, the kernel and the announcement are the rest. */
const GAP_LIMIT_MS = 2000;
const FOLLOW_DEADLINE_MS = 10_000;

export interface LanPair {
  readonly arp: ArpWatch;
  /** From when on the first master answered for everything. Wall clock, milliseconds. */
  readonly since: number;
  readonly addresses: readonly string[];
  readonly master: Router;
  readonly partner: Router;
}

/** The registry still says who captured before there was an election; the kernel answers only for whoever won it. */
export async function elected(stage: Stage): Promise<LanPair> {
  const { lab } = stage;
  const [master, partner] = [routerNamed(LAN_SITE, preferred(LAN_SITE)), routerNamed(LAN_SITE, standby(LAN_SITE))];
  const addresses = (await settled(lab, LAN_SITE, master.name)).map(({ address }) => address);
  const arp = await ArpWatch.start(lab, addresses);
  const since = await waitUntil(
    `an answer for everything by ${master.name}`,
    () => arp.answeredAt(macOf(master.address), addresses, 0),
    { deadlineMs: FOLLOW_DEADLINE_MS },
  ).catch((cause: unknown) => {
    arp.stop(stage);
    throw cause;
  });
  return { arp, since, addresses, master, partner };
}

export async function underVrrp({ lab, progress }: Stage, work: () => Promise<void>): Promise<void> {
  const before = readConfigs(lab);
  const changed = new Map([...before].map(([name, text]) => [name, withVrrp(name, text)] as const));
  await progress.step('configuration: captures on the LAN follow VRRP', async () => redeploy(lab, changed));
  await thenBack(lab, work, async () => progress.step('configuration as before', async () => redeploy(lab, before)));
  await settled(lab, LAN_SITE, preferred(LAN_SITE));
}

/** The address stayed on the link of a machine that had no time to take it off; a boot begins without. */
export async function boot(lab: Lab, router: Router): Promise<void> {
  const vm = lab.vm(router.name);
  const shown = await vm.ipOutput('-4', '-o', 'address', 'show', 'dev', router.nic, 'to', `${VIRTUAL_ADDRESS}/32`);
  if (shown.trim() !== '') await vm.ip([`address del ${VIRTUAL_ADDRESS}/32 dev ${router.nic}`]);
  await powerOn(lab, router);
}

export interface LanMove {
  readonly name: string;
  readonly from: Router;
  readonly to: Router;
  readonly traffic: TrafficPlan;
  /** Whoever captured before lives, and hands over without a loss. */
  readonly isHandOver: boolean;
  /** Under that traffic. @returns when it began, by the wall clock in milliseconds */
  readonly begin: (traffic: Traffic) => Promise<number>;
}

/** Under traffic: everything is captured by `to` afterwards, under the next epoch, announced to the client, and delivered through it by everybody. */
export async function follow(
  stage: Stage,
  { arp, addresses }: LanPair,
  { name, from, to, traffic: plan, isHandOver, begin }: LanMove,
): Promise<void> {
  const { lab, evidence } = stage;
  const before = await settled(lab, LAN_SITE, from.name);
  const routes = await watchRoutes(lab);
  const traffic = await Traffic.start(lab, plan);
  const zero = await begin(traffic);
  evidence.mark(`${from.name} to ${to.name}: ${name}`, zero);
  const after = await settled(lab, LAN_SITE, to.name);
  const expected: readonly CaptureView[] = before.map((view) => ({ ...view, holder: to.name, epoch: view.epoch + 1 }));
  evidence.check(`${name}: captures in the registry, each moved once`, captureText(expected), captureText(after));
  evidence.checkMoves(`${name}: moves in the registry`, {
    expected: before.length,
    counted: tenuresSince(before, after),
  });
  const mac = macOf(to.address);
  const answeredAt = await seenWithin(FOLLOW_DEADLINE_MS, () => arp.answeredAt(mac, addresses, zero));
  const announcedAt = await seenWithin(FOLLOW_DEADLINE_MS, () => arp.announcedAt(mac, addresses, zero));
  const deliveredAt = await seenWithin(FOLLOW_DEADLINE_MS, () => lastDelivery(routes));
  for (const [router, watch] of routes) {
    watch.stop();
    evidence.file(`${name.replace(', ', '-')}/routes-${router}.txt`, watch.lines.join('\n'));
  }
  const flows = await traffic.stop(stage, `at ${name}`);
  const seen = (at: number | undefined): string => (at === undefined ? 'no' : 'yes');
  evidence.check(`${name}: ${to.name} answers ARP for everything`, 'yes', seen(answeredAt));
  evidence.check(`${name}: the client heard ${to.name} announce everything`, 'yes', seen(announcedAt));
  evidence.check(`${name}: every cloud router delivers another way`, 'yes', seen(deliveredAt));
  const done = { calledAt: undefined, providerDoneAt: announcedAt, doneIs: 'announced to the client' };
  measureStages(stage, { name, from: from.name, to: to.name, zero, ...done, flows });
  const deliveredMs = deliveredAt === undefined ? undefined : deliveredAt - zero;
  evidence.measure(`${name}: delivered through ${to.name} by every cloud router after`, deliveredMs);
  if (isHandOver) checkNoneLost(stage, flows);
  else checkGaps(stage, flows, GAP_LIMIT_MS);
}

async function watchRoutes(lab: Lab): Promise<ReadonlyMap<string, RouteWatch>> {
  const remote = ROUTERS.filter(({ site }) => site !== LAN_SITE);
  return new Map(
    await Promise.all(remote.map(async ({ name }) => [name, await RouteWatch.start(lab.vm(name))] as const)),
  );
}

function lastDelivery(routes: ReadonlyMap<string, RouteWatch>): number | undefined {
  return lastOf([...routes.values()].map((watch) => watch.installedAt(clientAt(LAN_SITE).address)));
}

/**
 * Whoever answered before answers no more once its successor has answered: nobody ever shares an address.
 * @param order of those who are to have answered, one after the other
 */
export function judgeArp({ evidence }: Stage, { arp, since, addresses }: LanPair, order: readonly Router[]): void {
  const wanted = order.map(({ address }) => macOf(address)).join(' ');
  for (const address of addresses) {
    const judged = arp.answering(address, since);
    evidence.count(`${address}: answers to ARP on the LAN`, judged.answers);
    evidence.check(`${address}: who answered ARP, one after the other`, wanted, judged.order.join(' '));
    evidence.check(`${address}: questions that two answered`, 'none', judged.doubles.join(', ') || 'none');
  }
}
