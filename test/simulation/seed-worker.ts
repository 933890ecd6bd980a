/** A thread that plays the seeds it is given, one after another: see seed-pool.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { drawStory } from './draw-story.ts';
import { simulate } from './simulate.ts';
import { tolerateStoppedLoops } from './stopped-loops.ts';

const bounds = z.strictObject({ addressesMax: z.number(), hasLargeWorlds: z.boolean() }).parse(workerData);

tolerateStoppedLoops();
// Nothing here reads a stack, and every abort signal of a simulated node would take one.
Error.stackTraceLimit = 0;

parentPort?.on('message', (seed: unknown) => {
  void play(z.number().parse(seed));
});

async function play(seed: number): Promise<void> {
  const { violations, convergedAfterMs } = await simulate(drawStory(seed, bounds));
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads, not a window
  parentPort?.postMessage({ seed, violations, convergedAfterMs });
}
