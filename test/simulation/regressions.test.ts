/**
 * Stories of mistakes that the simulator found, made as small as they go. Each was seen to go wrong with its mistake put back. Those that need
 * another world than the one below stand in `regressions/`, as `pnpm sim --shrink` writes them.
 *
 *      lan0: lan0-a lan0-b        aws1: aws1-a aws1-b
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { simulate } from './simulate.ts';
import { parseStory } from './story-file.ts';
import type { Happening, Story, StoryEvent } from './story.ts';
import { renderViolation } from './violation.ts';

interface Regression {
  readonly mistake: string;
  readonly events: readonly (readonly [at: number, happens: Happening])[];
  readonly calmAt: number;
  readonly holdMs?: number;
}

const REGRESSIONS: readonly Regression[] = [
  {
    mistake: 'a denial from before a cut ended a lease while its node was cut off',
    events: [
      [1000, { what: 'appear', address: 1, site: 'aws1' }],
      [8000, { what: 'partition', node: 'aws1-b', forMs: 60_000 }],
      [9000, { what: 'vanish', address: 1 }],
      [14_000, { what: 'site-partition', site: 'lan0', forMs: 40_000 }],
    ],
    holdMs: 0,
    calmAt: 60_000,
  },
  {
    mistake: 'two routers with different documents took an address from each other as fast as the registry answers',
    events: [
      [3000, { what: 'appear', address: 0, site: 'lan0' }],
      [10_000, { what: 'other-rules', node: 'aws1-b', rules: 'swapped-priority', forMs: 40_000 }],
    ],
    calmAt: 45_000,
  },
  {
    mistake: 'a wish that a rule of the log refuses was written again at once, for ever',
    events: [
      [1000, { what: 'appear', address: 1, site: 'aws1' }],
      [8000, { what: 'vanish', address: 1 }],
      [15_000, { what: 'hub-rolled-back', facts: 0, captures: 2, downMs: 500 }],
    ],
    calmAt: 25_000,
  },
  {
    mistake: 'a worker waited for an instant that had passed while a reading was kept back',
    events: [
      [2000, { what: 'appear', address: 0, site: 'lan0' }],
      [12_000, { what: 'stale-cloud-reads', site: 'aws1', reads: 6 }],
      [12_500, { what: 'appear', address: 2, site: 'lan0' }],
      [13_050, { what: 'lost-responses', site: 'aws1', share: 1, forMs: 4000 }],
    ],
    calmAt: 25_000,
  },
  {
    mistake:
      'a router whose clock was an hour slow took all facts for facts from the future, and let its leases run out',
    events: [
      [1000, { what: 'appear', address: 0, site: 'lan0' }],
      [5000, { what: 'clock-jump', node: 'aws1-a', toMs: -3_600_000 }],
      [6000, { what: 'appear', address: 2, site: 'lan0' }],
    ],
    calmAt: 60_000,
  },
  {
    mistake: 'what a router with a fast clock told was refused by all others',
    events: [
      [1000, { what: 'clock-jump', node: 'lan0-a', toMs: 7_200_000 }],
      [1000, { what: 'clock-jump', node: 'lan0-b', toMs: 7_200_000 }],
      [6000, { what: 'appear', address: 2, site: 'lan0' }],
      [40_000, { what: 'power-cut', node: 'aws1-b', downMs: 2000 }],
    ],
    calmAt: 60_000,
  },
  {
    mistake: 'what somebody took off a quiet NIC was never noticed',
    events: [
      [2000, { what: 'appear', address: 0, site: 'lan0' }],
      [15_000, { what: 'nic-meddling', site: 'aws1', address: 0, kind: 'address-taken-off' }],
    ],
    calmAt: 16_000,
  },
  {
    mistake: 'a cloud that was to show an old state six times did so for minutes after the faults had stopped',
    events: [
      [2000, { what: 'appear', address: 0, site: 'lan0' }],
      [12_000, { what: 'stale-cloud-reads', site: 'aws1', reads: 6 }],
      [15_000, { what: 'nic-meddling', site: 'aws1', address: 0, kind: 'address-taken-off' }],
    ],
    calmAt: 16_000,
  },
  {
    mistake: 'a quiet NIC that somebody had switched to forward no more stayed so',
    events: [
      [2000, { what: 'appear', address: 0, site: 'lan0' }],
      [15_000, { what: 'nic-meddling', site: 'aws1', address: 0, kind: 'forwarding-switched-off' }],
    ],
    calmAt: 16_000,
  },
];

test.each(REGRESSIONS)('it does not come back that $mistake', async ({ events, calmAt, holdMs }) => {
  const story = storyOf(
    events.map(([at, happens]) => ({ at, happens })),
    { calmAt, holdMs: holdMs ?? 2000 },
  );
  const { violations } = await simulate(story);
  expect(violations.map(renderViolation)).toEqual([]);
});

const folder = new URL('regressions/', import.meta.url);
const kept = readdirSync(folder).map((file) => parseStory(readFileSync(new URL(file, folder), 'utf8')));

test.each(kept)('it does not come back that $about', async (story) => {
  const { violations } = await simulate(story);
  expect(violations.map(renderViolation)).toEqual([]);
});

function storyOf(
  events: readonly StoryEvent[],
  { calmAt, holdMs }: { readonly calmAt: number; readonly holdMs: number },
): Story {
  const routers = (site: string): Story['topology']['sites'][number]['routers'] => [
    { name: `${site}-a`, priority: 10 },
    { name: `${site}-b`, priority: 20 },
  ];
  return {
    seed: 1,
    topology: {
      sites: [
        { name: 'lan0', provider: undefined, routers: routers('lan0') },
        { name: 'aws1', provider: 'aws', routers: routers('aws1') },
      ],
      addresses: 3,
      staticEvery: 0,
      ttlMs: 20_000,
      holdMs,
      heartbeatMs: 1000,
      deadAfterMs: 5000,
    },
    events,
    calmAt,
  };
}
