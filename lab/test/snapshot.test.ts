import { expect, test } from 'vitest';
import { renderTable } from '../src/progress.ts';
import { differences, withoutTraffic } from '../src/snapshot.ts';

const dump = (received: string, allowed: string): string =>
  [
    'wg-aws-a\tPRIVATE\tPUBLIC\t51803\toff',
    `wg-aws-a\tPEER\tPRESHARED\t198.51.100.31:51801\t${allowed}\t1763704800\t${received}\t900\t5`,
  ].join('\n');

test('the state of tunnels holds no secret, and traffic or the order of prefixes does not change it', () => {
  const state = withoutTraffic(dump('100', '10.255.0.3/32,10.77.60.0/24'));
  expect(state).not.toMatch(/PRIVATE|PRESHARED/);
  expect(withoutTraffic(dump('999', '10.77.60.0/24,10.255.0.3/32'))).toBe(state);
  expect(withoutTraffic(dump('100', '10.255.0.3/32'))).not.toBe(state);
});

test('a difference names the lines of either side', () => {
  expect(differences('a\nb', 'b\nc')).toBe('-a\n+c');
  expect(differences('a\nb', 'b\na')).toBe('');
});

test('the columns of a table line up and its last one has no trailing space', () => {
  expect(
    renderTable(
      ['ID', 'RESULT'],
      [
        ['D1', 'PASS'],
        ['R1-long', 'FAIL'],
      ],
    ),
  ).toBe(['ID       RESULT', '-------  ------', 'D1       PASS', 'R1-long  FAIL'].join('\n'));
});
