/** Work for the sites of a rig: facts, and keys that change hands. */
import { untilEach } from './chaos-checks.ts';
import type { ChaosRig } from './chaos-rig.ts';

type Sites = Pick<ChaosRig, 'sites'>;

export function setWork({ sites }: Sites, is: boolean): void {
  for (const site of sites) site.tell({ kind: 'load', facts: is ? 100 : 0, contends: is });
}

export function wonCount({ sites }: Sites): number {
  return sites.reduce((sum, site) => sum + site.won.length, 0);
}

/** Somebody wins keys, whatever the state of the rest. Prints how long it took. */
export async function untilKeysChangeHands(rig: Sites): Promise<void> {
  const [before, began] = [wonCount(rig), performance.now()];
  await untilEach(() => wonCount(rig) > before + 30, 'work that goes on');
  process.stdout.write(`keys change hands again after ${((performance.now() - began) / 1000).toFixed(2)} s\n`);
}
