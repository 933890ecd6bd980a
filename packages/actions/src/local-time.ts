/** The wall clock of a time zone, by the time zone data of the runtime (ICU). */
import type { Instant } from '@routerd/resources';
import { WEEKDAYS, type LocalTime } from './execution-window.ts';

/** @returns undefined when the runtime does not know the time zone */
export function localTimeIn(timezone: string, at: Instant): LocalTime | undefined {
  let parts: readonly Intl.DateTimeFormatPart[];
  try {
    parts = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    }).formatToParts(at);
  } catch {
    return undefined; // RangeError: no such time zone
  }
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.find((each) => each.type === type)?.value ?? '';
  const weekday = WEEKDAYS.find((day) => day === part('weekday').toLowerCase());
  return weekday === undefined ? undefined : { weekday, minutes: Number(part('hour')) * 60 + Number(part('minute')) };
}
