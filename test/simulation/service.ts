/** I2: who is served and who is not, by what kernels and providers show, against where the machines truly are. */
import type { ObservedHost } from '@routerd/dataplane';
import type { HostAddress } from '@routerd/resources';
import type { Machine } from './machine.ts';
import { hostAddress } from './population.ts';
import type { Site } from './topology.ts';
import type { World } from './world.ts';

/** Who attracts packets for the address at a site. */
export function capturersAt(world: World, site: string, address: HostAddress): readonly string[] {
  const cloud = world.clouds.get(site);
  if (cloud === undefined) return world.lans.get(site)?.capturers(address) ?? [];
  const capturer = cloud.capturer(address);
  return capturer === undefined ? [] : [capturer];
}

/**
 * Each owned address is captured once in every other site, by a router that runs and is not drained if another could; packets from a
 * client there reach the owner's site through routers that forward. What nobody owns is captured and routed nowhere.
 * @returns one line for each thing that is not so; empty when all are served
 */
export function unserved(world: World): readonly string[] {
  const { sites } = world.story.topology;
  const homes = new Set(world.population.addresses().map((address) => world.population.homeOf(address)));
  return world.population.addresses().flatMap((index) => {
    const home = world.population.homeOf(index);
    const address = hostAddress(index);
    return sites.flatMap((site) => unservedAt(world, { site, address, home, hasClients: homes.has(site.name) }));
  });
}

interface Question {
  readonly site: Site;
  readonly address: HostAddress;
  readonly home: string | undefined;
  /** Whether anybody lives at the site who could send. */
  readonly hasClients: boolean;
}

function unservedAt(world: World, question: Question): readonly string[] {
  const { site, address, home } = question;
  const capturers = capturersAt(world, site.name, address);
  if (home === undefined || home === site.name) {
    const routed = site.routers.filter(({ name }) => routeOf(world.machine(name), address) !== undefined);
    return [
      ...capturers.map((name) => `${address} of ${home ?? 'nobody'} is captured at ${site.name} by ${name}`),
      ...routed.map(({ name }) => `${address} of ${home ?? 'nobody'} is routed away by ${name}`),
    ];
  }
  const [capturer, ...others] = capturers;
  if (capturer === undefined || others.length > 0)
    return [`${address} of ${home} is captured at ${site.name} by ${capturers.join(' and ') || 'nobody'}`];
  const wrong = ineligible(world, site, capturer);
  if (wrong !== undefined) return [`${address} of ${home} is captured at ${site.name} by ${capturer}, which ${wrong}`];
  const lost = undelivered(world, question, capturer);
  return lost === undefined ? [] : [`${address} of ${home} from ${site.name}: ${lost}`];
}

function ineligible(world: World, site: Site, capturer: string): string | undefined {
  if (world.machine(capturer).running === undefined) return 'does not run';
  if (world.vrrps.get(site.name)?.isMaster(capturer) === false) return 'is not the VRRP master';
  const isDrained = world.draining.has(capturer) && site.routers.some(({ name }) => !world.draining.has(name));
  return isDrained ? 'is drained' : undefined;
}

/** Follows a packet from the capturing router to the owner's site. */
function undelivered(
  world: World,
  { site, address, home, hasClients }: Question,
  capturer: string,
): string | undefined {
  const machine = world.machine(capturer);
  const cloud = world.clouds.get(site.name);
  if (cloud?.inner.forwarding(`nic-${capturer}`) === false) return `the NIC of ${capturer} does not forward`;
  if (!forwards(machine.kernel?.shown())) return `${capturer} does not forward`;
  const device = routeOf(machine, address);
  if (device === undefined) return `${capturer} has no route`;
  const via = world.machines.get(device.slice('wg-'.length));
  if (via === undefined || via.site !== home) return `${capturer} delivers to ${device}, which is not at ${home}`;
  if (via.kernel === undefined) return `${via.name} has no power`;
  if (!hasClients) return undefined;
  if (!forwards(via.kernel.shown())) return `${via.name} does not forward`;
  if (world.clouds.get(via.site)?.inner.forwarding(`nic-${via.name}`) === false)
    return `the NIC of ${via.name}, which delivers, does not forward`;
  return undefined;
}

/** Routers of other sites whose kernels deliver something to this one. */
export function sendersTo(world: World, node: string): readonly string[] {
  const { site } = world.machine(node);
  return [...world.machines.values()]
    .filter((machine) => machine.site !== site)
    .filter(({ kernel }) => kernel?.shown().routes.some(({ device }) => device === `wg-${node}`) === true)
    .map(({ name }) => name);
}

/** The device that packets for the address leave by. */
function routeOf(machine: Machine, address: HostAddress): string | undefined {
  const routes = machine.kernel?.shown().routes;
  return routes === undefined ? undefined : devicesOf(routes).get(address);
}

/** A kernel shows the same list until it changes; to search it for each address would cost their square. */
const DEVICES = new WeakMap<ObservedHost['routes'], ReadonlyMap<string, string>>();

function devicesOf(routes: ObservedHost['routes']): ReadonlyMap<string, string> {
  const known = DEVICES.get(routes);
  if (known !== undefined) return known;
  const devices = new Map<string, string>();
  for (const { destination, device } of routes)
    if (device !== undefined && !devices.has(destination)) devices.set(destination, device);
  DEVICES.set(routes, devices);
  return devices;
}

function forwards(host: ObservedHost | undefined): boolean {
  return host?.sysctls.get('net/ipv4/ip_forward') === '1';
}
