/**
 * A pool document that drains a router reaches the nodes one after another, in any order. Who drains is what that router itself says, so no
 * order does harm: each capture moves once, and once back, and the drained router forwards for as long as anybody sends to it, also a router
 * whose daemon is being restarted just then.
 *
 *      lan0: lan0-a lan0-b        aws1: aws1-a aws1-b
 *      address 0 lives here       address 1 lives here
 */
import { expect, test } from 'vitest';
import { simulate } from './simulate.ts';
import type { Happening, Story } from './story.ts';
import { renderViolation } from './violation.ts';

/** Each draws another order, and other pauses. */
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

interface Seen {
  /** Who claimed the captures at aws1, one after another. */
  readonly claims: readonly string[];
  readonly stops: readonly (readonly [node: string, senders: readonly string[]])[];
}

test.each(SEEDS)(
  'a drain by the pool moves each capture once, in whatever order it is rolled out (seed %i)',
  async (seed) => {
    const { claims, stops } = await seen(storyOf(seed, []));
    expect(claims).toEqual(['aws1-a', 'aws1-b', 'aws1-a']);
    expect(stops).toEqual([['aws1-a', []]]);
  },
);

test.each(SEEDS)(
  'a drained router forwards until daemons that are down have moved their routes (seed %i)',
  async (seed) => {
    const down: readonly Happening[] = [
      { what: 'crash', node: 'lan0-a', calls: 1, downMs: 6000 },
      { what: 'restart', node: 'lan0-b', downMs: 2000 },
    ];
    const { stops } = await seen(storyOf(seed, down));
    expect(stops.map(([node]) => node)).toContain('aws1-a');
    expect(stops.flatMap(([, senders]) => senders)).toEqual([]);
  },
);

test.each(SEEDS)('a drained master of a LAN leaves it to its partner, and takes it back (seed %i)', async (seed) => {
  const story = storyOf(seed, []);
  const [lan, aws] = story.topology.sites;
  if (lan === undefined || aws === undefined) throw new Error('the story has two sites');
  const claims: string[] = [];
  const { violations } = await simulate(
    {
      ...story,
      topology: { ...story.topology, sites: [{ ...lan, hasVrrp: true }, aws] },
      events: [
        ...story.events.filter(({ happens }) => happens.what === 'appear'),
        { at: 20_000, happens: { what: 'ordered-drain', node: 'lan0-a', forMs: 60_000 } },
      ],
    },
    {
      onLine: (_, line) => {
        if (line.includes('site:lan0:') && line.includes(' acquiring ')) claims.push(line.split(' ').at(-1) ?? '');
      },
    },
  );
  expect(violations.map(renderViolation)).toEqual([]);
  // Whoever was elected first, while both were starting, made way for the better one.
  expect(claims.slice(claims.lastIndexOf('lan0-b') - 1)).toEqual(['lan0-a', 'lan0-b', 'lan0-a']);
});

async function seen(story: Story): Promise<Seen> {
  const claims: string[] = [];
  const stops: (readonly [node: string, senders: readonly string[]])[] = [];
  const { violations } = await simulate(story, {
    onLine: (_, line) => {
      if (line.includes(':aws1-main:') && line.includes(' acquiring ')) claims.push(line.split(' ').at(-1) ?? '');
    },
    onForwardingStopped: (node, senders) => stops.push([node, senders]),
  });
  expect(violations.map(renderViolation)).toEqual([]);
  return { claims, stops };
}

/** @param down what happens when the drain begins; then it reaches everybody at once */
function storyOf(seed: number, down: readonly Happening[]): Story {
  const routers = (site: string): Story['topology']['sites'][number]['routers'] => [
    { name: `${site}-a`, priority: 10 },
    { name: `${site}-b`, priority: 20 },
  ];
  const rollOutMs = down.length === 0 ? 30_000 : 1000;
  return {
    seed,
    topology: {
      sites: [
        { name: 'lan0', provider: undefined, routers: routers('lan0') },
        { name: 'aws1', provider: 'aws', routers: routers('aws1') },
      ],
      addresses: 2,
      staticEvery: 0,
      ttlMs: 20_000,
      holdMs: 2000,
      heartbeatMs: 1000,
      deadAfterMs: 5000,
    },
    events: [
      { at: 1000, happens: { what: 'appear', address: 0, site: 'lan0' } },
      { at: 1000, happens: { what: 'appear', address: 1, site: 'aws1' } },
      ...down.map((happens) => ({ at: 19_900, happens })),
      { at: 20_000, happens: { what: 'drain', node: 'aws1-a', forMs: 60_000, rollOutMs } },
    ],
    calmAt: 120_000,
  };
}
