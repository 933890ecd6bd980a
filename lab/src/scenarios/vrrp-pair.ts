/** D4: where VRRP says who captures on the LAN, its master loses its power, is shut down, loses its link, and comes back each time. */
import type { Lab } from '../lab.ts';
import { macOf } from '../mac-address.ts';
import { ArpWatch } from '../measure/arp-watch.ts';
import { lastOf } from '../measure/figures.ts';
import { RouteWatch } from '../measure/route-watch.ts';
import { measureStages } from '../measure/stages.ts';
import { checkGaps, checkNoneLost, Traffic } from '../measure/traffic.ts';
import { powerOff, powerOn, shutDown } from '../power.ts';
import { readConfigs, redeploy, thenBack } from '../redeploy.ts';
import { captureText, tenuresSince, type CaptureView } from '../router-orders.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { carrierPort, clientAt, FOUR_SITES, ROUTERS, type Router } from '../topology.ts';
import { VIRTUAL_ADDRESS, withVrrp } from '../vrrp-config.ts';
import { seenWithin, waitUntil } from '../wait-until.ts';
import { preferred, settled, standby, trafficOf } from './holders.ts';
import { routerNamed } from './loss.ts';

const SITE = 'onprem';
/** What operators are promised: three advertisements missed are 1.2 s at most, the registry, the kernel and the announcement are the rest. */
const GAP_LIMIT_MS = 2000;
const FOLLOW_DEADLINE_MS = 10_000;

interface Incident {
  readonly name: string;
  /** @returns when it began, by the wall clock in milliseconds */
  readonly strike: (lab: Lab, master: Router) => Promise<number>;
  readonly mend: (lab: Lab, master: Router) => Promise<void>;
}

const INCIDENTS: readonly Incident[] = [
  { name: 'power-off', strike: powerOff, mend: boot },
  { name: 'shut-down', strike: shutDown, mend: boot },
  {
    name: 'link-loss',
    strike: async (...of) => plug('down', ...of),
    mend: async (...of) => void (await plug('up', ...of)),
  },
];

export const vrrpPair: Scenario = {
  id: 'D4',
  title: 'the VRRP master on the LAN loses its power, is shut down, loses its link, and returns: capture follows',
  asserts:
    'each capture moves once, one router answers ARP at a time, the client hears the announcement, no gap of 2 s; nothing lost when the master returns',
  seconds: 32,
  topology: FOUR_SITES,
  async run(stage) {
    await underVrrp(stage, async () => {
      const pair = await elected(stage);
      try {
        for (const incident of INCIDENTS)
          await stage.progress.step(`D4: ${incident.name} of the master, and its return`, async () =>
            thereAndBack(stage, pair, incident),
          );
        judgeArp(stage, pair);
      } finally {
        pair.arp.stop(stage);
      }
    });
  },
};

interface Pair {
  readonly arp: ArpWatch;
  /** From when on the first master answered for everything. Wall clock, milliseconds. */
  readonly since: number;
  readonly addresses: readonly string[];
  readonly master: Router;
  readonly partner: Router;
}

/** The registry still says who captured before there was an election; the kernel answers only for whoever won it. */
async function elected(stage: Stage): Promise<Pair> {
  const { lab } = stage;
  const [master, partner] = [routerNamed(SITE, preferred(SITE)), routerNamed(SITE, standby(SITE))];
  const addresses = (await settled(lab, SITE, master.name)).map(({ address }) => address);
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

async function underVrrp({ lab, progress }: Stage, work: () => Promise<void>): Promise<void> {
  const before = readConfigs(lab);
  const changed = new Map([...before].map(([name, text]) => [name, withVrrp(name, text)] as const));
  await progress.step('configuration: captures on the LAN follow VRRP', async () => redeploy(lab, changed));
  await thenBack(lab, work, async () => progress.step('configuration as before', async () => redeploy(lab, before)));
  await settled(lab, SITE, preferred(SITE));
}

/** The address stayed on the link of a machine that had no time to take it off; a boot begins without. */
async function boot(lab: Lab, router: Router): Promise<void> {
  const vm = lab.vm(router.name);
  const shown = await vm.ipOutput('-4', '-o', 'address', 'show', 'dev', router.nic, 'to', `${VIRTUAL_ADDRESS}/32`);
  if (shown.trim() !== '') await vm.ip([`address del ${VIRTUAL_ADDRESS}/32 dev ${router.nic}`]);
  await powerOn(lab, router);
}

/** At the far end of its cable: the router sees the carrier go. */
async function plug(state: 'up' | 'down', lab: Lab, router: Router): Promise<number> {
  const at = Date.now();
  await lab.vm('lan').ip([`link set ${carrierPort(router.name)} ${state}`]);
  return at;
}

async function thereAndBack(stage: Stage, pair: Pair, { name, strike, mend }: Incident): Promise<void> {
  const { lab } = stage;
  const { master, partner } = pair;
  await follow(stage, pair, {
    name,
    from: master,
    to: partner,
    isReturn: false,
    begin: async () => strike(lab, master),
  });
  const begin = async (): Promise<number> => {
    const at = Date.now();
    await mend(lab, master);
    return at;
  };
  await follow(stage, pair, { name: `${name}, return`, from: partner, to: master, isReturn: true, begin });
}

interface Move {
  readonly name: string;
  readonly from: Router;
  readonly to: Router;
  /** Of the master: whoever captured meanwhile lives, and hands over without a loss. */
  readonly isReturn: boolean;
  readonly begin: () => Promise<number>;
}

/** Under traffic: everything is captured by `to` afterwards, under the next epoch, announced to the client, and delivered through it by everybody. */
async function follow(
  stage: Stage,
  { arp, addresses }: Pair,
  { name, from, to, isReturn, begin }: Move,
): Promise<void> {
  const { lab, evidence } = stage;
  const before = await settled(lab, SITE, from.name);
  const routes = await watchRoutes(lab);
  const traffic = await Traffic.start(lab, trafficOf([SITE]));
  const zero = await begin();
  evidence.mark(`${from.name} to ${to.name}: ${name}`, zero);
  const after = await settled(lab, SITE, to.name);
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
  if (isReturn) checkNoneLost(stage, flows);
  else checkGaps(stage, flows, GAP_LIMIT_MS);
}

async function watchRoutes(lab: Lab): Promise<ReadonlyMap<string, RouteWatch>> {
  const remote = ROUTERS.filter(({ site }) => site !== SITE);
  return new Map(
    await Promise.all(remote.map(async ({ name }) => [name, await RouteWatch.start(lab.vm(name))] as const)),
  );
}

function lastDelivery(routes: ReadonlyMap<string, RouteWatch>): number | undefined {
  return lastOf([...routes.values()].map((watch) => watch.installedAt(clientAt(SITE).address)));
}

/** Whoever answered before answers no more once its successor has answered: nobody ever shares an address. */
function judgeArp({ evidence }: Stage, { arp, since, addresses, master, partner }: Pair): void {
  const [a, b] = [macOf(master.address), macOf(partner.address)];
  const order = [a, ...INCIDENTS.flatMap(() => [b, a])].join(' ');
  for (const address of addresses) {
    const judged = arp.answering(address, since);
    evidence.count(`${address}: answers to ARP on the LAN`, judged.answers);
    evidence.check(`${address}: who answered ARP, one after the other`, order, judged.order.join(' '));
    evidence.check(`${address}: questions that two answered`, 'none', judged.doubles.join(', ') || 'none');
  }
}
