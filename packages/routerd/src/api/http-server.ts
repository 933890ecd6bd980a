/** A small JSON-over-HTTP server on a unix socket: who may open the socket file (mode 0600) may ask. */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { err, ok, type Result } from '@routerd/resources';
import type { Log } from '@routerd/runtime';

export interface ApiFault {
  /** Stable, `area.condition`. */
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
}

export type ApiAnswer =
  | { readonly status: 200 | 202; readonly body: unknown }
  | { readonly status: 200; readonly text: string; readonly contentType: string }
  | { readonly status: 400 | 404 | 405 | 409 | 413 | 500 | 503; readonly fault: ApiFault };

export interface ApiRequest {
  /** Named parts of the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Parsed JSON, `undefined` without a body. Not validated. */
  readonly body: unknown;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  /** `/v1/actions/:id` */
  readonly pattern: string;
  handle(request: ApiRequest): ApiAnswer | Promise<ApiAnswer>;
}

/** A configuration of some thousand resources, which is what people send at most. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;
/** How long a request may take to arrive. */
const ARRIVAL_MS_MAX = 30_000;
/** Tools of an operator, and a scrape of the metrics; more would be somebody who forgets to hang up. */
const CONNECTIONS_MAX = 128;

export interface ApiServer {
  close(): Promise<void>;
}

/** Listens on `socketPath`; a socket that a dead daemon left is replaced, one that answers is not. */
export async function serveApi(
  socketPath: string,
  routes: readonly Route[],
  log: Log,
): Promise<Result<ApiServer, ApiFault>> {
  const taken = await placeFault(socketPath);
  if (taken !== undefined) return err(taken);
  const server = createServer({ requestTimeout: ARRIVAL_MS_MAX }, (incoming, outgoing) => {
    void answer(incoming, outgoing, routes, log);
  });
  server.maxConnections = CONNECTIONS_MAX;
  return new Promise((resolve) => {
    server.once('error', (cause) => resolve(err(listenFault(socketPath, cause))));
    const umask = process.umask(0o177); // nobody else may connect before the mode is set
    server.listen(socketPath, () => {
      chmodSync(socketPath, 0o600);
      resolve(ok({ close: async () => closeServer(server) }));
    });
    process.umask(umask);
  });
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** sun_path of Linux has room for 108 bytes, the last of which is zero. */
const SOCKET_PATH_BYTES_MAX = 107;

/** Makes room for the socket: its folder, and no socket of a daemon that died. @returns why there is none */
async function placeFault(socketPath: string): Promise<ApiFault | undefined> {
  try {
    mkdirSync(path.dirname(socketPath), { recursive: true, mode: 0o755 });
    const found = lstatSync(socketPath, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    if (!found.isSocket())
      return {
        code: 'api.not-a-socket',
        message: `${socketPath} is there already, and is no socket.`,
        remedy: 'Name another --socket; nothing was removed.',
      };
    if (await answers(socketPath))
      return {
        code: 'api.socket-in-use',
        message: `Another process answers on ${socketPath}.`,
        remedy: 'Stop the other routerd, or give this one its own --socket.',
      };
    unlinkSync(socketPath);
    return undefined;
  } catch (cause) {
    return listenFault(socketPath, cause);
  }
}

function listenFault(socketPath: string, cause: unknown): ApiFault {
  const why = cause instanceof Error ? cause.message : String(cause);
  return {
    code: 'api.listen-failed',
    message: `Cannot listen on ${socketPath}: ${why}.`,
    remedy: `Name a --socket in a folder that this user may write to, with a path of at most ${SOCKET_PATH_BYTES_MAX} bytes.`,
  };
}

async function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socketPath);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  routes: readonly Route[],
  log: Log,
): Promise<void> {
  let reply: ApiAnswer;
  try {
    reply = await dispatch(incoming, routes);
  } catch (cause) {
    if (incoming.errored !== null) return; // who asked has hung up
    log.error('an API request failed', {
      event: 'api.request.failed',
      method: incoming.method,
      url: incoming.url,
      cause: String(cause),
    });
    reply = {
      status: 500,
      fault: { code: 'api.internal', message: 'The daemon failed to answer; its log has the cause.' },
    };
  }
  if ('text' in reply) {
    outgoing.writeHead(reply.status, { 'content-type': reply.contentType });
    outgoing.end(reply.text);
    return;
  }
  outgoing.writeHead(reply.status, { 'content-type': 'application/json' });
  outgoing.end(`${JSON.stringify('body' in reply ? reply.body : { error: reply.fault })}\n`);
}

async function dispatch(incoming: IncomingMessage, routes: readonly Route[]): Promise<ApiAnswer> {
  if (incoming.headers.origin !== undefined) return { status: 400, fault: FROM_A_PAGE };
  const url = urlOf(incoming.url ?? '/');
  if (url === undefined) return { status: 400, fault: MALFORMED };
  const matching = routes.flatMap((route) => {
    const params = match(route.pattern, url.pathname);
    return params === undefined ? [] : [{ route, params }];
  });
  const chosen = matching.find(({ route }) => route.method === incoming.method);
  if (chosen === undefined) {
    if (matching.length > 0)
      return {
        status: 405,
        fault: {
          code: 'api.method-not-allowed',
          message: `${url.pathname} answers ${matching.map(({ route }) => route.method).join(', ')} only.`,
        },
      };
    return { status: 404, fault: { code: 'api.no-such-path', message: `There is no ${url.pathname}.` } };
  }
  const params = decoded(chosen.params);
  if (params === undefined) return { status: 400, fault: MALFORMED };
  const body = await readBody(incoming);
  if (!body.ok) return { status: body.error.code === 'api.body-too-long' ? 413 : 400, fault: body.error };
  return chosen.route.handle({ params, query: url.searchParams, body: body.value });
}

/** Where somebody has led the socket to a port, pages that a browser of this machine shows could give orders. */
const FROM_A_PAGE: ApiFault = { code: 'api.from-a-page', message: 'A page in a browser is answered nothing.' };

const MALFORMED: ApiFault = {
  code: 'api.malformed-path',
  message: 'The path of the request is not well-formed.',
};

/** What stands in the path, decoded; undefined when it is not well-formed. */
function decoded(params: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined {
  try {
    return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch {
    return undefined;
  }
}

/** Never another host's: a path may begin with two slashes. */
function urlOf(target: string): URL | undefined {
  return target.startsWith('/') ? (URL.parse(`http://routerd${target}`) ?? undefined) : undefined;
}

function match(pattern: string, pathname: string): Readonly<Record<string, string>> | undefined {
  const wanted = pattern.split('/');
  const found = pathname.split('/');
  if (wanted.length !== found.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = found[index] ?? '';
    if (part.startsWith(':')) params[part.slice(1)] = value;
    else if (part !== value) return undefined;
  }
  return params;
}

async function readBody(incoming: IncomingMessage): Promise<Result<unknown, ApiFault>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Read to its end but not kept: who writes hears of the refusal when everything is written.
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) chunks.length = 0;
    else chunks.push(chunk);
  }
  if (bytes > BODY_BYTES_MAX)
    return err({ code: 'api.body-too-long', message: `The request body is longer than ${BODY_BYTES_MAX} bytes.` });
  if (bytes === 0) return ok(undefined);
  try {
    return ok(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  } catch {
    return err({ code: 'api.body-not-json', message: 'The request body is not JSON.' });
  }
}
