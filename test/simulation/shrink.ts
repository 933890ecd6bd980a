/** Finds a smaller story that goes wrong in the same way: fewer events, fewer sites and routers, shorter troubles. */
import { simulate, type SimulateOptions } from './simulate.ts';
import type { Happening, Story, StoryEvent } from './story.ts';
import type { Site, Topology } from './topology.ts';
import type { Invariant } from './violation.ts';

export interface ShrinkOptions extends SimulateOptions {
  /** Told of each smaller story that was found. */
  readonly onSmaller?: (story: Story) => void;
  /** So many simulations at most. */
  readonly triesMax?: number;
}

/** @returns the story itself when it does not go wrong, or nothing smaller does */
export async function shrink(story: Story, options: ShrinkOptions = {}): Promise<Story> {
  const first = (await simulate(story, options)).violations[0];
  if (first === undefined) return story;
  const search = new Search(first.invariant, options);
  let smallest = story;
  for (let before = -1; before !== sizeOf(smallest) && !search.isOver();) {
    before = sizeOf(smallest);
    smallest = await search.withoutEvents(smallest);
    smallest = await search.withoutRouters(smallest);
    smallest = await search.shorter(smallest);
  }
  return smallest;
}

class Search {
  readonly #invariant: Invariant;
  readonly #options: ShrinkOptions;
  #triesLeft: number;

  constructor(invariant: Invariant, options: ShrinkOptions) {
    this.#invariant = invariant;
    this.#options = options;
    this.#triesLeft = options.triesMax ?? 400;
  }

  isOver(): boolean {
    return this.#triesLeft <= 0;
  }

  /** Halves, quarters, … single events, each left out if the rest still goes wrong. */
  async withoutEvents(story: Story): Promise<Story> {
    let smallest = story;
    for (let chunk = Math.ceil(story.events.length / 2); chunk >= 1; chunk = chunk === 1 ? 0 : Math.ceil(chunk / 2)) {
      for (let from = 0; from < smallest.events.length;) {
        const events = smallest.events.filter((_, index) => index < from || index >= from + chunk);
        const smaller = await this.#try({ ...smallest, events });
        if (smaller === undefined) from += chunk;
        else smallest = smaller;
      }
    }
    return smallest;
  }

  async withoutRouters(story: Story): Promise<Story> {
    let smallest = story;
    for (const { name, routers } of story.topology.sites) {
      smallest = (await this.#try(withoutSite(smallest, name))) ?? smallest;
      for (const router of routers) smallest = (await this.#try(withoutRouter(smallest, router.name))) ?? smallest;
    }
    return smallest;
  }

  async shorter(story: Story): Promise<Story> {
    let smallest = story;
    const last = Math.max(0, ...story.events.map(({ at }) => at));
    if (last + 1000 < story.calmAt) smallest = (await this.#try({ ...story, calmAt: last + 1000 })) ?? smallest;
    for (const [index] of story.events.entries()) {
      const events = smallest.events.map((event, at) => (at === index ? halved(event) : event));
      smallest = (await this.#try({ ...smallest, events })) ?? smallest;
    }
    return smallest;
  }

  async #try(story: Story): Promise<Story | undefined> {
    if (this.isOver() || story.topology.sites.length === 0) return undefined;
    this.#triesLeft -= 1;
    const { violations } = await simulate(story, this.#options);
    if (violations[0]?.invariant !== this.#invariant) return undefined;
    this.#options.onSmaller?.(story);
    return story;
  }
}

function withoutSite(story: Story, site: string): Story {
  const gone = story.topology.sites.find(({ name }) => name === site);
  const routers = new Set(gone?.routers.map(({ name }) => name));
  const isAbout = (happens: Happening): boolean =>
    ('site' in happens && happens.site === site) || ('node' in happens && routers.has(happens.node));
  return {
    ...story,
    topology: { ...story.topology, sites: story.topology.sites.filter(({ name }) => name !== site) },
    events: story.events.filter(({ happens }) => !isAbout(happens)),
  };
}

function withoutRouter(story: Story, router: string): Story {
  const sites: Topology['sites'] = story.topology.sites.map((site) => ({
    ...site,
    routers:
      site.routers.length === fewestRouters(site) ? site.routers : site.routers.filter(({ name }) => name !== router),
  }));
  const events = story.events.filter(({ happens }) => !('node' in happens && happens.node === router));
  return { ...story, topology: { ...story.topology, sites }, events };
}

function halved({ at, happens }: StoryEvent): StoryEvent {
  if ('forMs' in happens) return { at, happens: { ...happens, forMs: Math.ceil(happens.forMs / 2) } };
  if ('ppm' in happens) return { at, happens: { ...happens, ppm: Math.trunc(happens.ppm / 2) } };
  return 'downMs' in happens ? { at, happens: { ...happens, downMs: Math.ceil(happens.downMs / 2) } } : { at, happens };
}

function sizeOf({ events, topology }: Story): number {
  return events.length + topology.sites.reduce((sum, { routers }) => sum + 1 + routers.length, 0);
}

/** Who speaks VRRP needs somebody to speak it with. */
function fewestRouters({ hasVrrp }: Site): number {
  return hasVrrp === true ? 2 : 1;
}
