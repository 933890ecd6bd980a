/**
 * `https://cell-1.streaming.<region>.oci.oraclecloud.com`: what a consumer group asks of a stream (Streaming API 20180418). One stream for all
 * routers: who reads is told apart by the group.
 */
import { z } from 'zod';
import type { Result } from '@routerd/resources';
import type { ControlPlane } from '../control-plane.ts';
import {
  jsonOf,
  type AdmittedCall,
  type RefusedCall,
  type Service,
  type WireReply,
  type WireRequest,
} from '../wire.ts';
import type { NewsStream, StreamMessage } from './news-stream.ts';
import { faultReply, NOT_AUTHENTICATED, NOT_FOUND, ociFault, ociReply, type OciFault } from './oci-reply.ts';
import type { RequestSigners } from './request-signers.ts';

/** The first words of the host's name. */
export const STREAMING_CELL = 'cell-1.streaming.';
const STREAM_NAME = 'news';
const MESSAGES_MAX = 10_000;

const PATH = /^\/20180418\/streams\/([^/]+)\/(groupCursors|messages|commit|groups\/([^/]+))$/;
const startingPoint = z.enum(['LATEST', 'TRIM_HORIZON']);
const groupCursorBody = z.strictObject({
  type: startingPoint,
  groupName: z.string().min(1).max(255),
  instanceName: z.string().min(1).max(255).default('unnamed'),
  timeoutInMs: z.number().int().positive().default(30_000),
  commitOnGet: z.boolean().default(true),
});
const groupBody = z.strictObject({ type: startingPoint });

export function streamOf({ region }: Pick<ControlPlane['config'], 'region'>): { id: string; endpoint: string } {
  return {
    id: `ocid1.stream.oc1.${region}.${'amaaaaaanews'.padEnd(60, 'a')}`,
    endpoint: `https://${STREAMING_CELL}${region}.oci.oraclecloud.com`,
  };
}

interface Route {
  readonly operation: string;
  readonly mutating: boolean;
  readonly query: readonly string[];
  readonly perform: () => WireReply;
}

export class StreamingApi implements Service {
  readonly name = 'queue';
  readonly #plane: ControlPlane;
  readonly #signers: RequestSigners;
  readonly #stream: NewsStream;

  constructor(plane: ControlPlane, signers: RequestSigners, stream: NewsStream) {
    this.#plane = plane;
    this.#signers = signers;
    this.#stream = stream;
  }

  async admit(request: WireRequest): Promise<AdmittedCall | RefusedCall> {
    const [, id = '', , group = ''] = PATH.exec(request.path) ?? [];
    const route = this.#route(request, decodeURIComponent(group));
    const described = {
      operation: route?.operation ?? `${request.method} ${request.path}`,
      mutating: route?.mutating ?? false,
      parameters: { ...Object.fromEntries(request.query), ...(request.body === '' ? {} : { body: request.body }) },
    };
    const principal = await this.#signers.nameOf(request);
    if (principal === undefined) return { ...described, principal: 'unknown', refusal: faultReply(NOT_AUTHENTICATED) };
    const refuse = (fault: OciFault): RefusedCall => ({ ...described, principal, refusal: faultReply(fault) });
    if (route === undefined || decodeURIComponent(id) !== streamOf(this.#plane.config).id) return refuse(NOT_FOUND);
    const strange = [...request.query.keys()].find((name) => !route.query.includes(name));
    if (strange !== undefined)
      return refuse(ociFault(400, 'InvalidParameter', `There is no query parameter ${strange}.`));
    return { ...described, principal, perform: route.perform };
  }

  throttled(): WireReply {
    return faultReply(ociFault(429, 'TooManyRequests', 'The limit of requests was exceeded.'));
  }

  failed(): WireReply {
    return faultReply(ociFault(500, 'InternalServerError', 'An internal server error occurred.'));
  }

  busy(): WireReply {
    return faultReply(ociFault(409, 'Conflict', 'The consumer group is being balanced.'));
  }

  /** As what does not exist. */
  denied(): WireReply {
    return faultReply(NOT_FOUND);
  }

  unauthenticated(): WireReply {
    return faultReply(NOT_AUTHENTICATED);
  }

  #route({ method, path, query, body }: WireRequest, group: string): Route | undefined {
    const [, , collection = ''] = PATH.exec(path) ?? [];
    switch (`${method} ${group === '' ? collection : 'groups/{name}'}`) {
      case 'POST groupCursors':
        return { operation: 'CreateGroupCursor', mutating: false, query: [], perform: () => this.#open(body) };
      case 'GET messages':
        return {
          operation: 'GetMessages',
          mutating: false,
          query: ['cursor', 'limit'],
          perform: () => this.#read(query),
        };
      case 'POST commit':
        return {
          operation: 'ConsumerCommit',
          mutating: true,
          query: ['cursor'],
          perform: () => cursorReply(this.#stream.commit(query.get('cursor') ?? '')),
        };
      case 'PUT groups/{name}':
        return { operation: 'UpdateGroup', mutating: true, query: [], perform: () => this.#update(group, body) };
      default:
        return undefined;
    }
  }

  #open(body: string): WireReply {
    const parsed = groupCursorBody.safeParse(jsonOf(body));
    if (!parsed.success) return invalid(parsed.error);
    const { type, groupName, instanceName, timeoutInMs, commitOnGet } = parsed.data;
    return cursorReply(
      this.#stream.open({
        group: groupName,
        instance: instanceName,
        from: type,
        timeoutMs: timeoutInMs,
        commitOnGet,
      }),
    );
  }

  #read(query: URLSearchParams): WireReply {
    const limit = Number(query.get('limit') ?? MESSAGES_MAX);
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= MESSAGES_MAX))
      return faultReply(ociFault(400, 'InvalidParameter', `The limit has to be 1 to ${MESSAGES_MAX}.`));
    const read = this.#stream.read(query.get('cursor') ?? '', limit);
    if (!read.ok) return faultReply(read.error);
    const { messages, next } = read.value;
    return ociReply(200, messages.map(messageOf), { 'opc-next-cursor': next });
  }

  #update(group: string, body: string): WireReply {
    const parsed = groupBody.safeParse(jsonOf(body));
    if (!parsed.success) return invalid(parsed.error);
    const updated = this.#stream.update(group, parsed.data.type);
    return updated.ok ? ociReply(204, undefined) : faultReply(updated.error);
  }
}

function messageOf({ offset, body, sentAt }: StreamMessage): object {
  return {
    stream: STREAM_NAME,
    partition: '0',
    key: null,
    value: Buffer.from(body).toString('base64'),
    offset,
    timestamp: new Date(sentAt).toISOString(),
  };
}

function cursorReply(cursor: Result<string, OciFault>): WireReply {
  return cursor.ok ? ociReply(200, { value: cursor.value }) : faultReply(cursor.error);
}

function invalid(error: z.ZodError): WireReply {
  return faultReply(ociFault(400, 'InvalidParameter', z.prettifyError(error)));
}
