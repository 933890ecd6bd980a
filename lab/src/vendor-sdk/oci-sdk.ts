/** OCI's SDK with an instance principal and default construction. Operations are the client's methods; inputs are its request objects. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { answerCalls } from './sdk-loop.ts';

// The SDK talks on standard output, which is the protocol's here.
console.log = (...words: unknown[]) => console.error(...words);
console.info = console.log;

const plugin = createRequire(path.resolve(import.meta.dirname, '../../../plugins/oci/package.json'));
const { InstancePrincipalsAuthenticationDetailsProviderBuilder } = plugin('oci-common');
const { VirtualNetworkClient } = plugin('oci-core');

type Client = Readonly<Record<string, (request: unknown) => Promise<unknown>>>;
let made: Promise<Client> | undefined;

async function makeClient(): Promise<Client> {
  const authenticationDetailsProvider = await new InstancePrincipalsAuthenticationDetailsProviderBuilder().build();
  return new VirtualNetworkClient({ authenticationDetailsProvider });
}

await answerCalls(async ({ operation, input }) => {
  made ??= makeClient();
  const client = await made;
  return client[operation]?.(input);
});
