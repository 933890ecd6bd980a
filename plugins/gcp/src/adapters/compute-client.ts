/**
 * Compute Engine as plain JSON under the vendor's authentication library. The vendor's typed client leaves an empty list out of a PATCH, and
 * then the last alias cannot be removed; it is also twelve times the size. See docs/adr/0006.
 *
 * A write is sent once, under a request id of its own.
 */
import { randomUUID } from 'node:crypto';
import { Compute as MetadataIdentity } from 'google-auth-library';
import {
  createCallMeter,
  identityLimitMs,
  listOf,
  objectOf,
  retryAfterOf,
  textOf,
  withinLimit,
  type CallMeter,
  type JsonObject,
  type MeteredCall,
} from '@routerd/plugin-sdk';
import type { Compute } from '../compute.ts';
import { classOf, ComputeError, faultOf, type ComputeFault } from '../classify.ts';
import { instanceDocumentOf, type InstanceDocument } from '../instance-document.ts';
import { resourceNameOf, type NicName } from '../nic-name.ts';

const ROOT = 'https://compute.googleapis.com/compute/v1';
/** The library itself takes 14 s to find out that nobody answers. */
const USUAL_TOKEN_LIMIT_MS = 5000;
const REQUEST_LIMIT_MS = 30_000;
/** `wait` answers after two minutes at the latest, whether the operation is done or not. */
const WAIT_LIMIT_MS = 150_000;
const READ_TRIES = 3;

interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfterMs: number | undefined;
}

interface Request {
  readonly method: 'GET' | 'PATCH' | 'POST' | 'PUT';
  /** `projects/…`. */
  readonly name: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: JsonObject;
  readonly limitMs?: number;
}

/** @param meter counts what is sent */
export function connectCompute(meter: CallMeter = createCallMeter()): Compute {
  return new ComputeClient(meter);
}

class ComputeClient implements Compute {
  readonly #meter: CallMeter;
  #identity = new MetadataIdentity();

  constructor(meter: CallMeter) {
    this.#meter = meter;
  }

  async readInstance(name: string): Promise<InstanceDocument | undefined> {
    const reply = await this.#read({ method: 'GET', name });
    return reply.status === 404 ? undefined : instanceDocumentOf(successOf(reply));
  }

  async patchAliases(nic: NicName, ranges: readonly JsonObject[], fingerprint: string): Promise<void> {
    await this.#write({
      method: 'PATCH',
      name: `${nic.instance}/updateNetworkInterface`,
      query: { networkInterface: nic.nic, requestId: randomUUID() },
      body: { fingerprint, aliasIpRanges: ranges },
    });
  }

  async updateInstance(name: string, body: JsonObject): Promise<void> {
    const query = { mostDisruptiveAllowedAction: 'REFRESH', requestId: randomUUID() };
    await this.#write({ method: 'PUT', name, query, body });
  }

  async testPermissions(resource: string, permissions: readonly string[]): Promise<readonly string[]> {
    const name = `${resource}/testIamPermissions`;
    const reply = objectOf(successOf(await this.#read({ method: 'POST', name, body: { permissions } })));
    return listOf(reply['permissions']).map(textOf);
  }

  async listInstances(project: string): Promise<readonly InstanceDocument[]> {
    const found: InstanceDocument[] = [];
    for (let pageToken = ''; ;) {
      const query = pageToken === '' ? {} : { pageToken };
      const page = objectOf(
        successOf(await this.#read({ method: 'GET', name: `${project}/aggregated/instances`, query })),
      );
      for (const scope of Object.values(objectOf(page['items']))) {
        found.push(...listOf(objectOf(scope)['instances']).map(instanceDocumentOf));
      }
      pageToken = textOf(page['nextPageToken']);
      if (pageToken === '') return found;
    }
  }

  /** Rejects with what the operation ended with; one whose end cannot be read has an unknown outcome. */
  async #write(request: Request): Promise<void> {
    let operation = objectOf(successOf(await this.#send('write', request)));
    const name = textOf(operation['name']);
    const zone = resourceNameOf(textOf(operation['zone']));
    while (operation['status'] !== 'DONE') operation = await this.#waitFor(`${zone}/operations/${name}`);
    const [first] = listOf(objectOf(operation['error'])['errors']).map(objectOf);
    if (first === undefined) return;
    throw new ComputeError({
      code: textOf(first['code']),
      message: textOf(first['message']),
      httpStatus: undefined,
      operation: name,
      retryAfterMs: undefined,
    });
  }

  /** @throws ComputeError whose outcome is unknown, whatever kept us from hearing: the write itself was accepted */
  async #waitFor(operation: string): Promise<JsonObject> {
    const reply = await this.#read({ method: 'POST', name: `${operation}/wait`, limitMs: WAIT_LIMIT_MS }).catch(
      (cause: unknown) => faultOf(cause).message,
    );
    if (typeof reply !== 'string' && reply.status === 200) return objectOf(reply.body);
    const message = typeof reply === 'string' ? reply : faultIn(reply).message;
    const nothing = { httpStatus: undefined, operation: undefined, retryAfterMs: undefined };
    throw new ComputeError({ code: 'OperationNotReadable', message: `${operation}: ${message}`, ...nothing });
  }

  /** What changes nothing may be asked again, when a reply was lost or the backend failed. */
  async #read(request: Request): Promise<Reply> {
    for (let left = READ_TRIES; ; left -= 1) {
      try {
        const reply = await this.#send('read', request);
        if (reply.status < 500 || left === 1) return reply;
      } catch (cause) {
        if (left === 1) throw cause;
      }
    }
  }

  /** Once; again only with a new token where the old one was refused, since then nothing was done. */
  async #send(call: MeteredCall, request: Request): Promise<Reply> {
    const reply = await this.#sendCounted(call, request);
    if (reply.status !== 401) return reply;
    this.#identity = new MetadataIdentity();
    return this.#sendCounted(call, request);
  }

  async #sendCounted(call: MeteredCall, request: Request): Promise<Reply> {
    this.#meter.sent(call);
    const reply = await this.#sendAs(this.#identity, request);
    if (reply.status !== 200 && classOf(faultIn(reply)) === 'throttled') this.#meter.refused(call, reply.retryAfterMs);
    return reply;
  }

  async #sendAs(identity: MetadataIdentity, request: Request): Promise<Reply> {
    const { method, name, query = {}, body, limitMs = REQUEST_LIMIT_MS } = request;
    await tokenOf(identity);
    const { status, data, headers } = await identity.request<unknown>({
      url: `${ROOT}/${name}`,
      method,
      params: query,
      ...(body === undefined ? {} : { data: body }),
      retry: false,
      validateStatus: () => true,
      timeout: limitMs,
    });
    return { status, body: data, retryAfterMs: retryAfterOf(headers.get('retry-after')) };
  }
}

/** Cached by the library until shortly before it expires. */
async function tokenOf(identity: MetadataIdentity): Promise<void> {
  const limitMs = identityLimitMs(USUAL_TOKEN_LIMIT_MS);
  const late = (): ComputeError => unavailable(`no token within ${limitMs / 1000} s`);
  try {
    await withinLimit(limitMs, late, async () => identity.getAccessToken());
  } catch (cause) {
    throw cause instanceof ComputeError ? cause : unavailable(cause instanceof Error ? cause.message : String(cause));
  }
}

function unavailable(detail: string): ComputeError {
  const message = `the metadata server at 169.254.169.254 gives no identity: ${detail}`;
  const nothing = { httpStatus: undefined, operation: undefined, retryAfterMs: undefined };
  return new ComputeError({ code: 'IdentityUnavailable', message, ...nothing });
}

function successOf(reply: Reply): unknown {
  if (reply.status === 200) return reply.body;
  throw new ComputeError(faultIn(reply));
}

function faultIn({ status, body, retryAfterMs }: Reply): ComputeFault {
  const error = objectOf(objectOf(body)['error']);
  const [first = {}] = listOf(error['errors']).map(objectOf);
  return {
    code: textOf(first['reason']) || textOf(error['status']) || `HTTP ${status}`,
    message: textOf(error['message']) || 'no message',
    httpStatus: status,
    operation: undefined,
    retryAfterMs,
  };
}
