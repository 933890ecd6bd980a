import { expect, test } from 'vitest';
import { renderSpreads, spreadsOf } from '../src/spread.ts';

const run = (gap: number | undefined, lost: number, sent: number): Parameters<typeof spreadsOf>[0][number] => ({
  scenario: { id: 'D6' },
  evidence: {
    measurements: [{ name: 'gap', milliseconds: gap }],
    tallies: [{ name: `aws->oci: packets lost of ${sent}`, count: lost }],
  },
});

test('figures of several runs are put together by name, however many packets were sent', () => {
  const spreads = spreadsOf([run(12, 3, 500), run(undefined, 0, 498), run(2000, 1, 501)]);
  expect(spreads).toEqual([
    { scenario: 'D6', name: 'gap', unit: 'ms', values: [12, 2000], runs: 3 },
    { scenario: 'D6', name: 'aws->oci: packets lost', unit: '', values: [3, 0, 1], runs: 3 },
  ]);
  expect(renderSpreads(spreads).split('\n').slice(2)).toEqual([
    'D6        12.0 ms  12.0 ms  2000 ms  2 of 3  gap',
    'D6        0        1        3        3 of 3  aws->oci: packets lost',
  ]);
});

test('a figure with a long name is told within 80 columns, its name below itself', () => {
  const name = 'onprem->aws at power-off, return: longest gap between answers';
  const evidence = { measurements: [{ name, milliseconds: 12 }], tallies: [] };
  expect(renderSpreads(spreadsOf([{ scenario: { id: 'D4' }, evidence }])).split('\n')).toEqual([
    'SCENARIO  LEAST    MEDIAN   MOST     SEEN    FIGURE',
    '--------  -------  -------  -------  ------  -----------------------------------',
    'D4        12.0 ms  12.0 ms  12.0 ms  1 of 1  onprem->aws at power-off, return:',
    '                                             longest gap between answers',
  ]);
});

test('a figure that no run has seen is told as such', () => {
  expect(renderSpreads(spreadsOf([run(undefined, 0, 1)]))).toMatch(/ 0 of 1 +gap/);
});
