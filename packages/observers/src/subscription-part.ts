/** What a subscription's runs leave in dynamic configuration: one part per batch, and one say about each subject. Pure. */
import { digestOf, isDamaged, type OfferedPart, type StoredPart } from '@routerd/config';
import { identityOf, type Instant, type Resource } from '@routerd/resources';
import type { FactEvent } from './fact-event.ts';

const EVENT_ID = 'routerd.net/event-id';
const EVENT_SUBJECT = 'routerd.net/event-subject';

/** `EventSubscription/<name>/<16 hex>`: the same events make the same source, whatever their order. */
export function batchSource(subscription: string, events: readonly FactEvent[]): string {
  const ids = events.map(({ id }) => id).toSorted();
  return `${sourcePrefix(subscription)}${digestOf(ids).slice(0, 16)}`;
}

function sourcePrefix(subscription: string): string {
  return `EventSubscription/${subscription}/`;
}

/**
 * Says on each resource what it comes from. A plugin that says so itself (`routerd.net/event-id`) is believed if the event is in the batch;
 * else the event whose subject is the resource's own address; else all of them.
 */
export function annotated(resources: readonly Resource[], source: string, events: readonly FactEvent[]): Resource[] {
  return resources.map((resource) => {
    const about = eventsOf(resource, events);
    const joined = (of: (event: FactEvent) => string): string => [...new Set(about.map(of))].toSorted().join(',');
    const annotations = {
      ...resource.metadata.annotations,
      'routerd.net/dynamic-source': source,
      'routerd.net/event-group': joined(({ group }) => group),
      [EVENT_ID]: joined(({ id }) => id),
      [EVENT_SUBJECT]: joined(({ subject }) => subject),
    };
    return { ...resource, metadata: { ...resource.metadata, annotations } };
  });
}

function eventsOf(resource: Resource, events: readonly FactEvent[]): readonly FactEvent[] {
  const said = resource.metadata.annotations[EVENT_ID];
  const named = events.filter(({ id }) => id === said);
  if (named.length > 0) return named;
  const address = 'address' in resource.spec ? resource.spec.address : undefined;
  const addressed = events.filter(({ subject }) => subject === address);
  return addressed.length > 0 ? addressed : events;
}

export interface PartChanges {
  readonly withdraw: readonly string[];
  /** Earlier parts without what was said anew, times unchanged; then the new one, if it says anything. */
  readonly put: readonly OfferedPart[];
}

/**
 * A fact is renewed under a new id, and so is the part: what earlier batches said about the same subjects, or under the same identities,
 * gives way, or both would be set aside as duplicates. An event that makes no resource takes back what its subject had.
 */
export function partChanges(
  subscription: string,
  offered: OfferedPart,
  events: readonly FactEvent[],
  stored: readonly StoredPart[],
  now: Instant,
): PartChanges {
  const subjects = new Set(events.map(({ subject }) => subject));
  const identities = new Set(offered.resources.map(identityOf));
  const isSaidAnew = (resource: Resource): boolean =>
    identities.has(identityOf(resource)) ||
    (resource.metadata.annotations[EVENT_SUBJECT] ?? '').split(',').some((subject) => subjects.has(subject));
  const withdraw: string[] = [];
  const put: OfferedPart[] = [];
  for (const part of newestOf(subscription, stored)) {
    if (part.source === offered.source || isDamaged(part) || part.expiresAt <= now) continue;
    const resources = part.resources.filter((resource) => !isSaidAnew(resource));
    const { source, observedAt, expiresAt, directives, actionPlans } = part;
    if (resources.length === part.resources.length) continue;
    if (resources.length === 0) withdraw.push(source);
    else put.push({ source, observedAt, expiresAt, resources, directives, actionPlans });
  }
  const saysSomething = offered.resources.length + offered.directives.length + offered.actionPlans.length > 0;
  return { withdraw, put: saysSomething ? [...put, offered] : put };
}

function newestOf(subscription: string, stored: readonly StoredPart[]): readonly StoredPart[] {
  const newest = new Map<string, StoredPart>();
  for (const part of stored) {
    if (!part.source.startsWith(sourcePrefix(subscription))) continue;
    if (part.generation > (newest.get(part.source)?.generation ?? -1)) newest.set(part.source, part);
  }
  return [...newest.values()];
}
