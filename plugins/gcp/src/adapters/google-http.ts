/** Requests to an API of Google's as plain JSON, as the service account of this machine, under the vendor's authentication library. */
import { Compute as MetadataIdentity } from 'google-auth-library';
import {
  identityLimitMs,
  listOf,
  objectOf,
  retryAfterOf,
  textOf,
  withinLimit,
  type JsonObject,
} from '@routerd/plugin-sdk';
import { ComputeError, type ComputeFault } from '../classify.ts';

/** The library itself takes 14 s to find out that nobody answers. */
const USUAL_TOKEN_LIMIT_MS = 5000;
const REQUEST_LIMIT_MS = 30_000;

export interface GoogleRequest {
  readonly method: 'GET' | 'PATCH' | 'POST' | 'PUT';
  readonly url: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: JsonObject;
  readonly limitMs?: number;
}

export interface GoogleReply {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfterMs: number | undefined;
  /** When it was sent, by the clock of the service, milliseconds since 1970; undefined where it does not say. */
  readonly sentAt: number | undefined;
}

export class GoogleHttp {
  #identity = new MetadataIdentity();

  /** One request. Rejects when nothing was answered, or when there is no identity; every answer is a reply. */
  async send({ method, url, query = {}, body, limitMs = REQUEST_LIMIT_MS }: GoogleRequest): Promise<GoogleReply> {
    await tokenOf(this.#identity);
    const { status, data, headers } = await this.#identity.request<unknown>({
      url,
      method,
      params: query,
      ...(body === undefined ? {} : { data: body }),
      retry: false,
      validateStatus: () => true,
      timeout: limitMs,
    });
    const sentAt = Date.parse(headers.get('date') ?? '');
    return {
      status,
      body: data,
      retryAfterMs: retryAfterOf(headers.get('retry-after')),
      sentAt: Number.isNaN(sentAt) ? undefined : sentAt,
    };
  }

  /** The token is refused: the next request is sent with another. */
  forgetToken(): void {
    this.#identity = new MetadataIdentity();
  }
}

/** @throws ComputeError for anything but a success */
export function successOf(reply: GoogleReply): unknown {
  if (reply.status === 200) return reply.body;
  throw new ComputeError(faultIn(reply));
}

export function faultIn({ status, body, retryAfterMs }: GoogleReply): ComputeFault {
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
