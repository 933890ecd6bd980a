/** A subscription of Pub/Sub that a sink of the audit log fills, as plain JSON under the vendor's authentication library. */
import { GoogleHttp, reading, successOf, type GoogleReply } from '@routerd/plugin-gcp';
import { listOf, objectOf, textOf, type CloudNews, type JsonObject, type NewsFeed } from '@routerd/plugin-sdk';
import { aboutEntry } from '../about-entry.ts';

const ROOT = 'https://pubsub.googleapis.com/v1';
/** A pull is answered after a minute and a half at the latest, with nothing. */
const WAIT_LIMIT_MS = 120_000;
const BATCH_MAX = 100;
/**
 * A message that is not acknowledged comes again after the subscription's ack deadline, which is ten seconds at least; what is older than this
 * did. Pub/Sub counts deliveries for subscriptions with a dead letter topic alone.
 */
const REPEATED_AFTER_MS = 9000;

/** @param subscription `projects/…/subscriptions/…` */
export function connectPubsub(subscription: string): NewsFeed {
  const http = new GoogleHttp();
  const call = async (verb: string, body: JsonObject): Promise<GoogleReply> => {
    const send = async (): Promise<GoogleReply> =>
      http.send({ method: 'POST', url: `${ROOT}/${subscription}:${verb}`, body, limitMs: WAIT_LIMIT_MS });
    const reply = await send();
    if (reply.status !== 401) return reply;
    http.forgetToken();
    return send();
  };
  return {
    async receive(waits) {
      // A pull that does not wait may find nothing though something is there: good enough for what comes along with other news.
      const body = { maxMessages: BATCH_MAX, ...(waits ? {} : { returnImmediately: true }) };
      return reading(`pulling from ${subscription}`, async () => {
        const reply = await call('pull', body);
        return newsIn(successOf(reply), reply.sentAt);
      });
    },
    async remove(receipts) {
      await reading(`acknowledging to ${subscription}`, async () =>
        successOf(await call('acknowledge', { ackIds: receipts })),
      );
    },
  };
}

/** @param now by the clock of Pub/Sub, which is that of the messages; this machine's may be wrong */
function newsIn(body: unknown, now: number | undefined): readonly CloudNews[] {
  return listOf(objectOf(body)['receivedMessages']).map((each) => {
    const { ackId, message, deliveryAttempt } = objectOf(each);
    const { data, publishTime } = objectOf(message);
    const age = now === undefined ? Number.POSITIVE_INFINITY : now - Date.parse(textOf(publishTime));
    return {
      about: aboutEntry(Buffer.from(textOf(data), 'base64').toString('utf8')),
      isRepeated: typeof deliveryAttempt === 'number' ? deliveryAttempt > 1 : !(age < REPEATED_AFTER_MS),
      receipt: textOf(ackId),
    };
  });
}
