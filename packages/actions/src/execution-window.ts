/** When a policy lets actions run. Pure: the shell says what the local time is (`local-time.ts`). */
import type { ResourceOf } from '@routerd/resources';

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** A moment on the wall clock of one time zone. */
export interface LocalTime {
  readonly weekday: Weekday;
  /** Minutes since local midnight, 0 to 1439. */
  readonly minutes: number;
}

/** `start` equal to `end` is the whole day; `end` before `start` runs over midnight and belongs to the day on which it starts. */
export type ExecutionWindow = NonNullable<ResourceOf<'ProviderActionPolicy'>['spec']['executionWindow']>;

const MINUTES_PER_DAY = 1440;

export function isInsideWindow(window: ExecutionWindow, time: LocalTime): boolean {
  const start = minutesOf(window.start);
  const end = minutesOf(window.end);
  const opensOn = (weekday: Weekday): boolean => window.days.includes(weekday);
  if (start === end) return opensOn(time.weekday);
  if (start < end) return opensOn(time.weekday) && time.minutes >= start && time.minutes < end;
  if (time.minutes >= start) return opensOn(time.weekday);
  return time.minutes < end && opensOn(dayBefore(time.weekday));
}

/**
 * Minutes of local wall-clock time until the window opens next; 0 when it is open.
 * A change to or from daylight saving time in between makes it wrong by that hour: look again when it has passed.
 */
export function minutesUntilOpen(window: ExecutionWindow, time: LocalTime): number {
  if (isInsideWindow(window, time)) return 0;
  const start = minutesOf(window.start);
  // Where the window is the whole day it opens at midnight.
  const opensAt = start === minutesOf(window.end) ? 0 : start;
  const today = WEEKDAYS.indexOf(time.weekday);
  const waits = window.days.map((day) => {
    const days = (WEEKDAYS.indexOf(day) - today + 7) % 7;
    const wait = days * MINUTES_PER_DAY + opensAt - time.minutes;
    return wait > 0 ? wait : wait + 7 * MINUTES_PER_DAY;
  });
  return Math.min(...waits);
}

export function describeWindow(window: ExecutionWindow): string {
  return `${window.days.join(',')} ${window.start}-${window.end} ${window.timezone}`;
}

function minutesOf(clock: string): number {
  return Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));
}

function dayBefore(weekday: Weekday): Weekday {
  return WEEKDAYS[(WEEKDAYS.indexOf(weekday) + 6) % 7] ?? weekday;
}
