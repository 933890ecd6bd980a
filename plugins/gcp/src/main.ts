#!/usr/bin/env node
/** The process: `node src/main.ts`, requests on stdin. */
import { createCallMeter, serve } from '@routerd/plugin-sdk';

await serve(async () => {
  const [{ createGcpExecutor }, { connectCompute }] = await Promise.all([
    import('./executor.ts'),
    import('./adapters/compute-client.ts'),
  ]);
  const meter = createCallMeter();
  return { ...createGcpExecutor(connectCompute(meter)), meter };
});
