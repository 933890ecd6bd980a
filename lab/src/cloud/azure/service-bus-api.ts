/**
 * `https://cloudedge-news.servicebus.windows.net`: peek-lock and delete, a queue for each router, which nobody else may receive from.
 * (Service Bus, runtime REST reference.)
 */
import type { ControlPlane } from '../control-plane.ts';
import type { RouterQueues } from '../news-desk.ts';
import type { NewsQueue } from '../news-queue.ts';
import {
  headerOf,
  type AdmittedCall,
  type RefusedCall,
  type Service,
  type WireReply,
  type WireRequest,
} from '../wire.ts';
import { SERVICE_BUS_AUDIENCES, type TokenAuthority } from './tokens.ts';

export const NAMESPACE_HOST = 'cloudedge-news.servicebus.windows.net';
const PATH = /^\/([^/]+)\/messages\/(?:head|([^/]+)\/([^/]+))$/;
/** Lock duration of the queues. */
const LOCK_MS = 15_000;
const WAIT_SECONDS_MAX = 60;

const queueName = (router: string): string => `${router}-news`;

export function serviceBusQueueUrl(router: string): string {
  return `https://${NAMESPACE_HOST}/${queueName(router)}`;
}

export class ServiceBusApi implements Service {
  readonly name = 'queue';
  readonly #plane: ControlPlane;
  readonly #tokens: TokenAuthority;
  readonly #queues: RouterQueues;

  constructor(plane: ControlPlane, tokens: TokenAuthority, queues: RouterQueues) {
    this.#plane = plane;
    this.#tokens = tokens;
    this.#queues = queues;
  }

  async admit(request: WireRequest): Promise<AdmittedCall | RefusedCall> {
    const [, name, , lock] = PATH.exec(request.path) ?? [];
    const verb = { POST: 'peekLock', DELETE: 'delete' }[request.method];
    const operation = verb === undefined ? `${request.method} ${request.path}` : `messages.${verb}`;
    const described = { operation, parameters: { queue: name }, mutating: verb === 'delete' };
    const verified = await this.#tokens.verify(headerOf(request, 'authorization'), SERVICE_BUS_AUDIENCES);
    const { config } = this.#plane;
    const principal = verified.ok
      ? config.instances.find(({ instanceId }) => instanceId === verified.value)?.name
      : undefined;
    if (principal === undefined) return { ...described, principal: 'unknown', refusal: this.unauthenticated() };
    const call = { ...described, principal };
    const router = config.instances.find((each) => queueName(each.name) === name)?.name;
    const queue = router === undefined ? undefined : this.#queues.get(router);
    if (queue === undefined) return { ...call, refusal: faultReply(410, 'The queue does not exist.') };
    if (router !== principal) return { ...call, refusal: this.denied() };
    if (verb === 'delete' && lock !== undefined) return { ...call, perform: () => remove(queue, lock) };
    if (verb !== 'peekLock' || lock !== undefined)
      return { ...call, refusal: faultReply(405, `${request.method} is not supported on ${request.path}.`) };
    const seconds = Number(request.query.get('timeout') ?? WAIT_SECONDS_MAX);
    if (!(seconds >= 0)) return { ...call, refusal: faultReply(400, 'The timeout is no number of seconds.') };
    return { ...call, perform: async () => peekLock(queue, request.path, Math.min(seconds, WAIT_SECONDS_MAX)) };
  }

  throttled(): WireReply {
    return faultReply(429, 'The request is being throttled.');
  }

  failed(): WireReply {
    return faultReply(500, 'The server encountered an internal error.');
  }

  busy(): WireReply {
    return faultReply(503, 'The server is busy.');
  }

  denied(): WireReply {
    return faultReply(401, "Unauthorized access. 'Listen' claim(s) are required to perform this operation.");
  }

  unauthenticated(): WireReply {
    return faultReply(401, 'InvalidSignature: The token has an invalid signature.');
  }
}

async function peekLock(queue: NewsQueue, path: string, waitSeconds: number): Promise<WireReply> {
  const [message] = await queue.receive({ max: 1, hiddenForMs: LOCK_MS, waitMs: waitSeconds * 1000 });
  if (message === undefined) return { status: 204 };
  const { id, body, receipt, receipts, sentAt } = message;
  const broker = {
    DeliveryCount: receipts,
    EnqueuedTimeUtc: new Date(sentAt).toUTCString(),
    LockToken: receipt,
    MessageId: id,
    State: 'Active',
  };
  return {
    status: 201,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      brokerproperties: JSON.stringify(broker),
      location: `https://${NAMESPACE_HOST}${path.replace(/head$/, `${id}/${receipt}`)}`,
    },
    body,
  };
}

function remove(queue: NewsQueue, lock: string): WireReply {
  return queue.remove(lock)
    ? { status: 200 }
    : faultReply(404, 'The lock supplied is invalid. Either the lock expired, or the message has been removed.');
}

function faultReply(status: number, detail: string): WireReply {
  const body = `<Error><Code>${status}</Code><Detail>${detail}</Detail></Error>`;
  return { status, headers: { 'content-type': 'application/xml; charset=utf-8' }, body, code: `${status}` };
}
