/** `https://pubsub.googleapis.com/v1`: the two calls of a subscriber; a subscription for each router, which nobody else may consume. */
import { z } from 'zod';
import type { ControlPlane } from '../control-plane.ts';
import type { RouterQueues } from '../news-desk.ts';
import type { NewsQueue } from '../news-queue.ts';
import {
  headerOf,
  jsonOf,
  jsonReply,
  type AdmittedCall,
  type RefusedCall,
  type Service,
  type WireReply,
  type WireRequest,
} from '../wire.ts';
import type { AccessTokens } from './access-tokens.ts';

const PATH = /^\/v1\/(projects\/[^/]+\/subscriptions\/[^/:]+):(pull|acknowledge)$/;
/** Of the subscription; the least there is. */
const ACK_DEADLINE_MS = 10_000;
/** A pull without a message is answered then, at the latest. */
const PULL_LIMIT_MS = 60_000;

const pullBody = z.strictObject({
  maxMessages: z.number().int().min(1).max(1000),
  returnImmediately: z.boolean().default(false),
});
const acknowledgeBody = z.strictObject({ ackIds: z.array(z.string()).min(1) });

export function subscriptionOf({ account }: ControlPlane['config'], router: string): string {
  return `projects/${account}/subscriptions/${router}-news`;
}

export class PubsubApi implements Service {
  readonly name = 'queue';
  readonly #plane: ControlPlane;
  readonly #tokens: AccessTokens;
  readonly #queues: RouterQueues;

  constructor(plane: ControlPlane, tokens: AccessTokens, queues: RouterQueues) {
    this.#plane = plane;
    this.#tokens = tokens;
    this.#queues = queues;
  }

  admit(request: WireRequest): AdmittedCall | RefusedCall {
    const [, subscription, verb] = PATH.exec(request.path) ?? [];
    const operation = verb === undefined ? `${request.method} ${request.path}` : `subscriptions.${verb}`;
    const described = { operation, parameters: { subscription }, mutating: verb === 'acknowledge' };
    const refuse = (principal: string, refusal: WireReply): RefusedCall => ({ ...described, principal, refusal });
    const verified = this.#tokens.verify(headerOf(request, 'authorization'));
    if (!verified.ok) return refuse('unknown', this.unauthenticated());
    const principal = verified.value;
    if (verb === undefined || request.method !== 'POST')
      return refuse(principal, faultReply(404, 'NOT_FOUND', `The requested URL ${request.path} was not found.`));
    const router = this.#plane.config.instances.find(
      ({ name }) => subscriptionOf(this.#plane.config, name) === subscription,
    )?.name;
    const queue = router === undefined ? undefined : this.#queues.get(router);
    const call = { ...described, principal };
    if (queue === undefined)
      return { ...call, refusal: faultReply(404, 'NOT_FOUND', `Resource not found (resource=${subscription}).`) };
    if (router !== principal) return { ...call, refusal: this.denied() };
    return { ...call, perform: async () => perform(queue, verb, request.body) };
  }

  throttled(): WireReply {
    return faultReply(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded for quota metric of subscriber throughput.');
  }

  failed(): WireReply {
    return faultReply(503, 'UNAVAILABLE', 'The service was unable to fulfill your request. Please try again.');
  }

  busy(): WireReply {
    return this.failed();
  }

  denied(): WireReply {
    return faultReply(403, 'PERMISSION_DENIED', 'User not authorized to perform this action.');
  }

  unauthenticated(): WireReply {
    return faultReply(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.');
  }
}

async function perform(queue: NewsQueue, verb: string, body: string): Promise<WireReply> {
  const json = jsonOf(body);
  if (verb === 'acknowledge') {
    const parsed = acknowledgeBody.safeParse(json);
    if (!parsed.success) return faultReply(400, 'INVALID_ARGUMENT', z.prettifyError(parsed.error));
    for (const ackId of parsed.data.ackIds) queue.remove(ackId); // an id whose time is over is no error
    return jsonReply(200, {});
  }
  const parsed = pullBody.safeParse(json);
  if (!parsed.success) return faultReply(400, 'INVALID_ARGUMENT', z.prettifyError(parsed.error));
  const { maxMessages, returnImmediately } = parsed.data;
  const messages = await queue.receive({
    max: maxMessages,
    hiddenForMs: ACK_DEADLINE_MS,
    waitMs: returnImmediately ? 0 : PULL_LIMIT_MS,
  });
  const receivedMessages = messages.map(({ id, body: entry, sentAt, receipt }) => ({
    ackId: receipt,
    message: {
      data: Buffer.from(entry).toString('base64'),
      attributes: { 'logging.googleapis.com/timestamp': new Date(sentAt).toISOString() },
      messageId: `${Number.parseInt(id.slice(0, 8), 16)}`,
      publishTime: new Date(sentAt).toISOString(),
    },
  }));
  return jsonReply(200, receivedMessages.length === 0 ? {} : { receivedMessages });
}

function faultReply(code: number, status: string, message: string): WireReply {
  return { ...jsonReply(code, { error: { code, message, status } }), code: status };
}
