/**
 * A pool document that drains a router reaches the nodes one after another, in any order. Who drains is what that router itself says, so no
 * order does harm: each capture moves once, and once back.
 *
 *      lan0: lan0-a lan0-b        aws1: aws1-a aws1-b
 *      address 0 lives here       captured here
 */
import { expect, test } from 'vitest';
import { simulate } from './simulate.ts';
import type { Story } from './story.ts';
import { renderViolation } from './violation.ts';

/** Each draws another order, and other pauses, of up to half a minute. */
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

test.each(SEEDS)(
  'a drain by the pool moves each capture once, in whatever order it is rolled out (seed %i)',
  async (seed) => {
    const claims: string[] = [];
    const { violations } = await simulate(storyOf(seed), {
      onLine: (_, line) => {
        if (line.startsWith('registry: ') && line.includes(' acquiring ')) claims.push(line.split(' ').at(-1) ?? '');
      },
    });
    expect(violations.map(renderViolation)).toEqual([]);
    expect(claims).toEqual(['aws1-a', 'aws1-b', 'aws1-a']);
  },
);

function storyOf(seed: number): Story {
  const routers = (site: string): Story['topology']['sites'][number]['routers'] => [
    { name: `${site}-a`, priority: 10 },
    { name: `${site}-b`, priority: 20 },
  ];
  return {
    seed,
    topology: {
      sites: [
        { name: 'lan0', provider: undefined, routers: routers('lan0') },
        { name: 'aws1', provider: 'aws', routers: routers('aws1') },
      ],
      addresses: 1,
      staticEvery: 0,
      ttlMs: 20_000,
      holdMs: 2000,
      heartbeatMs: 1000,
      deadAfterMs: 5000,
    },
    events: [
      { at: 1000, happens: { what: 'appear', address: 0, site: 'lan0' } },
      { at: 20_000, happens: { what: 'drain', node: 'aws1-a', forMs: 60_000, rollOutMs: 30_000 } },
    ],
    calmAt: 120_000,
  };
}
