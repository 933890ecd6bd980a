/** What an entry of the audit log is about, in a few words for people; nothing is decided by it. Pure. */
import { jsonOf, objectOf, textOf } from '@routerd/plugin-sdk';

export function aboutEntry(text: string): string {
  const payload = objectOf(objectOf(jsonOf(text))['protoPayload']);
  const method = textOf(payload['methodName']).replace(/^(v1|beta)\.compute\./, '');
  const [, instance = ''] = /\/instances\/([^/]+)$/.exec(textOf(payload['resourceName'])) ?? [];
  return [method, instance].filter((word) => word !== '').join(' ') || 'something';
}
