/** The example files of a pair, and how a lab fills in what only a running router can know. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CHECKOUT } from './lab-files.ts';
import { LabFault } from './lab-fault.ts';
import type { Cloud } from './topology.ts';

export type PairSide = 'cloud' | 'onprem';

/**
 * All that a lab replaces: the public key of the other router, in the line that is marked REPLACE. The values in the files are the well-known keys of
 * RFC 7748, section 6.1, so that the files are valid as they are and nobody takes them for somebody's.
 */
export const KEY_PLACEHOLDERS: Readonly<Record<PairSide, string>> = {
  cloud: '3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=',
  onprem: 'hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=',
};

export const EXAMPLES_DIR = path.join(CHECKOUT, 'examples');

export function exampleFile(cloud: Cloud, side: PairSide): string {
  return path.join(EXAMPLES_DIR, `hybrid-${cloud}-pve-same-subnet-${side}.yaml`);
}

/** The file of one side with the other side's public key, and otherwise byte for byte as it is. */
export function filledInExample(cloud: Cloud, side: PairSide, keys: Readonly<Record<PairSide, string>>): string {
  const other = side === 'cloud' ? 'onprem' : 'cloud';
  const parts = readFileSync(exampleFile(cloud, side), 'utf8').split(KEY_PLACEHOLDERS[other]);
  if (parts.length === 2) return parts.join(keys[other]);
  throw new LabFault(
    'lab.example-changed',
    `${exampleFile(cloud, side)} has the other router's key ${parts.length - 1} times, not once.`,
  );
}
