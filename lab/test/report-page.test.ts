import { expect, test } from 'vitest';
import { stretchesOf } from '../src/report-charts.ts';
import { renderReport } from '../src/report-page.ts';

const evidence = {
  passed: false,
  assertions: [{ name: 'a < b', expected: '0', observed: '<script>', passed: false }],
  measurements: [{ name: 'gap', milliseconds: 12.34 }],
  tallies: [{ name: 'calls', count: 3 }],
  moveCounts: [{ name: 'moves', expected: 3, counted: 3 }],
  moments: [{ at: 1500, what: 'power off' }],
  moves: [
    {
      name: 'aws lost',
      zero: 1000,
      stages: [
        { what: 'detected', at: 3000 },
        { what: 'decided', at: undefined },
        { what: 'provider done', at: 3400 },
      ],
    },
  ],
  flows: [
    {
      name: 'aws->oci',
      from: 1000,
      until: 2000,
      sent: 200,
      lostAt: [1500, 1505],
      longestGapMs: 20,
      longestGapAt: 1495,
    },
  ],
};

const story = { id: 'D6', title: 'loss', asserts: 'no gap > 3 s', seconds: 3, evidence };

test('the page stands alone, shows what failed and every lost probe, and lets no text become markup', () => {
  const page = renderReport([story], new Date(0));
  expect(page).toContain('&lt;script&gt;');
  expect(page).toContain('no gap &gt; 3 s');
  expect(page).not.toMatch(/<script|https?:|@import|url\(|<link rel="stylesheet|src=/);
  const [, strokes = ''] = /<path class="lost" d="([^"]*)"/.exec(page) ?? [];
  expect(strokes.match(/M/g)).toHaveLength(2);
  expect(page).toContain('0.500 s</span>  power off');
  expect(page).toContain('2 of 200 lost, longest gap 20 ms');
  expect(page).toContain('12.3 ms');
  expect(page).toContain('<td>aws lost</td><td class="n">2000 ms</td><td class="n"></td><td class="n">2400 ms</td>');
});

test('a scenario without probes and moments has no plot', () => {
  const page = renderReport([{ ...story, evidence: { ...evidence, moments: [], flows: [] } }], new Date(0));
  expect(page).not.toContain('aria-label="timeline"');
});

test('a scenario that ran twice has two places on the page, and a sum', () => {
  const page = renderReport([story, story], new Date(0));
  for (const id of ['id="D6"', 'id="D6-round-2"', 'href="#D6-round-2"']) expect(page.split(id)).toHaveLength(2);
  expect(page).toContain('<td class="n">0 of 2</td>');
  expect(page).toContain('6 of 6');
});

test('flows that overlap share a scale, and a moment belongs to what was watched then, or next', () => {
  const flow = (from: number, until: number) => ({ ...evidence.flows[0], name: `${from}`, from, until });
  const [one, two] = [flow(0, 100), flow(50, 200)];
  const [later] = [flow(1000, 1100)];
  const moments = [10, 500, 2000].map((at) => ({ at, what: `${at}` }));
  const full = [later, two, one].map((each) => ({ sent: 1, lostAt: [], longestGapMs: 0, longestGapAt: 0, ...each }));
  expect(
    stretchesOf(moments, full).map(({ from, until, flows, moments: inside }) => ({
      from,
      until,
      flows: flows.map(({ name }) => name),
      moments: inside.map(({ what }) => what),
    })),
  ).toEqual([
    { from: 0, until: 200, flows: ['0', '50'], moments: ['10'] },
    { from: 500, until: 2000, flows: ['1000'], moments: ['500', '2000'] },
  ]);
});
