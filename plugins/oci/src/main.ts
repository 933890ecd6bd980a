#!/usr/bin/env node
/** The process: `node src/main.ts`, requests on stdin. The SDK is loaded after `serve` has taken stdout: it talks there. */
import { createCallMeter, serve } from '@routerd/plugin-sdk';

await serve(async () => {
  const [{ createOciExecutor }, { connectOci }] = await Promise.all([
    import('./executor.ts'),
    import('./adapters/oci-client.ts'),
  ]);
  const meter = createCallMeter();
  return { ...createOciExecutor((region) => connectOci(region, meter)), meter };
});
