/** The lab's executors run as operators run them: bundled. Kept with the other caches of the checkout. */
import path from 'node:path';
import { bundlePlugin } from '@routerd/plugin-sdk/bundle';
import { CHECKOUT } from './lab-files.ts';
import type { EmulatedCloud } from './topology.ts';

/** Of earlier sources; no lab and no test runs so long. */
const FORGET_AFTER_MS = 24 * 3_600_000;

export async function bundledExecutor(cloud: EmulatedCloud): Promise<string> {
  return bundledPlugin(cloud);
}

/** @returns what `node` has to run; made at the first call after a change, which takes about a second */
export async function bundledPlugin(name: string): Promise<string> {
  const { main } = await bundlePlugin({
    folder: path.join(CHECKOUT, 'plugins', name),
    cacheDir: path.join(CHECKOUT, 'node_modules/.cache/plugins'),
    forgetAfterMs: FORGET_AFTER_MS,
  });
  return main;
}
