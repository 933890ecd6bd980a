/** The scalar fields of the wire forms, each parsed into its branded type. */
import {
  formatInstant,
  instant,
  parseHostAddress,
  parseNodeName,
  parsePoolName,
  parseSiteName,
  type Instant,
  type Result,
} from '@routerd/resources';
import { z } from 'zod';

function parsed<T>(parse: (input: string) => Result<T, { readonly code: string }>) {
  return z.string().transform((input, context): T => {
    const result = parse(input);
    if (result.ok) return result.value;
    context.addIssue({ code: 'custom', message: `${JSON.stringify(input.slice(0, 80))}: ${result.error.code}` });
    return z.NEVER;
  });
}

export const hostAddress = parsed(parseHostAddress);
export const nodeName = parsed(parseNodeName);
export const poolName = parsed(parsePoolName);
export const siteName = parsed(parseSiteName);

/** A positive integer that JSON carries exactly. */
export const counter = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

/** A token that names an attempt or a message: unique by being random, and safe in a header. */
export const uniqueId = z.string().regex(/^[A-Za-z0-9._:-]{1,128}$/);

/** RFC 3339 in UTC with exactly three decimals; the form that `formatInstant` writes, and no other. */
export const time = z.string().transform((input, context): Instant => {
  const at = instantOf(input);
  if (at !== undefined && formatInstant(at) === input) return at;
  context.addIssue({ code: 'custom', message: `${JSON.stringify(input.slice(0, 40))} is not RFC 3339 UTC with ms` });
  return z.NEVER;
});

/** Days-from-civil (H. Hinnant's algorithm), so that no Date is needed. Out-of-range fields come out as another day. */
function instantOf(text: string): Instant | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{3})Z$/.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0] = match.slice(1).map(Number);
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  const days = era * 146_097 + dayOfEra - 719_468;
  return instant(days * 86_400_000 + hour * 3_600_000 + minute * 60_000 + second * 1000 + ms);
}
