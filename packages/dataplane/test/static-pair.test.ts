/** The pairs under `examples/`: two files, no federation, no registry. What they declare is in effect by itself. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { loadConfiguration } from '@routerd/resources';
import { expect, test } from 'vitest';
import { lower, type Lowered } from '../src/lower/lower.ts';

const EXAMPLES = path.join(import.meta.dirname, '../../../examples');
const files = readdirSync(EXAMPLES).filter((file) => /^hybrid-.*\.yaml$/.test(file));

function lowered(file: string): Lowered {
  const { resources } = loadConfiguration([{ file, text: readFileSync(path.join(EXAMPLES, file), 'utf8') }]);
  // No key of a registry is ever open here.
  return lower(
    resources.map(({ value }) => value),
    { isCaptureOpen: () => false },
  );
}

test('there is a pair for each of three clouds', () => {
  expect(files).toHaveLength(6);
});

test.each(files)('%s needs nobody to open its claims', (file) => {
  const { state, claims, problems } = lowered(file);
  expect(problems).toEqual([]);
  expect(claims.length).toBeGreaterThan(0);
  for (const claim of claims) {
    expect(claim.route?.destination).toBe(claim.address);
    if (claim.gate !== 'none') continue; // a vrrp-master gate waits for its VirtualAddress
    const isCaptured =
      claim.captureType === 'proxy-arp'
        ? state.proxyNeighbors.some(({ address }) => address === claim.address)
        : state.absentAddresses.includes(claim.address);
    expect(isCaptured).toBe(true);
  }
  expect(state.mssClamps.map(({ mss }) => mss)).toEqual(state.mssClamps.map(() => 1300));
});
