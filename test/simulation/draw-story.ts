/** Draws a story from a seed: the topology, which kinds of trouble it brings, and when. */
import { SeededRandom } from './random.ts';
import {
  MEDDLINGS,
  NIC_MEDDLINGS,
  RULES,
  VRRP_TROUBLES,
  type Happening,
  type Story,
  type StoryEvent,
} from './story.ts';
import { drawTopology, nodesOf, type Topology, type TopologyBounds } from './topology.ts';

/** The bounds are part of what a seed means. */
export const DEFAULT_BOUNDS: TopologyBounds = { addressesMax: 2000, hasLargeWorlds: true };
/** What the tests play each time. */
export const SMALL_BOUNDS: TopologyBounds = { addressesMax: 12, hasLargeWorlds: false };

/** Far beyond the window (five minutes) within which a fact may be dated ahead. */
const CLOCK_ERROR_MS_MAX = 3 * 3_600_000;

/** Crystals of servers are off by tens of millionths; 500 is the most that a kernel corrects for NTP (adjtimex(2)). */
const USUAL_DRIFT_PPM_MAX = 500;
/** A virtual machine that is not given its ticks, or hardware that is broken. */
const BROKEN_DRIFT_PPM_MAX = 50_000;

/** How often of each kind, in proportion. */
type Usual = Exclude<Happening['what'], 'vrrp' | 'clock-drift'>;
type Profile = Readonly<Record<Usual, number>>;

const USUAL: Profile = {
  appear: 3,
  vanish: 3,
  move: 4,
  duplicate: 2,
  crash: 5,
  'power-cut': 2,
  restart: 3,
  partition: 4,
  'site-partition': 2,
  'one-way': 2,
  'slow-link': 2,
  'lossy-heartbeats': 1,
  'read-again': 1,
  'hub-down': 2,
  'hub-paused': 1,
  'hub-rolled-back': 1,
  'hub-wiped': 1,
  'ambiguous-writes': 2,
  'stale-hub-reads': 1,
  throttled: 2,
  'lost-responses': 2,
  'slow-cloud': 2,
  'half-moves': 2,
  'stale-cloud-reads': 1,
  'nic-meddling': 2,
  'kernel-meddling': 1,
  'clock-jump': 2,
  'false-fact': 1,
  drain: 2,
  'ordered-drain': 2,
  'other-rules': 1,
};

export function drawStory(seed: number, bounds: TopologyBounds = DEFAULT_BOUNDS): Story {
  const random = new SeededRandom(seed);
  const topology = drawTopology(random.fork('topology'), bounds);
  const profile = drawProfile(random.fork('profile'));
  const draw = random.fork('events');
  const calmAt = draw.between(15_000, 60_000);
  const troubles = draw.between(3, 24);
  const events: StoryEvent[] = [
    ...openingOf(topology, draw),
    ...Array.from({ length: troubles }, () => ({
      at: draw.between(0, calmAt - 1),
      happens: drawHappening(draw, topology, draw.weighted(profile)),
    })),
    ...vrrpTroublesOf(topology, random.fork('vrrp'), calmAt),
    ...driftsOf(topology, random.fork('drift'), calmAt),
  ];
  return { seed, topology, events: events.toSorted((a, b) => a.at - b.at), calmAt };
}

/** Every address appears somewhere, most of them early. */
function openingOf(topology: Topology, draw: SeededRandom): readonly StoryEvent[] {
  return Array.from({ length: topology.addresses }, (_, address) => ({
    at: draw.chance(0.8) ? draw.between(0, 4000) : draw.between(0, 14_000),
    happens: { what: 'appear', address, site: draw.pick(topology.sites).name } as const,
  }));
}

/** From a stream of its own, beside the others: where there is no VRRP a seed tells what it told before there was any. */
function vrrpTroublesOf({ sites }: Topology, draw: SeededRandom, calmAt: number): readonly StoryEvent[] {
  const gated = sites.filter(({ hasVrrp }) => hasVrrp === true);
  return gated.flatMap(({ name: site }) =>
    Array.from({ length: draw.between(0, 4) }, () => ({
      at: draw.between(0, calmAt - 1),
      happens: {
        what: 'vrrp',
        site,
        kind: draw.pick(VRRP_TROUBLES),
        forMs: draw.betweenMostlySmall(200, 30_000),
      } as const,
    })),
  );
}

/**
 * From a stream of its own. Nearly every machine drifts a little; in some worlds the oscillators of one machine or several are broken, from the
 * beginning or later, and may change their minds.
 */
function driftsOf(topology: Topology, draw: SeededRandom, calmAt: number): readonly StoryEvent[] {
  const oscillators = draw.weighted({ perfect: 2, usual: 5, broken: 3 });
  if (oscillators === 'perfect') return [];
  const nodes = nodesOf(topology);
  const driftOf = (node: string, at: number, most: number): StoryEvent => ({
    at,
    happens: { what: 'clock-drift', node, ppm: draw.between(-most, most) },
  });
  const usual = nodes.map((node) => driftOf(node, 0, USUAL_DRIFT_PPM_MAX));
  if (oscillators === 'usual') return usual;
  const broken = Array.from({ length: draw.betweenMostlySmall(1, 2 * nodes.length) }, () =>
    driftOf(draw.pick(nodes), draw.chance(0.5) ? 0 : draw.between(0, calmAt - 1), BROKEN_DRIFT_PPM_MAX),
  );
  return [...usual, ...broken];
}

/** Most seeds bring few kinds of trouble, so that a cause can be told. */
function drawProfile(random: SeededRandom): Profile {
  const kept = random.pick([0.15, 0.3, 0.6, 1]);
  const entries = Object.entries(USUAL).map(
    ([what, weight]) => [what, random.chance(kept) ? weight * random.between(1, 4) : 0] as const,
  );
  // Something always moves: a world in which nothing happens proves little.
  return { ...USUAL, ...Object.fromEntries(entries), appear: 2, move: 2 };
}

interface Drawn {
  readonly draw: SeededRandom;
  readonly topology: Topology;
  readonly address: number;
  readonly site: string;
  /** A site with a provider, if there is one. */
  readonly cloud: string;
  readonly node: string;
  readonly forMs: number;
  readonly downMs: number;
  readonly share: number;
}

function drawHappening(draw: SeededRandom, topology: Topology, what: Usual): Happening {
  const clouds = topology.sites.filter(({ provider }) => provider !== undefined);
  const drawn: Drawn = {
    draw,
    topology,
    address: draw.between(0, topology.addresses - 1),
    site: draw.pick(topology.sites).name,
    cloud: draw.pick(clouds.length === 0 ? topology.sites : clouds).name,
    node: draw.pick(nodesOf(topology)),
    forMs: draw.betweenMostlySmall(200, 30_000),
    downMs: draw.betweenMostlySmall(100, 20_000),
    share: draw.pick([0.1, 0.3, 0.6, 1]),
  };
  return DRAWS[what](drawn);
}

const DRAWS: { readonly [What in Usual]: (drawn: Drawn) => Extract<Happening, { readonly what: What }> } = {
  appear: ({ address, site }) => ({ what: 'appear', address, site }),
  vanish: ({ address }) => ({ what: 'vanish', address }),
  move: ({ draw, address, site }) => ({ what: 'move', address, site, gapMs: draw.betweenMostlySmall(1, 10_000) }),
  duplicate: ({ address, site, forMs }) => ({ what: 'duplicate', address, site, forMs }),
  crash: ({ draw, node, downMs }) => ({ what: 'crash', node, calls: draw.betweenMostlySmall(1, 400), downMs }),
  'power-cut': ({ node, downMs }) => ({ what: 'power-cut', node, downMs }),
  restart: ({ node, downMs }) => ({ what: 'restart', node, downMs }),
  partition: ({ node, forMs }) => ({ what: 'partition', node, forMs }),
  'site-partition': ({ site, forMs }) => ({ what: 'site-partition', site, forMs }),
  'one-way': ({ draw, node, forMs }) => ({ what: 'one-way', node, deaf: draw.pick(['node', 'hub']), forMs }),
  'slow-link': ({ draw, node, forMs }) => ({
    what: 'slow-link',
    node,
    latencyMs: draw.betweenMostlySmall(50, 4000),
    forMs,
  }),
  'lossy-heartbeats': ({ share, forMs }) => ({ what: 'lossy-heartbeats', loss: share * 0.7, forMs }),
  'read-again': ({ node }) => ({ what: 'read-again', node }),
  'hub-down': ({ forMs }) => ({ what: 'hub-down', forMs }),
  'hub-paused': ({ forMs }) => ({ what: 'hub-paused', forMs }),
  'hub-rolled-back': ({ draw, downMs }) => ({
    what: 'hub-rolled-back',
    facts: draw.between(0, 10),
    captures: draw.between(0, 10),
    downMs,
  }),
  'hub-wiped': ({ downMs }) => ({ what: 'hub-wiped', downMs }),
  'ambiguous-writes': ({ share, forMs }) => ({ what: 'ambiguous-writes', share, forMs }),
  'stale-hub-reads': ({ forMs }) => ({ what: 'stale-hub-reads', forMs }),
  throttled: ({ cloud, share, forMs }) => ({ what: 'throttled', site: cloud, share, forMs }),
  'lost-responses': ({ cloud, share, forMs }) => ({ what: 'lost-responses', site: cloud, share, forMs }),
  'slow-cloud': ({ draw, cloud, forMs }) => ({
    what: 'slow-cloud',
    site: cloud,
    latencyMs: draw.betweenMostlySmall(100, 12_000),
    forMs,
  }),
  'half-moves': ({ cloud, share, forMs }) => ({ what: 'half-moves', site: cloud, share, forMs }),
  'stale-cloud-reads': ({ draw, cloud }) => ({ what: 'stale-cloud-reads', site: cloud, reads: draw.between(1, 6) }),
  'nic-meddling': ({ draw, cloud, address }) => ({
    what: 'nic-meddling',
    site: cloud,
    address,
    kind: draw.pick(NIC_MEDDLINGS),
  }),
  'kernel-meddling': ({ draw, node, address }) => ({
    what: 'kernel-meddling',
    node,
    address,
    kind: draw.pick(MEDDLINGS),
  }),
  'clock-jump': ({ draw, node }) => ({
    what: 'clock-jump',
    node,
    toMs: draw.pick([-1, 1]) * draw.betweenMostlySmall(100, CLOCK_ERROR_MS_MAX),
  }),
  'false-fact': ({ draw, node, address }) => ({
    what: 'false-fact',
    node,
    address,
    says: draw.pick(['observed', 'expired']),
  }),
  drain: ({ draw, topology, cloud, forMs }) => {
    const routers = topology.sites.find(({ name }) => name === cloud)?.routers ?? [];
    return { what: 'drain', node: draw.pick(routers).name, forMs, rollOutMs: draw.betweenMostlySmall(500, 30_000) };
  },
  'ordered-drain': ({ node, forMs }) => ({ what: 'ordered-drain', node, forMs }),
  'other-rules': ({ draw, node, forMs }) => ({ what: 'other-rules', node, rules: draw.pick(RULES), forMs }),
};
