/** A queue of SQS that an EventBridge rule fills, through the vendor's SDK. Identity: the SDK's default chain, which on an instance is its profile. */
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { reading } from '@routerd/plugin-aws';
import type { CloudNews, NewsFeed } from '@routerd/plugin-sdk';
import { aboutEvent } from '../about-event.ts';

export interface QueueOptions {
  readonly url: string;
  readonly region: string;
}

/** The longest that SQS lets a reader wait. */
const WAIT_SECONDS = 20;
/** What was received shows again after that: by then the listings of EC2 have what they were told of. */
const HIDDEN_SECONDS = 15;
/** Of one request; longer than it waits. */
const REQUEST_LIMIT_MS = 30_000;
const CONNECT_LIMIT_MS = 3000;
const BATCH_MAX = 10;

export function connectSqs({ url: QueueUrl, region }: QueueOptions): NewsFeed {
  const requestHandler = {
    connectionTimeout: CONNECT_LIMIT_MS,
    requestTimeout: REQUEST_LIMIT_MS,
    throwOnRequestTimeout: true,
  };
  const client = new SQSClient({ region, requestHandler, maxAttempts: 3 });
  return {
    async receive(waits) {
      const command = new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: BATCH_MAX,
        WaitTimeSeconds: waits ? WAIT_SECONDS : 0,
        VisibilityTimeout: HIDDEN_SECONDS,
        MessageSystemAttributeNames: ['ApproximateReceiveCount'],
      });
      const { Messages = [] } = await reading(`receiving from ${QueueUrl}`, async () => client.send(command));
      return Messages.flatMap(({ Body = '', ReceiptHandle, Attributes }): readonly CloudNews[] => {
        if (ReceiptHandle === undefined) return [];
        const isRepeated = Number(Attributes?.ApproximateReceiveCount ?? '1') > 1;
        return [{ about: aboutEvent(Body), isRepeated, receipt: ReceiptHandle }];
      });
    },
    async remove(receipts) {
      for (let start = 0; start < receipts.length; start += BATCH_MAX) {
        const batch = receipts.slice(start, start + BATCH_MAX);
        const Entries = batch.map((ReceiptHandle, index) => ({ Id: `${index}`, ReceiptHandle }));
        const command = new DeleteMessageBatchCommand({ QueueUrl, Entries });
        await reading(`deleting from ${QueueUrl}`, async () => client.send(command));
      }
    },
  };
}
