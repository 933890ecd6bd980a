/** What an EventBridge event is about, in a few words for people; nothing is decided by it. Pure. */
import { jsonOf, objectOf, textOf } from '@routerd/plugin-sdk';

export function aboutEvent(body: string): string {
  const event = objectOf(jsonOf(body));
  const detail = objectOf(event['detail']);
  const call = textOf(detail['eventName']);
  if (call !== '') return call;
  const [instance, state] = [textOf(detail['instance-id']), textOf(detail['state'])];
  if (instance !== '' && state !== '') return `${instance} ${state}`;
  return textOf(event['detail-type']) || 'something';
}
