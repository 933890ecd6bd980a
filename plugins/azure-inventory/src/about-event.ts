/** What an event of Event Grid is about, in a few words for people; nothing is decided by it. Pure. */
import { objectOf, textOf } from '@routerd/plugin-sdk';

/** @param event in the Event Grid schema, or in that of CloudEvents */
export function aboutEvent(event: unknown): string {
  const { eventType, type, subject, data } = objectOf(event);
  const operation = textOf(objectOf(data)['operationName']) || textOf(eventType) || textOf(type);
  const resource = textOf(subject).split('/').at(-1) ?? '';
  return [operation, resource].filter((word) => word !== '').join(' ') || 'something';
}
