import { expect, test } from 'vitest';
import { renderReport } from '../src/report-page.ts';

const evidence = {
  passed: false,
  assertions: [{ name: 'a < b', expected: '0', observed: '<script>', passed: false }],
  measurements: [{ name: 'gap', milliseconds: 12.34 }],
  tallies: [{ name: 'calls', count: 3 }],
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

test('the page stands alone, shows what failed and every lost probe, and lets no text become markup', () => {
  const page = renderReport([{ id: 'D6', title: 'loss', seconds: 3, evidence }], new Date(0));
  expect(page).toContain('&lt;script&gt;');
  expect(page).not.toMatch(/<script>|https?:\/\//);
  expect(page.match(/stroke="#b3261e"/g)).toHaveLength(2);
  expect(page).toContain('0.500 s  power off');
  expect(page).toContain('12.3 ms');
  expect(page).toContain('<td>aws lost</td><td class="n">2000 ms</td><td class="n"></td><td class="n">2400 ms</td>');
});

test('a scenario without probes and moments has no plot', () => {
  const page = renderReport(
    [{ id: 'D3', title: 'flows', seconds: 3, evidence: { ...evidence, moments: [], flows: [] } }],
    new Date(0),
  );
  expect(page).not.toContain('aria-label="timeline"');
});
