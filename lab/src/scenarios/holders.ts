/** Who captures at a site, as the registry has it; and the traffic that crosses those routers. */
import type { Flow } from '../client-flows.ts';
import type { Lab } from '../lab.ts';
import type { TrafficPlan } from '../measure/traffic.ts';
import { capturesOf, captureText, type CaptureView } from '../router-orders.ts';
import { clientAt, SITES, type Site } from '../topology.ts';
import { waitUntil } from '../wait-until.ts';

export const preferred = (site: Site): string => `${site}-router-a`;
export const standby = (site: Site): string => `${site}-router-b`;
/** Orders are given, and the registry is read, on a router that nothing is done to. */
export const OPERATOR = 'onprem-router-b';

/** Of a machine that does much else; how long it took is measured where it matters. */
const SETTLE_DEADLINE_MS = 120_000;

export const flow = (from: Site, to: Site): Flow => ({ from: clientAt(from), to: clientAt(to) });

/** Both directions of each flow cross the routers of the first site: requests one way, answers the other. */
export function trafficOf([site = 'aws']: readonly Site[]): TrafficPlan {
  const [first = 'onprem', second = 'azure', third = 'oci'] = SITES.filter((other) => other !== site);
  return {
    pings: [flow(site, first), flow(site, second), flow(third, site)],
    copies: [flow(site, first), flow(second, site)],
  };
}

/** What operators fear for when they drain routers of these sites: copies and people at work, to and from each. */
export function loadOf(sites: readonly Site[]): TrafficPlan {
  const [only, ...more] = sites;
  if (only === undefined || more.length === 0) {
    const plan = trafficOf(sites);
    return { ...plan, sessions: plan.copies.map(({ from, to }) => ({ from: to, to: from })) };
  }
  const ring = sites.map((site, index) => flow(site, sites[(index + 1) % sites.length] ?? site));
  const home = sites.map((site) => flow(site, 'onprem'));
  const out = sites.map((site) => flow('onprem', site));
  return { pings: [...ring, ...home], copies: out, sessions: home };
}

/** Waits until the registry says that one router holds everything that its site captures; `count` where more of it is still to come. */
export async function settled(
  lab: Lab,
  site: Site,
  holder: string,
  { via = OPERATOR, count = 1 }: { readonly via?: string; readonly count?: number } = {},
): Promise<readonly CaptureView[]> {
  let views: readonly CaptureView[] = [];
  return waitUntil(
    () => `${site}: everything held by ${holder}, instead of ${captureText(views)},`,
    async () => {
      views = await capturesOf(lab, via, site);
      const isSettled = views.length >= count && views.every((each) => each.phase === 'held' && each.holder === holder);
      return isSettled ? views : undefined;
    },
    { deadlineMs: SETTLE_DEADLINE_MS, everyMs: 20 },
  );
}
