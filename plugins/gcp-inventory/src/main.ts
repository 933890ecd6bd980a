#!/usr/bin/env node
/** The process: `node src/main.ts`, one request on stdin. The SDK is loaded after `serveObserver` has taken stdout. */
import { serveObserver } from '@routerd/plugin-sdk';

await serveObserver(async () => {
  const [{ createGcpInventory }, { connectCompute }] = await Promise.all([
    import('./observer.ts'),
    import('@routerd/plugin-gcp'),
  ]);
  return createGcpInventory({
    environment: process.env,
    connect: connectCompute,
    connectQueue: async (subscription) => (await import('./adapters/pubsub-feed.ts')).connectPubsub(subscription),
  });
});
