/** Azure's REST client and managed identity with default construction. Operations are HTTP methods; `PUT` waits for the long-running operation. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { answerCalls } from './sdk-loop.ts';

const plugin = createRequire(path.resolve(import.meta.dirname, '../../../plugins/azure/package.json'));
const { getClient } = plugin('@azure-rest/core-client');
const { ManagedIdentityCredential } = plugin('@azure/identity');

const ENDPOINT = 'https://management.azure.com';
const client = getClient(ENDPOINT, new ManagedIdentityCredential(), {
  credentials: { scopes: [`${ENDPOINT}/.default`] },
  retryOptions: { maxRetries: 0 },
});

interface Reply {
  readonly status: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly error?: { readonly code: string; readonly message: string }; readonly status?: string };
}

function thrown(error: { readonly code: string; readonly message: string }, statusCode: number): Error {
  return Object.assign(new Error(error.message), { code: error.code, statusCode });
}

async function send(method: 'get' | 'put', target: string, options: object): Promise<Reply> {
  const reply: Reply = await client.pathUnchecked(target)[method](options);
  if (Number(reply.status) < 400) return reply;
  throw thrown(reply.body.error ?? { code: 'unknown', message: JSON.stringify(reply.body) }, Number(reply.status));
}

/** Follows the operation to its end. @returns how it ended */
async function outcomeOf(reply: Reply): Promise<string> {
  const url = reply.headers['azure-asyncoperation'];
  if (url === undefined) return 'Succeeded';
  for (;;) {
    const { body } = await send('get', url, {});
    if (body.status !== 'InProgress') {
      if (body.error !== undefined) throw thrown(body.error, 200);
      return body.status ?? '';
    }
    await delay(10);
  }
}

await answerCalls(async ({ operation, input }) => {
  const { path: target, body, headers = {}, query = {}, wait = true } = input;
  const options = { headers, queryParameters: { 'api-version': '2026-01-01', ...Object(query) }, body };
  const reply = await send(operation === 'PUT' ? 'put' : 'get', String(target), options);
  if (operation === 'PUT' && wait === true) await outcomeOf(reply);
  return { status: Number(reply.status), headers: reply.headers, body: reply.body };
});
