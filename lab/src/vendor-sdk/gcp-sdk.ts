/** Google's authentication library with default construction. Operations are HTTP methods; `PATCH` and `PUT` wait for the zone operation. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { answerCalls } from './sdk-loop.ts';

const plugin = createRequire(path.resolve(import.meta.dirname, '../../../plugins/gcp/package.json'));
const { Compute } = plugin('google-auth-library');

const ROOT = 'https://compute.googleapis.com/compute/v1/';
const client = new Compute();

interface Fault {
  readonly message: string;
  readonly errors: readonly { readonly reason?: string; readonly code?: string; readonly message?: string }[];
}

interface Reply {
  readonly status: number;
  readonly data: {
    readonly name?: string;
    readonly zone?: string;
    readonly status?: string;
    readonly error?: Fault;
  };
}

function thrown({ message, errors: [first] }: Fault, statusCode: number): Error {
  const code = first?.reason ?? first?.code;
  return Object.assign(new Error(first?.message ?? message), { code, statusCode });
}

async function send(method: string, target: string, options: object): Promise<Reply> {
  const reply: Reply = await client.request({
    url: new URL(target, ROOT).href,
    method,
    retry: false,
    validateStatus: () => true,
    ...options,
  });
  if (reply.status < 400) return reply;
  throw thrown(reply.data.error ?? { message: JSON.stringify(reply.data), errors: [] }, reply.status);
}

/** Rejects with what the operation ended with. */
async function untilDone({ data }: Reply): Promise<void> {
  const zone = data.zone?.slice(data.zone.indexOf('projects/'));
  let current = data;
  while (current.status !== 'DONE') {
    current = (await send('POST', `${zone}/operations/${data.name}/wait`, {})).data;
  }
  if (current.error !== undefined) throw thrown(current.error, 200);
}

await answerCalls(async ({ operation, input }) => {
  const { path: target, body, query = {}, wait = true } = input;
  const reply = await send(operation, String(target), { params: query, ...(body === undefined ? {} : { data: body }) });
  if (operation !== 'GET' && operation !== 'POST' && wait === true) await untilDone(reply);
  return { status: reply.status, body: reply.data };
});
