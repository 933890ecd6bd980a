/** When a group has converged: everybody is connected and knows all that anybody has acknowledged. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosRig } from './chaos-rig.ts';
import type { ChaosSite } from './chaos-site.ts';
import type { NodeState } from './chaos-words.ts';

const PATIENCE_MS = 120_000; // a slow machine that runs everything at once
const LOOK_AGAIN_MS = 25;

export async function untilEach(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${PATIENCE_MS} ms in vain for: ${what}`);
    await sleep(LOOK_AGAIN_MS);
  }
}

/** Call it when the fault has ended and nobody works any more. Prints how long it took. */
export async function expectConverged({ sites }: Pick<ChaosRig, 'sites'>, after: string): Promise<void> {
  const began = performance.now();
  let missing = 'everything';
  try {
    await untilEach(async () => {
      missing = difference(sites, await Promise.all(sites.map(async (site) => site.state())));
      return missing === '';
    }, after);
  } catch (cause) {
    throw new Error(`not converged after: ${after}; ${missing}`, { cause });
  }
  process.stdout.write(`converged after ${after}: ${((performance.now() - began) / 1000).toFixed(2)} s\n`);
}

/** @returns the first thing that is missing, in words; empty when nothing is */
function difference(sites: readonly ChaosSite[], states: readonly NodeState[]): string {
  for (const [index, state] of states.entries()) {
    const name = sites[index]?.name ?? '';
    if (!state.connected) return `${name} is not connected: ${state.lastError ?? ''}`;
    if (state.outbox > 0) return `${name} has ${state.outbox} facts in its outbox: ${state.lastError ?? ''}`;
    if (state.dead.length > 0) return `${name} takes ${state.dead.join(', ')} for dead`;
    for (const source of sites) {
      for (const [address, sequence] of source.recorded) {
        const known = state.accepted[`${source.name} ${address}`] ?? 0;
        if (known < sequence)
          return `${name} knows ${known} of ${source.name} ${address}, which acknowledged ${sequence}`;
      }
    }
  }
  const [first, ...others] = states.map(({ records }) =>
    JSON.stringify(Object.entries(records).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  );
  return others.every((other) => other === first) ? '' : 'the registries differ';
}
