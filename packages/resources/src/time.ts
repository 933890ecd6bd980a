import type { Brand } from './brand.ts';
import { err, ok, type Result } from './result.ts';

/** Wall-clock time, milliseconds since 1970-01-01T00:00:00Z. Never used to compute elapsed time. */
export type Instant = Brand<number, 'Instant'>;
/** A point of this process's monotonic clock, milliseconds (fractions allowed). Meaningless to any other process. */
export type Monotonic = Brand<number, 'Monotonic'>;
/** A length of time in milliseconds, never negative. */
export type DurationMs = Brand<number, 'DurationMs'>;

export interface DurationFault {
  readonly code: 'duration.malformed';
  readonly input: string;
}

export interface InstantFault {
  readonly code: 'instant.malformed';
  readonly input: string;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Parses a Go-style duration: `250ms`, `5s`, `1h30m`. Units: ms, s, m, h. */
export function parseDuration(input: string): Result<DurationMs, DurationFault> {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(input)) return err({ code: 'duration.malformed', input });
  let total = 0;
  for (const [, count, , unit] of input.matchAll(/(\d+(\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(count) * (UNIT_MS[unit ?? ''] ?? 0);
  }
  return ok(total as DurationMs);
}

/** Renders a duration as {@link parseDuration} reads it, largest unit first: `1h30m`, `250ms`, `0s`. */
export function formatDuration(duration: DurationMs): string {
  let rest = Math.round(duration);
  if (rest === 0) return '0s';
  let text = '';
  for (const unit of ['h', 'm', 's', 'ms']) {
    const size = UNIT_MS[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}

export function durationMs(milliseconds: number): DurationMs {
  if (!(milliseconds >= 0)) throw new Error(`a duration is never negative: ${milliseconds}`);
  return milliseconds as DurationMs;
}

export function instant(millisecondsSinceEpoch: number): Instant {
  return millisecondsSinceEpoch as Instant;
}

const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** Parses RFC 3339 in UTC (`Z`), with at most milliseconds: the reverse of {@link formatInstant}. No leap seconds. */
export function parseInstant(input: string): Result<Instant, InstantFault> {
  const parts = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,3}))?Z$/.exec(input);
  const malformed = err({ code: 'instant.malformed' as const, input });
  if (parts === null) return malformed;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(Number);
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 && !isLeap ? 28 : (DAYS_IN_MONTH[month - 1] ?? 0);
  if (day < 1 || day > days || hour > 23 || minute > 59 || second > 59) return malformed;
  // Days-from-civil (H. Hinnant's algorithm): years begin in March.
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yoe = y - era * 400;
  const doy = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const doe = yoe * 365 + Math.floor(yoe / 4) - Math.floor(yoe / 100) + doy;
  const seconds = (((era * 146_097 + doe - 719_468) * 24 + hour) * 60 + minute) * 60 + second;
  return ok((seconds * 1000 + Number((parts[7] ?? '').padEnd(3, '0'))) as Instant);
}

/** RFC 3339 in UTC with milliseconds, as CloudEvents and statuses carry it. */
export function formatInstant(at: Instant): string {
  const days = Math.floor(at / 86_400_000);
  const ms = at - days * 86_400_000;
  // Civil-from-days (H. Hinnant's algorithm), so that the pure packages need no Date.
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const doe = z - era * 146_097;
  const yoe = Math.floor((doe - Math.floor(doe / 1460) + Math.floor(doe / 36_524) - Math.floor(doe / 146_096)) / 365);
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const mp = Math.floor((5 * doy + 2) / 153);
  const day = doy - Math.floor((153 * mp + 2) / 5) + 1;
  const month = mp < 10 ? mp + 3 : mp - 9;
  const year = yoe + era * 400 + (month <= 2 ? 1 : 0);
  const two = (n: number): string => String(n).padStart(2, '0');
  const clock = `${two(Math.floor(ms / 3_600_000))}:${two(Math.floor(ms / 60_000) % 60)}:${two(Math.floor(ms / 1000) % 60)}`;
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${clock}.${String(Math.floor(ms) % 1000).padStart(3, '0')}Z`;
}
