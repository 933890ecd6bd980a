#!/usr/bin/env node
/** The process: `node src/main.ts`, one request on stdin. The SDK is loaded after `serveObserver` has taken stdout: it talks there. */
import { serveObserver } from '@routerd/plugin-sdk';

await serveObserver(async () => {
  const [{ createOciInventory }, { connectOci, createOciIdentity }] = await Promise.all([
    import('./observer.ts'),
    import('@routerd/plugin-oci'),
  ]);
  const identity = createOciIdentity(); // what it waits with is what it looks with
  return createOciInventory({
    environment: process.env,
    connect: (region) => connectOci(region, undefined, identity),
    connectStream: async (stream) => (await import('./adapters/oci-stream.ts')).connectStream(stream, identity),
  });
});
