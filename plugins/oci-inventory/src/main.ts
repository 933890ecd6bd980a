#!/usr/bin/env node
/** The process: `node src/main.ts`, one request on stdin. The SDK is loaded after `serveObserver` has taken stdout: it talks there. */
import { serveObserver } from '@routerd/plugin-sdk';

await serveObserver(async () => {
  const [{ createOciInventory }, { connectOci }] = await Promise.all([
    import('./observer.ts'),
    import('@routerd/plugin-oci'),
  ]);
  return createOciInventory({ environment: process.env, connect: connectOci });
});
