#!/usr/bin/env node
/** The process: `node src/main.ts`, one request on stdin. The SDK is loaded after `serveObserver` has taken stdout. */
import { serveObserver } from '@routerd/plugin-sdk';

await serveObserver(async () => {
  const [{ createAwsInventory }, { connectEc2 }] = await Promise.all([
    import('./observer.ts'),
    import('@routerd/plugin-aws'),
  ]);
  return createAwsInventory({
    environment: process.env,
    connect: connectEc2,
    // Who looks at an interval needs no queue, and does not load what reads one.
    connectQueue: async (options) => (await import('./adapters/sqs-feed.ts')).connectSqs(options),
  });
});
