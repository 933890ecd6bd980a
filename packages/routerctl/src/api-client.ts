/** Asks the daemon over its unix socket. */
import { request } from 'node:http';

export interface ClientFault {
  /** `client.*` when the daemon could not be asked, else the daemon's own code. */
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
}

export type ClientResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: ClientFault };

export type ClientTextResult =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly error: ClientFault };

export interface ApiClient {
  /** @param timeoutMs how long the daemon may take to answer; half a minute unless told */
  get(path: string, timeoutMs?: number): Promise<ClientResult>;
  /** What is answered as it stands, not JSON. */
  text(path: string): Promise<ClientTextResult>;
  post(path: string, body: unknown, timeoutMs?: number): Promise<ClientResult>;
}

const TIMEOUT_MS = 30_000;

export function createApiClient(socketPath: string): ApiClient {
  const call = async <T>(
    { method, path, body, timeoutMs = TIMEOUT_MS }: Call,
    read: (status: number, text: string) => T,
  ): Promise<T | Unreachable> =>
    new Promise((resolve) => {
      const outgoing = request(
        {
          socketPath,
          path,
          method,
          timeout: timeoutMs,
          headers: body === undefined ? {} : { 'content-type': 'application/json' },
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('end', () => resolve(read(incoming.statusCode ?? 0, Buffer.concat(chunks).toString('utf8'))));
          incoming.on('error', (cause) => resolve(unreachable(socketPath, cause)));
        },
      );
      outgoing.on('timeout', () => outgoing.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
      outgoing.on('error', (cause) => resolve(unreachable(socketPath, cause)));
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  return {
    get: async (path, timeoutMs) =>
      call({ method: 'GET', path, ...(timeoutMs === undefined ? {} : { timeoutMs }) }, readAnswer),
    text: async (path) => call({ method: 'GET', path }, readText),
    post: async (path, body, timeoutMs) =>
      call({ method: 'POST', path, body, ...(timeoutMs === undefined ? {} : { timeoutMs }) }, readAnswer),
  };
}

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly timeoutMs?: number;
}

interface Unreachable {
  readonly ok: false;
  readonly error: ClientFault;
}

const START = 'Start it with `routerd serve`, or name its socket with --socket.';
const UNREACHABLE: Readonly<Partial<Record<string, readonly [why: string, remedy: string]>>> = {
  ENOENT: ['there is no such socket', START],
  ECONNREFUSED: ['nobody listens there', START],
  ENOTSOCK: ['it is no socket', START],
  EINVAL: ['a path of a socket has 107 bytes at most', 'Give the daemon a shorter --socket, and name it here.'],
  EACCES: ['permission denied', 'Run as the user that runs routerd, which is root unless told.'],
  ETIMEDOUT: ['it did not answer in time', 'It runs, but is busy or stopped: look at its log.'],
  ECONNRESET: ['it hung up', 'It was just stopped or has crashed: look at its log.'],
};

function unreachable(socketPath: string, cause: NodeJS.ErrnoException): Unreachable {
  const [why, remedy] = UNREACHABLE[cause.code ?? ''] ?? [cause.message, START];
  return {
    ok: false,
    error: { code: 'client.unreachable', message: `Cannot ask the daemon on ${socketPath}: ${why}.`, remedy },
  };
}

function readText(status: number, text: string): ClientTextResult {
  if (status < 400) return { ok: true, value: text };
  const answer = readAnswer(status, text);
  return answer.ok ? { ok: true, value: text } : answer;
}

function readAnswer(status: number, text: string): ClientResult {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return {
      ok: false,
      error: { code: 'client.bad-answer', message: `The daemon answered ${status} with something that is not JSON.` },
    };
  }
  if (status < 400) return { ok: true, value: body };
  const fault = isRecord(body) && isRecord(body['error']) ? body['error'] : {};
  const text2 = (key: string): string | undefined => (typeof fault[key] === 'string' ? fault[key] : undefined);
  const remedy = text2('remedy');
  return {
    ok: false,
    error: {
      code: text2('code') ?? `http.${status}`,
      message: text2('message') ?? `The daemon answered ${status}.`,
      ...(remedy === undefined ? {} : { remedy }),
    },
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
