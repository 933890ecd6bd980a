#!/usr/bin/env node
/** The process: `node src/main.ts`, one request on stdin. The SDK is loaded after `serveObserver` has taken stdout. */
import { serveObserver } from '@routerd/plugin-sdk';

await serveObserver(async () => {
  const [{ createAzureInventory }, { connectArm }] = await Promise.all([
    import('./observer.ts'),
    import('@routerd/plugin-azure'),
  ]);
  return createAzureInventory({
    environment: process.env,
    connect: connectArm,
    connectQueue: async (url) => (await import('./adapters/service-bus-feed.ts')).connectServiceBus(url),
  });
});
