/** Requests of OCI's other services, by the vendor's signer and without a client package of theirs: docs/adr/0007. Plain JSON. */
import { DefaultRequestSigner, FetchHttpClient, handleErrorBody, handleErrorResponse } from 'oci-common';
import { withinLimit, type JsonObject } from '@routerd/plugin-sdk';
import { faultOf } from '../classify.ts';
import type { OciIdentity } from './identity.ts';

const REQUEST_LIMIT_MS = 30_000;

class RequestTimedOut extends Error {
  override readonly name = 'RequestTimedOut';
}

export interface SignedRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** From the root; its parts are encoded by whoever writes it. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: JsonObject;
}

export interface SignedReply {
  readonly body: unknown;
  readonly header: (name: string) => string | undefined;
  /** Wall clock of the service, milliseconds, by its `Date`; undefined where it tells none. */
  readonly sentAt: number | undefined;
}

/** @param endpoint origin alone: `https://cell-1.streaming.eu-frankfurt-1.oci.oraclecloud.com` */
export class SignedHttp {
  readonly #endpoint: string;
  readonly #identity: OciIdentity;
  #client: Promise<FetchHttpClient> | undefined;

  constructor(endpoint: string, identity: OciIdentity) {
    this.#endpoint = endpoint;
    this.#identity = identity;
  }

  /** @throws what `faultOf` reads, for an answer that is a refusal too; one for a token that ran out is repeated once with another */
  async send(request: SignedRequest): Promise<SignedReply> {
    try {
      return await this.#sendOnce(request);
    } catch (cause) {
      if (faultOf(cause).httpStatus !== 401) throw cause;
      this.#client = undefined;
      this.#identity.forget();
      return this.#sendOnce(request);
    }
  }

  async #sendOnce({ method, path, query = {}, body }: SignedRequest): Promise<SignedReply> {
    const client = await this.#connected();
    const uri = `${this.#endpoint}${path}?${new URLSearchParams(query).toString()}`;
    const headers = new Headers({ accept: 'application/json', 'content-type': 'application/json' });
    const sent = { method, uri, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const late = (): Error => new RequestTimedOut(`no answer within ${REQUEST_LIMIT_MS / 1000} s`);
    return withinLimit(REQUEST_LIMIT_MS, late, async () => {
      const response = await client.send(sent);
      if (!response.ok) {
        const said = await handleErrorBody(response);
        throw handleErrorResponse(response, said, '', `${method} ${path}`, '', this.#endpoint, '');
      }
      const sentAt = Date.parse(response.headers.get('date') ?? '');
      return {
        body: response.status === 204 ? undefined : await response.json(),
        header: (name) => response.headers.get(name) ?? undefined,
        sentAt: Number.isNaN(sentAt) ? undefined : sentAt,
      };
    });
  }

  async #connected(): Promise<FetchHttpClient> {
    this.#client ??= this.#identity.get().then((own) => new FetchHttpClient(new DefaultRequestSigner(own)));
    try {
      return await this.#client;
    } catch (cause) {
      this.#client = undefined;
      throw cause;
    }
  }
}
