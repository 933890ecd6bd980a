#!/usr/bin/env node
/** The process: `node src/main.ts`, requests on stdin. */
import { createCallMeter, serve } from '@routerd/plugin-sdk';

await serve(async () => {
  const [{ createAzureExecutor }, { connectArm }] = await Promise.all([
    import('./executor.ts'),
    import('./adapters/arm-client.ts'),
  ]);
  const meter = createCallMeter();
  return { ...createAzureExecutor(connectArm(meter)), meter };
});
