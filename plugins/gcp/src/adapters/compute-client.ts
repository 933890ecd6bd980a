/**
 * Compute Engine as plain JSON under the vendor's authentication library. The vendor's typed client leaves an empty list out of a PATCH, and
 * then the last alias cannot be removed; it is also twelve times the size. See docs/adr/0006.
 *
 * A write is sent once, under a request id of its own.
 */
import { randomUUID } from 'node:crypto';
import {
  createCallMeter,
  listOf,
  objectOf,
  textOf,
  type CallMeter,
  type JsonObject,
  type MeteredCall,
} from '@routerd/plugin-sdk';
import type { Compute } from '../compute.ts';
import { classOf, ComputeError, faultOf } from '../classify.ts';
import { instanceDocumentOf, type InstanceDocument } from '../instance-document.ts';
import { resourceNameOf, type NicName } from '../nic-name.ts';
import { faultIn, GoogleHttp, successOf, type GoogleReply, type GoogleRequest } from './google-http.ts';

const ROOT = 'https://compute.googleapis.com/compute/v1';
/** `wait` answers after two minutes at the latest, whether the operation is done or not. */
const WAIT_LIMIT_MS = 150_000;
const READ_TRIES = 3;

interface Request extends Omit<GoogleRequest, 'url'> {
  /** `projects/…`. */
  readonly name: string;
}

/** @param meter counts what is sent */
export function connectCompute(meter: CallMeter = createCallMeter()): Compute {
  return new ComputeClient(meter);
}

class ComputeClient implements Compute {
  readonly #meter: CallMeter;
  readonly #http = new GoogleHttp();

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

  async probeOperations(zone: string): Promise<void> {
    const reply = await this.#read({ method: 'GET', name: `${zone}/operations/routerd-preflight` });
    if (reply.status !== 404) successOf(reply);
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
  async #read(request: Request): Promise<GoogleReply> {
    for (let left = READ_TRIES; ; left -= 1) {
      try {
        const reply = await this.#send('read', request);
        if (reply.status < 500 || left === 1) return reply;
      } catch (cause) {
        // Who has no identity after the limit has none after three of them either.
        if (left === 1 || faultOf(cause).code === 'IdentityUnavailable') throw cause;
      }
    }
  }

  /** Once; again only with a new token where the old one was refused, since then nothing was done. */
  async #send(call: MeteredCall, request: Request): Promise<GoogleReply> {
    const reply = await this.#sendCounted(call, request);
    if (reply.status !== 401) return reply;
    this.#http.forgetToken();
    return this.#sendCounted(call, request);
  }

  async #sendCounted(call: MeteredCall, request: Request): Promise<GoogleReply> {
    this.#meter.sent(call);
    const { name, ...rest } = request;
    const reply = await this.#http.send({ ...rest, url: `${ROOT}/${name}` });
    if (reply.status !== 200 && classOf(faultIn(reply)) === 'throttled') this.#meter.refused(call, reply.retryAfterMs);
    return reply;
  }
}
