/** EC2's SDK with default construction: identity from the metadata service, endpoint from the region. Operations are EC2's action names. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { answerCalls } from './sdk-loop.ts';

const plugin = createRequire(path.resolve(import.meta.dirname, '../../../plugins/aws/package.json'));
const sdk = plugin('@aws-sdk/client-ec2');

process.env['AWS_EC2_METADATA_V1_DISABLED'] = 'true';
const client = new sdk.EC2Client({ region: 'eu-west-1', maxAttempts: 1 });

await answerCalls(async ({ operation, input }) => {
  const { $metadata: _, ...output } = await client.send(new sdk[`${operation}Command`](input));
  return output;
});
