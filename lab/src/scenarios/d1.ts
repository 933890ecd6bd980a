/** D1: a machine appears on the on-prem LAN, sends its first packet, and every cloud knows. */
import { reaches } from '../client-flows.ts';
import type { Lab } from '../lab.ts';
import { FabricWatch } from '../measure/fabric-watch.ts';
import { FactWatch } from '../measure/fact-watch.ts';
import { FirstPackets } from '../measure/first-packets.ts';
import { leaseSeenAt } from '../measure/lease-log.ts';
import { quantile } from '../measure/quantile.ts';
import { RouteWatch } from '../measure/route-watch.ts';
import { announce, bootNewcomers, firstPing, unheardAddresses, type Newcomer } from '../newcomers.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { clientAt, CLOUDS, FOUR_SITES, isCloud, ROUTERS, routersAt, type Cloud, type Router } from '../topology.ts';
import { waitUntil } from '../wait-until.ts';

const MACHINES = 20;
const KERNEL_P95_MS_MAX = 150;
const ROUTE_DEADLINE_MS = 10_000;
/** The provider's API takes its time, and one NIC takes one change after the other. */
const CAPTURE_DEADLINE_MS = 60_000;

export const d1: Scenario = {
  id: 'D1',
  title: 'a new machine on the LAN is known to every cloud after its first packet',
  asserts:
    'every remote kernel has the route and every fabric the capture of 22 machines; each cloud client gets an answer; p95 to the last of six kernels under 150 ms',
  seconds: 16,
  topology: FOUR_SITES,
  runsOnce: true,
  async run(stage) {
    const watches = await Watches.start(stage.lab);
    try {
      const addresses = await unheardAddresses(stage.lab, MACHINES + 2);
      const [asking, telling, ...many] = await bootNewcomers(stage.lab, addresses);
      if (asking === undefined || telling === undefined) throw new Error('no address is left to appear with');
      // A way that does not carry one machine carries no twenty: what is missing is told once, not after twenty deadlines.
      if (!(await appears(stage, watches, asking, 'ARP request', firstPing))) return;
      if (!(await appears(stage, watches, telling, 'gratuitous ARP', announce))) return;
      await stage.progress.step(`D1: ${many.length} machines, one after the other`, async () =>
        appearMany(stage, watches, many),
      );
    } finally {
      watches.stop(stage);
    }
  },
};

const CLOUD_ROUTERS: readonly Router[] = ROUTERS.filter((router) => isCloud(router.site));

/** Everything that looks on, started before anything happens. */
class Watches {
  readonly packets: FirstPackets;
  readonly facts: FactWatch;
  readonly routes: ReadonlyMap<string, RouteWatch>;
  readonly fabrics: ReadonlyMap<Cloud, FabricWatch>;

  private constructor(packets: FirstPackets, facts: FactWatch, routes: Watches['routes'], fabrics: Watches['fabrics']) {
    this.packets = packets;
    this.facts = facts;
    this.routes = routes;
    this.fabrics = fabrics;
  }

  static async start(lab: Lab): Promise<Watches> {
    const [packets, facts, routes, fabrics] = await Promise.all([
      FirstPackets.start(lab.vm('lan')),
      FactWatch.start(lab),
      Promise.all(CLOUD_ROUTERS.map(async ({ name }) => [name, await RouteWatch.start(lab.vm(name))] as const)),
      Promise.all(CLOUDS.map(async (cloud) => [cloud, await FabricWatch.start(lab, cloud)] as const)),
    ]);
    return new Watches(packets, facts, new Map(routes), new Map(fabrics));
  }

  routeAt(router: Router, address: string): number | undefined {
    return this.routes.get(router.name)?.installedAt(address);
  }

  captureAt(cloud: Cloud, address: string): number | undefined {
    return this.fabrics.get(cloud)?.capturedAt(address);
  }

  /** @returns whether all six kernels got their route before the deadline */
  async routesTo(address: string): Promise<boolean> {
    const all = (): true | undefined =>
      CLOUD_ROUTERS.every((router) => this.routeAt(router, address) !== undefined) || undefined;
    return waitUntil('routes', all, { deadlineMs: ROUTE_DEADLINE_MS, everyMs: 2 }).catch(() => false);
  }

  async capturesOf(addresses: readonly string[]): Promise<boolean> {
    const all = (): true | undefined =>
      CLOUDS.every((cloud) => addresses.every((address) => this.captureAt(cloud, address) !== undefined)) || undefined;
    return waitUntil('captures', all, { deadlineMs: CAPTURE_DEADLINE_MS }).catch(() => false);
  }

  stop({ evidence }: Stage): void {
    this.packets.stop();
    this.facts.stop();
    evidence.file('lan-arp.txt', this.packets.lines.join('\n'));
    for (const [name, watch] of this.routes) {
      watch.stop();
      evidence.file(`routes/${name}.txt`, watch.lines.join('\n'));
    }
    for (const [cloud, watch] of this.fabrics) {
      watch.stop();
      evidence.file(`fabrics/${cloud}.txt`, watch.lines.join('\n'));
    }
  }
}

/** One machine, watched on its whole way. @returns whether its route reached every kernel */
async function appears(
  stage: Stage,
  watches: Watches,
  machine: Newcomer,
  how: string,
  send: (machine: Newcomer) => Promise<void>,
): Promise<boolean> {
  const { lab, evidence } = stage;
  const { address } = machine;
  await send(machine);
  const isRouted = await watches.routesTo(address);
  for (const router of CLOUD_ROUTERS) {
    const kernel = (await lab.vm(router.name).ipOutput('-4', 'route', 'show', `${address}/32`)).trim();
    evidence.check(
      `${how}: ${router.name}'s kernel routes ${address} into a tunnel`,
      'dev wg-onprem-a or wg-onprem-b',
      deviceOf(kernel),
      /^wg-onprem-[ab]$/.test(deviceOf(kernel)),
    );
  }
  if (!isRouted) return false;
  await watches.capturesOf([address]);
  await Promise.all(
    CLOUDS.map(async (cloud) => {
      const holders = (await watches.fabrics.get(cloud)?.holdersOf(address)) ?? [];
      const routers = routersAt(cloud).map(({ name }) => name);
      evidence.check(
        `${how}: the ${cloud} fabric has ${address} on one router`,
        'one of the two',
        holders.join(' ') || 'nowhere',
        holders.length === 1 && routers.includes(holders[0] ?? ''),
      );
      const client = clientAt(cloud).name;
      const reached = await reaches(lab, client, address, 10_000).then(
        () => 'yes',
        () => 'no',
      );
      evidence.check(`${how}: ${client} reaches ${address}`, 'yes', reached);
    }),
  );
  await measure(stage, watches, machine, how);
  return true;
}

function deviceOf(route: string): string {
  return / dev (\S+)/.exec(route)?.[1] ?? 'no route';
}

/** From the first packet on the wire to each station. A lease is the one thing that only routerd can tell; it is printed, never asserted. */
async function measure({ lab, evidence }: Stage, watches: Watches, { address }: Newcomer, how: string): Promise<void> {
  const zero = watches.packets.heardAt(address);
  const since = (at: number | undefined): number | undefined =>
    zero === undefined || at === undefined ? undefined : at - zero;
  evidence.check(
    `${how}: the first packet of ${address} was heard on the LAN`,
    'yes',
    zero === undefined ? 'no' : 'yes',
  );
  evidence.measure(`${how}: fact published`, since(watches.facts.publishedAt(address)));
  for (const router of CLOUD_ROUTERS)
    evidence.measure(`${how}: lease at ${router.name}`, since(leaseSeenAt(lab, router.name, address)));
  for (const router of CLOUD_ROUTERS)
    evidence.measure(`${how}: kernel route at ${router.name}`, since(watches.routeAt(router, address)));
  for (const cloud of CLOUDS)
    evidence.measure(`${how}: fabric capture at ${cloud}`, since(watches.captureAt(cloud, address)));
}

async function appearMany({ evidence, lab }: Stage, watches: Watches, machines: readonly Newcomer[]): Promise<void> {
  for (const machine of machines) {
    await firstPing(machine);
    if (!(await watches.routesTo(machine.address))) break;
    // The next one comes when the clouds are done with this one: their APIs and executors run on this machine too, and would be measured with it.
    if (!(await watches.capturesOf([machine.address]))) break;
  }
  const sinceFirst = (address: string, at: number | undefined): readonly number[] => {
    const zero = watches.packets.heardAt(address);
    return zero === undefined || at === undefined ? [] : [at - zero];
  };
  const kernels = machines.flatMap(({ address }) => {
    const times = CLOUD_ROUTERS.flatMap((router) => sinceFirst(address, watches.routeAt(router, address)));
    return times.length === CLOUD_ROUTERS.length ? [Math.max(...times)] : [];
  });
  evidence.check(
    'machines whose route reached all six kernels',
    `${machines.length} of ${machines.length}`,
    `${kernels.length} of ${machines.length}`,
  );
  const p95 = quantile(kernels, 0.95);
  evidence.measure(`${machines.length} machines: last of six kernel routes, p50`, quantile(kernels, 0.5));
  evidence.measure(`${machines.length} machines: last of six kernel routes, p95`, p95);
  if (lab.record.wanDelayMs === 0) {
    evidence.check(
      'p95 from first packet to the last kernel route, no WAN delay',
      `under ${KERNEL_P95_MS_MAX} ms`,
      p95 === undefined ? 'nothing measured' : `${p95.toFixed(1)} ms`,
      p95 !== undefined && p95 < KERNEL_P95_MS_MAX,
    );
  }
  for (const cloud of CLOUDS) {
    const captures = machines.flatMap(({ address }) => sinceFirst(address, watches.captureAt(cloud, address)));
    evidence.check(
      `${cloud}: machines captured by the fabric`,
      `${machines.length} of ${machines.length}`,
      `${captures.length} of ${machines.length}`,
    );
    evidence.measure(`${machines.length} machines: fabric capture at ${cloud}, p50`, quantile(captures, 0.5));
    evidence.measure(`${machines.length} machines: fabric capture at ${cloud}, p95`, quantile(captures, 0.95));
  }
}
