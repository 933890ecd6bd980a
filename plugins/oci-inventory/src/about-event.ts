/** What an event of OCI is about, in a few words for people; nothing is decided by it. Pure. */
import { jsonOf, objectOf, textOf } from '@routerd/plugin-sdk';

export function aboutEvent(text: string): string {
  const event = objectOf(jsonOf(text));
  const type = textOf(event['eventType']).replace(/^com\.oraclecloud\.[^.]+\./, '');
  const name = textOf(objectOf(event['data'])['resourceName']);
  return [type, name].filter((word) => word !== '').join(' ') || 'something';
}
