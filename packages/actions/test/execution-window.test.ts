import fc from 'fast-check';
import { instant } from '@routerd/resources';
import { expect, test } from 'vitest';
import {
  isInsideWindow,
  minutesUntilOpen,
  WEEKDAYS,
  type ExecutionWindow,
  type LocalTime,
} from '../src/execution-window.ts';
import { localTimeIn } from '../src/local-time.ts';

const window = (start: string, end: string, ...days: ExecutionWindow['days']): ExecutionWindow => ({
  days,
  start,
  end,
  timezone: 'UTC',
});
const time = (weekday: LocalTime['weekday'], clock: string): LocalTime => ({
  weekday,
  minutes: Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3)),
});

test.each([
  ['the first minute', window('08:00', '17:00', 'mon'), time('mon', '08:00'), true],
  ['the minute before', window('08:00', '17:00', 'mon'), time('mon', '07:59'), false],
  ['the end itself', window('08:00', '17:00', 'mon'), time('mon', '17:00'), false],
  ['another day', window('08:00', '17:00', 'mon'), time('tue', '12:00'), false],
  ['the evening of a window over midnight', window('22:00', '04:00', 'mon'), time('mon', '23:00'), true],
  ['the morning after', window('22:00', '04:00', 'mon'), time('tue', '03:59'), true],
  ['the end of the morning after', window('22:00', '04:00', 'mon'), time('tue', '04:00'), false],
  ['the morning of its own day', window('22:00', '04:00', 'mon'), time('mon', '03:00'), false],
  ['Sunday night into Monday', window('22:00', '04:00', 'sun'), time('mon', '01:00'), true],
  ['a whole day', window('00:00', '00:00', 'sat'), time('sat', '13:00'), true],
  ['outside a whole day', window('00:00', '00:00', 'sat'), time('sun', '00:00'), false],
])('%s', (_, when, now, isInside) => {
  expect(isInsideWindow(when, now)).toBe(isInside);
});

test.each([
  ['later today', window('22:00', '04:00', 'mon'), time('mon', '21:30'), 30],
  ['tomorrow', window('08:00', '09:00', 'tue'), time('mon', '09:00'), 23 * 60],
  ['in a week', window('08:00', '09:00', 'mon'), time('mon', '09:00'), 7 * 1440 - 60],
  ['at midnight, a whole day', window('12:00', '12:00', 'tue'), time('mon', '23:00'), 60],
  ['now', window('08:00', '09:00', 'mon'), time('mon', '08:30'), 0],
])('the window opens %s', (_, when, now, minutes) => {
  expect(minutesUntilOpen(when, now)).toBe(minutes);
});

test('it opens exactly when it says, and not before', () => {
  const clock = fc.integer({ min: 0, max: 1439 }).map((minutes) => {
    const two = (part: number): string => String(part).padStart(2, '0');
    return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  });
  const days = fc.subarray([...WEEKDAYS], { minLength: 1 });
  fc.assert(
    fc.property(clock, clock, days, fc.integer({ min: 0, max: 7 * 1440 - 1 }), (start, end, on, at) => {
      const when = window(start, end, ...on);
      const timeAt = (minute: number): LocalTime => ({
        weekday: WEEKDAYS[Math.floor(minute / 1440) % 7] ?? 'mon',
        minutes: minute % 1440,
      });
      const wait = minutesUntilOpen(when, timeAt(at));
      expect(isInsideWindow(when, timeAt(at + wait))).toBe(true);
      expect(wait > 0 && isInsideWindow(when, timeAt(at + wait - 1))).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test('local time follows the zone and its daylight saving', () => {
  const winter = instant(1_768_435_200_000); // 2026-01-15T00:00:00Z, a Thursday
  const summer = instant(1_784_073_600_000); // 2026-07-15T00:00:00Z, a Wednesday
  expect(localTimeIn('UTC', winter)).toEqual({ weekday: 'thu', minutes: 0 });
  expect(localTimeIn('Europe/Berlin', winter)).toEqual({ weekday: 'thu', minutes: 60 });
  expect(localTimeIn('Europe/Berlin', summer)).toEqual({ weekday: 'wed', minutes: 120 });
  expect(localTimeIn('America/New_York', winter)).toEqual({ weekday: 'wed', minutes: 19 * 60 });
  expect(localTimeIn('Europe/Atlantis', winter)).toBeUndefined();
});
