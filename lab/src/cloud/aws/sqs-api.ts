/**
 * `https://sqs.<region>.amazonaws.com`: the JSON protocol, the three calls of a reader, one queue for each router, which nobody else may read.
 * (SQS API reference; AWS JSON 1.0 protocol.)
 */
import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { ControlPlane } from '../control-plane.ts';
import type { RouterQueues } from '../news-desk.ts';
import type { NewsQueue, QueuedMessage } from '../news-queue.ts';
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
import type { CredentialStore } from './credentials.ts';
import { verifySignature } from './signature.ts';

const TARGET = /^AmazonSQS\.(ReceiveMessage|DeleteMessage|DeleteMessageBatch)$/;
/** A queue's own, where a reader says nothing. Seconds. */
const VISIBILITY_SECONDS = 30;

const receiveBody = z.strictObject({
  QueueUrl: z.string(),
  MaxNumberOfMessages: z.number().int().min(1).max(10).default(1),
  VisibilityTimeout: z.number().int().min(0).max(43_200).default(VISIBILITY_SECONDS),
  WaitTimeSeconds: z.number().int().min(0).max(20).default(0),
  MessageSystemAttributeNames: z.array(z.string()).default([]),
});
const deleteBody = z.strictObject({ QueueUrl: z.string(), ReceiptHandle: z.string() });
const batchBody = z.strictObject({
  QueueUrl: z.string(),
  Entries: z
    .array(z.strictObject({ Id: z.string(), ReceiptHandle: z.string() }))
    .min(1)
    .max(10),
});

export function queueUrlOf(
  { region, account }: Pick<ControlPlane['config'], 'region' | 'account'>,
  router: string,
): string {
  return `https://sqs.${region}.amazonaws.com/${account}/${router}-news`;
}

export class SqsApi implements Service {
  readonly name = 'queue';
  readonly #plane: ControlPlane;
  readonly #credentials: CredentialStore;
  readonly #queues: RouterQueues;

  constructor(plane: ControlPlane, credentials: CredentialStore, queues: RouterQueues) {
    this.#plane = plane;
    this.#credentials = credentials;
    this.#queues = queues;
  }

  admit(request: WireRequest): AdmittedCall | RefusedCall {
    const [, operation = ''] = TARGET.exec(headerOf(request, 'x-amz-target') ?? '') ?? [];
    const given = membersOf(jsonOf(request.body));
    const described = { operation, parameters: given, mutating: operation !== 'ReceiveMessage' };
    const refuse = (principal: string, refusal: WireReply): RefusedCall => ({ ...described, principal, refusal });
    const { region } = this.#plane.config;
    const verified = verifySignature(request, {
      region,
      service: 'sqs',
      now: this.#plane.clock.now(),
      find: (accessKeyId) => this.#credentials.find(accessKeyId),
    });
    if (!verified.ok) return refuse('unknown', faultReply(403, 'InvalidSecurity', verified.error.message));
    const { instance } = verified.value;
    if (request.method !== 'POST' || request.path !== '/' || operation === '')
      return refuse(instance, faultReply(400, 'InvalidAction', 'The action or operation requested is invalid.'));
    const router = this.#plane.config.instances.find(
      ({ name }) => queueUrlOf(this.#plane.config, name) === given['QueueUrl'],
    )?.name;
    const queue = router === undefined ? undefined : this.#queues.get(router);
    if (queue === undefined)
      return refuse(instance, faultReply(400, 'QueueDoesNotExist', 'The specified queue does not exist.'));
    const call = { ...described, principal: instance };
    if (router !== instance) return { ...call, refusal: this.denied(call) };
    const parsed = schemaOf(operation).safeParse(given);
    if (!parsed.success)
      return refuse(instance, faultReply(400, 'InvalidParameterValue', z.prettifyError(parsed.error)));
    return { ...call, perform: async () => perform(queue, parsed.data) };
  }

  throttled(): WireReply {
    return faultReply(400, 'RequestThrottled', 'The request was denied due to request throttling.');
  }

  failed(): WireReply {
    return faultReply(500, 'InternalFailure', 'The request processing has failed because of an unknown error.');
  }

  busy(): WireReply {
    return this.throttled();
  }

  denied({ principal, operation }: Pick<AdmittedCall, 'principal' | 'operation'>): WireReply {
    const who = `User: arn:aws:sts::assumed-role/${principal}`;
    const why = `${who} is not authorized to perform: sqs:${operation.toLowerCase()} on resource: the queue`;
    return faultReply(403, 'AccessDeniedException', why);
  }

  unauthenticated(): WireReply {
    return faultReply(403, 'InvalidClientTokenId', 'The security token included in the request is invalid.');
  }
}

function schemaOf(operation: string): typeof receiveBody | typeof deleteBody | typeof batchBody {
  if (operation === 'ReceiveMessage') return receiveBody;
  return operation === 'DeleteMessage' ? deleteBody : batchBody;
}

type Body = z.output<ReturnType<typeof schemaOf>>;

async function perform(queue: NewsQueue, body: Body): Promise<WireReply> {
  if ('Entries' in body) {
    const ended = body.Entries.map(({ Id, ReceiptHandle }) => ({ Id, isRemoved: queue.remove(ReceiptHandle) }));
    const Failed = ended.flatMap(({ Id, isRemoved }) =>
      isRemoved ? [] : [{ Id, Code: 'ReceiptHandleIsInvalid', SenderFault: true }],
    );
    const Successful = ended.flatMap(({ Id, isRemoved }) => (isRemoved ? [{ Id }] : []));
    return sqsReply(200, { Successful, ...(Failed.length === 0 ? {} : { Failed }) });
  }
  if ('ReceiptHandle' in body) {
    return queue.remove(body.ReceiptHandle)
      ? sqsReply(200, {})
      : faultReply(400, 'ReceiptHandleIsInvalid', 'The input receipt handle is invalid.');
  }
  const messages = await queue.receive({
    max: body.MaxNumberOfMessages,
    hiddenForMs: body.VisibilityTimeout * 1000,
    waitMs: body.WaitTimeSeconds * 1000,
  });
  const names = body.MessageSystemAttributeNames;
  return sqsReply(200, messages.length === 0 ? {} : { Messages: messages.map((each) => messageOf(each, names)) });
}

function messageOf({ id, body, sentAt, receipts, receipt }: QueuedMessage, names: readonly string[]): object {
  const known = { ApproximateReceiveCount: `${receipts}`, SentTimestamp: `${sentAt}` };
  const wanted = Object.entries(known).filter(([name]) => names.includes(name) || names.includes('All'));
  return {
    MessageId: id,
    ReceiptHandle: receipt,
    MD5OfBody: createHash('md5').update(body).digest('hex'),
    Body: body,
    ...(wanted.length === 0 ? {} : { Attributes: Object.fromEntries(wanted) }),
  };
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function sqsReply(status: number, body: object): WireReply {
  return jsonReply(status, body, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': randomUUID() });
}

function faultReply(status: number, code: string, message: string): WireReply {
  return { ...sqsReply(status, { __type: `com.amazonaws.sqs#${code}`, message }), code };
}
