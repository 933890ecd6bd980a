/** The machines whose addresses the story is about: where they truly are, and how routers of their site come to know of them. */
import { parseHostAddress, type HostAddress } from '@routerd/resources';
import type { Machine } from './machine.ts';
import { staticAddresses, valueOf } from './node-documents.ts';
import type { SeededRandom } from './random.ts';
import type { SimCloud } from './sim-cloud.ts';
import type { SimLan } from './sim-lan.ts';
import { quadOf, type Site, type Topology } from './topology.ts';
import type { VirtualTime } from './virtual-time.ts';

/** How often a cloud's list of addresses is read by each router there, and how often a machine on a LAN says something. */
const INVENTORY_EVERY_MS = 3000;
const SPEAK_EVERY_MS = 10_000;
/** A machine that the cloud refuses, because a router still has its address, is started again after this. */
const LAUNCH_AGAIN_MS = 1000;
const ORIGIN = 'inventory';

export interface PopulationOptions {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly topology: Topology;
  readonly clouds: ReadonlyMap<string, SimCloud>;
  readonly lans: ReadonlyMap<string, SimLan>;
  readonly machines: ReadonlyMap<string, Machine>;
}

export class Population {
  readonly #options: PopulationOptions;
  /** Where each address lives now; those declared in the pool never move. */
  readonly #homes = new Map<number, string>();
  readonly #declared = new Map<number, string>();
  /** Grows with each order about an address, so that one that waits knows that it was overtaken. */
  readonly #orders = new Map<number, number>();
  /** When a machine with the address was last taken from a site, milliseconds of the simulation. */
  readonly #leftAt = new Map<string, number>();

  constructor(options: PopulationOptions) {
    this.#options = options;
    for (const site of options.topology.sites) {
      for (const address of staticAddresses(options.topology, site)) this.#declared.set(address, site.name);
    }
    for (const [address, site] of this.#declared) this.#settle(address, site);
    this.#watchInventories();
    this.#speakAgain();
  }

  addresses(): readonly number[] {
    return Array.from({ length: this.#options.topology.addresses }, (_, address) => address);
  }

  homeOf(address: number): string | undefined {
    return this.#homes.get(address);
  }

  isDeclared(address: number): boolean {
    return this.#declared.has(address);
  }

  livesAt(address: HostAddress, site: string): boolean {
    const { clouds, lans } = this.#options;
    return clouds.get(site)?.livesHere(address) ?? lans.get(site)?.livesHere(address) ?? false;
  }

  /** Whether a machine with the address was at the site at any time since then. */
  livedAtSince(address: HostAddress, site: string, since: number): boolean {
    return this.livesAt(address, site) || (this.#leftAt.get(`${address} ${site}`) ?? -1) >= since;
  }

  appear(address: number, site: string): void {
    if (this.#declared.has(address) || this.#homes.has(address)) return;
    this.#settle(address, site);
  }

  vanish(address: number): void {
    if (this.#declared.has(address)) return;
    this.#order(address);
    const home = this.#homes.get(address);
    this.#homes.delete(address);
    if (home !== undefined) this.#leave(address, home);
  }

  move(address: number, site: string, gapMs: number): void {
    if (this.#declared.has(address) || !this.#homes.has(address) || this.#homes.get(address) === site) return;
    this.vanish(address);
    const order = this.#order(address);
    this.#options.time.after(gapMs, () => {
      if (this.#orders.get(address) === order) this.#settle(address, site);
    });
  }

  /** A second machine with the address, at another site, for a while. Its home stays the first. */
  duplicate(address: number, site: string, forMs: number): void {
    const home = this.#homes.get(address);
    if (home === undefined || home === site) return;
    const { clouds, lans, time } = this.#options;
    const of = hostAddress(address);
    if (clouds.has(site)) clouds.get(site)?.settle(of);
    else lans.get(site)?.settle(of);
    time.after(forMs, () => {
      if (this.#homes.get(address) !== site) this.#leave(address, site);
    });
  }

  #order(address: number): number {
    const order = (this.#orders.get(address) ?? 0) + 1;
    this.#orders.set(address, order);
    return order;
  }

  #settle(address: number, site: string): void {
    const { clouds, lans, time } = this.#options;
    const order = this.#order(address);
    const of = hostAddress(address);
    const cloud = clouds.get(site);
    if (cloud === undefined) {
      lans.get(site)?.settle(of);
      this.#homes.set(address, site);
      return;
    }
    const launch = (): void => {
      if (this.#orders.get(address) !== order) return;
      if (cloud.settle(of)) this.#homes.set(address, site);
      else time.after(LAUNCH_AGAIN_MS, launch);
    };
    launch();
  }

  #leave(address: number, site: string): void {
    const { clouds, lans, time } = this.#options;
    if (this.livesAt(hostAddress(address), site)) this.#leftAt.set(`${hostAddress(address)} ${site}`, time.now());
    clouds.get(site)?.leave(hostAddress(address));
    lans.get(site)?.leave(hostAddress(address));
  }

  /** Each router of a cloud reads by itself which addresses machines there have, and says what is new and what is gone. */
  #watchInventories(): void {
    const { topology, machines, clouds, random, time } = this.#options;
    for (const site of topology.sites.filter(({ name }) => clouds.has(name))) {
      for (const { name } of site.routers) {
        const read = (): void => {
          this.#readInventory(site, machines.get(name));
          time.after(INVENTORY_EVERY_MS, read);
        };
        time.after(random.between(0, INVENTORY_EVERY_MS), read);
      }
    }
  }

  #readInventory(site: Site, machine: Machine | undefined): void {
    const running = machine?.running;
    if (machine === undefined || running === undefined || running.life.isOver()) return;
    for (const facts of running.node.localFacts.values()) {
      const asserted = facts.asserted();
      for (const address of this.addresses()) {
        const of = hostAddress(address);
        if (this.livesAt(of, site.name)) {
          // What this site captures is refused, and would be refused again each time: it is asked for quietly first.
          if (!asserted.has(of) && running.node.isCapturedHere(of) === undefined) facts.assert(of, ORIGIN);
        } else if (asserted.has(of)) facts.withdraw(of, ORIGIN);
      }
    }
  }

  #speakAgain(): void {
    const { time, random, lans } = this.#options;
    const speak = (): void => {
      for (const address of this.addresses()) {
        const lan = lans.get(this.#homes.get(address) ?? '');
        if (lan !== undefined && random.chance(0.5)) lan.speak(hostAddress(address));
      }
      time.after(SPEAK_EVERY_MS, speak);
    };
    time.after(SPEAK_EVERY_MS, speak);
  }
}

const ADDRESSES = new Map<number, HostAddress>();

export function hostAddress(address: number): HostAddress {
  const known = ADDRESSES.get(address) ?? valueOf(parseHostAddress(`${quadOf(address)}/32`));
  ADDRESSES.set(address, known);
  return known;
}
