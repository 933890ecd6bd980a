/** A queue of Service Bus that an Event Grid subscription fills (Service Bus runtime REST: peek-lock, delete), as the machine's managed identity. */
import { connectAzure, reading, refusalOf } from '@routerd/plugin-azure';
import { jsonOf, objectOf, type CloudNews, type NewsFeed } from '@routerd/plugin-sdk';
import { aboutEvent } from '../about-event.ts';

const SCOPE = 'https://servicebus.azure.net/.default';
/** How long a read waits; the service lets none wait longer than a minute or so. */
const WAIT_SECONDS = 55;
const REQUEST_LIMIT_MS = 75_000;

/** @param url `https://<namespace>.servicebus.windows.net/<queue>`; what was read shows again after the lock duration of the queue */
export function connectServiceBus(url: string): NewsFeed {
  const { origin, pathname } = new URL(url);
  const client = connectAzure(origin, SCOPE);
  return {
    /** One at a time is what there is. */
    async receive(waits) {
      return reading(`receiving from ${url}`, async () => {
        const queryParameters = { timeout: `${waits ? WAIT_SECONDS : 0}` };
        const response = await client.pathUnchecked(`${pathname}/messages/head`).post({
          queryParameters,
          timeout: REQUEST_LIMIT_MS,
        });
        if (response.status === '204') return [];
        if (response.status !== '201') throw refusalOf(response.status, messageIn(response.body));
        const { DeliveryCount } = objectOf(jsonOf(response.headers['brokerproperties'] ?? ''));
        const news: CloudNews = {
          about: aboutEvent(typeof response.body === 'string' ? jsonOf(response.body) : response.body),
          isRepeated: typeof DeliveryCount === 'number' && DeliveryCount > 1,
          receipt: response.headers['location'] ?? '',
        };
        return [news];
      });
    },
    async remove(receipts) {
      for (const receipt of receipts) {
        const locked = URL.parse(receipt);
        // Only the queue itself gets our token, whatever URL it sends.
        if (locked?.origin !== origin) continue;
        await reading(`deleting from ${url}`, async () => {
          const response = await client.pathUnchecked(locked.pathname).delete({ timeout: REQUEST_LIMIT_MS });
          // 404 and 410: the lock is over, and the message shows again, or somebody removed it.
          if (!['200', '404', '410'].includes(response.status))
            throw refusalOf(response.status, messageIn(response.body));
        });
      }
    },
  };
}

/** `<Error><Code>401</Code><Detail>…</Detail></Error>`. */
function messageIn(body: unknown): string {
  const [, detail] = /<Detail>([^<]*)<\/Detail>/.exec(String(body)) ?? [];
  return detail ?? 'no message';
}
