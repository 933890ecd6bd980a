/** HTTP as the emulated services see it: whole requests in, whole replies out. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

const BODY_BYTES_MAX = 1024 * 1024;

export interface WireRequest {
  readonly method: string;
  /** Path and query exactly as they were on the request line. */
  readonly target: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Where the connection came from; the fabric's source check makes it trustworthy. */
  readonly sourceAddress: string;
}

export interface WireReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The vendor's error code, for the journal. */
  readonly code?: string;
}

/** A request whose sender is known and may do what it asks. */
export interface AdmittedCall {
  readonly operation: string;
  /** Name of the instance. */
  readonly principal: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly mutating: boolean;
  /** @param ending how the long-running operation that this starts has to end; of no effect where the vendor has none */
  perform(ending: OperationEnding): WireReply | Promise<WireReply>;
  /** Somebody else writes the same object first, so that the condition of this call is out of date. Absent where it has no condition. */
  overtake?(): void;
}

/** `failed`: nothing was changed. `failed-but-done`: the operation says the same, and the change was made. */
export type OperationEnding = 'succeeded' | 'failed' | 'failed-but-done';

export interface RefusedCall extends Omit<AdmittedCall, 'perform' | 'overtake'> {
  readonly refusal: WireReply;
}

/** A vendor's endpoint: decodes strictly, authenticates, and says how it fails. */
export interface Service {
  readonly name: 'api' | 'imds' | 'queue';
  admit(request: WireRequest): AdmittedCall | RefusedCall | Promise<AdmittedCall | RefusedCall>;
  /** @param afterMs when there is room again; undefined where that is not known */
  throttled(afterMs?: number): WireReply;
  /** Rate headers of an answer, where the vendor has such. @param left calls before it refuses */
  rateHeaders?(call: 'read' | 'write', left: number): Readonly<Record<string, string>>;
  failed(): WireReply;
  /** Something else is being done to what the call is about. */
  busy(): WireReply;
  /**
   * What the vendor says to a caller who may not do this; of a metadata service: that the machine has no identity.
   * @param permission what it lacks, where that is known
   */
  denied(call: AdmittedCall, permission?: string): WireReply;
  /** The caller's credential is not accepted. */
  unauthenticated(): WireReply;
}

export function headerOf(request: WireRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

export function jsonReply(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): WireReply {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(body),
  };
}

/** @returns `undefined` for a body that is too long */
export async function readRequest(message: IncomingMessage): Promise<WireRequest | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(part);
  }
  const target = message.url ?? '/';
  const question = target.indexOf('?');
  return {
    method: message.method ?? 'GET',
    target,
    path: question === -1 ? target : target.slice(0, question),
    query: new URLSearchParams(question === -1 ? '' : target.slice(question + 1)),
    headers: message.headers,
    body: Buffer.concat(chunks).toString('utf8'),
    sourceAddress: message.socket.remoteAddress ?? '',
  };
}

/** @returns undefined for what is no JSON, which matches no schema */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
