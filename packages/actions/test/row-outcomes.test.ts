import { expect, test } from 'vitest';
import type { ExecuteOutcome } from '../src/ports.ts';
import { rowOutcomes } from '../src/row-outcomes.ts';
import { address, assign, createRig } from './engine-rig.ts';

type Answer = ExecuteOutcome['results'][number];
const answer = (host: number, status: Answer['status'], errorClass?: Answer['errorClass']): Answer => ({
  address: address(host),
  status,
  message: status,
  errorClass,
});

async function outcomesOf(hosts: readonly number[], results: readonly Answer[]): Promise<readonly string[]> {
  const rig = createRig({ start: false });
  rig.win(...hosts);
  rig.engine.propose(hosts.map((host) => assign(host)));
  await rig.engine.stop();
  return rowOutcomes(rig.engine.rows(), { results, observed: {}, nic: undefined }).map(
    ({ rows, status, errorClass }) => `${rows.length} ${errorClass ?? status}`,
  );
}

test('who answers for an address in two ways, or for none of those that were asked, has told nothing', async () => {
  expect(await outcomesOf([10], [answer(10, 'succeeded'), answer(10, 'succeeded')])).toEqual(['1 succeeded']);
  expect(await outcomesOf([10], [answer(10, 'succeeded'), answer(10, 'failed', 'limit')])).toEqual([
    '1 unknown-outcome',
  ]);
  expect(await outcomesOf([10, 11], [answer(10, 'succeeded'), answer(12, 'succeeded')])).toEqual([
    '1 succeeded',
    '1 unknown-outcome',
  ]);
});
