/** What makes a plugin run by itself: its intervals and the facts it wants to hear of. Values only; pure. */
import type { DurationMs, Monotonic, ResourceOf } from '@routerd/resources';
import { BATCH_EVENTS_MAX } from './batch.ts';
import type { FactEvent } from './fact-event.ts';

type Trigger = ResourceOf<'Plugin'>['spec']['triggers'][number];

export interface TriggerState {
  /** The shortest of the intervals: a run counts for all of them. */
  readonly every: DurationMs | undefined;
  readonly topics: ReadonlySet<string>;
  /** When the interval asks for the next run. */
  readonly nextAt: Monotonic | undefined;
  /** Facts since the last start, oldest first, the latest {@link BATCH_EVENTS_MAX} of them. */
  readonly news: readonly FactEvent[];
  readonly newsAt: Monotonic | undefined;
  /** Of the last run for any of this. */
  readonly startedAt: Monotonic | undefined;
}

/** From start to start of runs for news: a stream of facts must not keep the machine busy. Milliseconds. */
const NEWS_SPACING_MS = 1000;

/** Why a run starts, as plugins are told. */
export const TRIGGER_TYPES = ['interval', 'event', 'follow', 'manual', 'federation-subscription'] as const;
export type TriggerType = (typeof TRIGGER_TYPES)[number];
export interface RunTrigger {
  readonly type: TriggerType;
  /** Type of a fact, or `routerd.federation.subscription/<name>`; empty for the others. */
  readonly topic: string;
}

/**
 * @param triggers of the plugin and of every source that names it
 * @param sinceLastMs from the start of the last run, which may have been before a restart; undefined if there was none
 */
export function initialTriggers(
  triggers: readonly Trigger[],
  now: Monotonic,
  sinceLastMs: number | undefined,
): TriggerState {
  const intervals = triggers.flatMap((trigger) => (trigger.type === 'interval' ? [trigger.every] : []));
  const every = intervals.length === 0 ? undefined : (Math.min(...intervals) as DurationMs);
  const topics = triggers.flatMap((trigger) => (trigger.type === 'event' ? [trigger.topic] : []));
  // A wall clock that was set back in between would make the wait longer than the interval.
  const rest = every === undefined || sinceLastMs === undefined ? 0 : every - Math.max(0, sinceLastMs);
  return {
    every,
    topics: new Set(topics),
    nextAt: every === undefined ? undefined : ((now + Math.max(0, rest)) as Monotonic),
    news: [],
    newsAt: undefined,
    startedAt: undefined,
  };
}

/** The same state if none of the events is about a topic. */
export function withNews(state: TriggerState, events: readonly FactEvent[], now: Monotonic): TriggerState {
  const wanted = events.filter(({ type }) => state.topics.has(type));
  if (wanted.length === 0) return state;
  return { ...state, news: [...state.news, ...wanted].slice(-BATCH_EVENTS_MAX), newsAt: state.newsAt ?? now };
}

/** When the plugin has to run next: for news at once, unless it ran a moment ago; at the interval otherwise. */
export function triggersDueAt({ nextAt, newsAt, startedAt }: TriggerState): Monotonic | undefined {
  if (newsAt === undefined) return nextAt;
  const spaced = startedAt === undefined ? newsAt : Math.max(newsAt, startedAt + NEWS_SPACING_MS);
  return Math.min(spaced, nextAt ?? spaced) as Monotonic;
}

/** All was looked at just now, though nothing here had asked for it: the interval counts from here. */
export function lookedAt(state: TriggerState, now: Monotonic): TriggerState {
  return state.every === undefined ? state : { ...state, nextAt: (now + state.every) as Monotonic };
}

/** A run starts now, whatever for: it takes the news along, and the interval counts from here. Missed intervals are not made up for. */
export function runStarted(
  state: TriggerState,
  now: Monotonic,
): { readonly state: TriggerState; readonly trigger: RunTrigger; readonly events: readonly FactEvent[] } {
  const topic = state.news.at(-1)?.type;
  return {
    state: {
      ...state,
      nextAt: state.every === undefined ? undefined : ((now + state.every) as Monotonic),
      news: [],
      newsAt: undefined,
      startedAt: now,
    },
    trigger: topic === undefined ? { type: 'interval', topic: '' } : { type: 'event', topic },
    events: state.news,
  };
}
