#!/usr/bin/env node
/** The process: `node src/main.ts`, requests on stdin. */
import { createCallMeter, serve } from '@routerd/plugin-sdk';

// Without this the SDK falls back to IMDSv1 after a failed token request, and stays there.
process.env['AWS_EC2_METADATA_V1_DISABLED'] ??= 'true';

await serve(async () => {
  const [{ createAwsExecutor }, { connectEc2 }] = await Promise.all([
    import('./executor.ts'),
    import('./adapters/ec2-client.ts'),
  ]);
  const meter = createCallMeter();
  return { ...createAwsExecutor((region) => connectEc2(region, meter)), meter };
});
