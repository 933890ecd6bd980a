/** The scalar fields of every kind, each parsed once into its branded type. */
import { z } from 'zod';
import {
  parseHostAddress,
  parseInterfaceAddress,
  parseIpv4,
  parseIpv4Prefix,
  type AddressFault,
  type HostAddress,
  type InterfaceAddress,
  type Ipv4,
  type Ipv4Prefix,
} from './ipv4.ts';
import { parseNodeName, parseSiteName, type NameFault } from './node-name.ts';
import { err, type Result } from './result.ts';
import { parseDuration, parseInstant, type DurationFault, type InstantFault } from './time.ts';

type Fault = AddressFault | NameFault | DurationFault | InstantFault;

/** @param form what the text looks like, for tools that cannot parse it; the parser alone decides */
function parsed<T>(parse: (input: string) => Result<T, Fault>, allowed: string, form: RegExp) {
  return z
    .string()
    .transform((input, context): T => {
      const result = parse(input);
      if (result.ok) return result.value;
      context.addIssue({ code: 'custom', message: describeFault(result.error, allowed) });
      return z.NEVER;
    })
    .meta({ expected: allowed, pattern: form.source });
}

const QUAD = String.raw`((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`;
const LENGTH = String.raw`(3[0-2]|[12]?\d)`;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** By the time zone data of the runtime: what it does not know, it could not evaluate later either. */
function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false; // RangeError: no such time zone
  }
}

export const timeZone = z
  .string()
  .refine(isTimeZone, {
    error: (issue) => `"${String(issue.input)}" is not a time zone; expected an IANA name such as Europe/Berlin or UTC`,
  })
  .meta({ expected: 'an IANA time zone such as Europe/Berlin or UTC' });

/** Text of a certain form. @param expected completes the sentence "expected …" */
export function text(form: RegExp, expected: string) {
  return z.string().regex(form, `expected ${expected}`).meta({ expected });
}

function describeFault(fault: Fault, allowed: string): string {
  switch (fault.code) {
    case 'address.not-host-prefix':
      return `"${fault.input}" is a /${fault.prefixLength} network; expected ${allowed}`;
    case 'address.host-bits-set':
      return `"${fault.input}" has host bits set; write ${fault.canonical}`;
    case 'address.malformed':
    case 'name.malformed':
    case 'duration.malformed':
    case 'instant.malformed':
      return `"${fault.input}" is not ${allowed}`;
  }
}

export const hostAddress = parsed<HostAddress>(
  parseHostAddress,
  'an IPv4 host address such as 10.77.60.10/32',
  new RegExp(`^${QUAD}/32$`),
);
export const ipv4 = parsed<Ipv4>(parseIpv4, 'an IPv4 address such as 10.77.60.10', new RegExp(`^${QUAD}$`));
export const ipv4Prefix = parsed<Ipv4Prefix>(
  parseIpv4Prefix,
  'an IPv4 network such as 10.77.60.0/24',
  new RegExp(`^${QUAD}/${LENGTH}$`),
);
export const interfaceAddress = parsed<InterfaceAddress>(
  parseInterfaceAddress,
  'an IPv4 address with its prefix length, such as 10.255.0.1/32',
  new RegExp(`^${QUAD}/${LENGTH}$`),
);
export const nodeName = parsed(parseNodeName, 'a node name (lower-case letters, digits and "-", at most 63)', LABEL);
export const siteName = parsed(parseSiteName, 'a site name (lower-case letters, digits and "-", at most 63)', LABEL);
const DURATION = 'a duration such as 250ms, 5s or 1h30m';
const DURATION_FORM = /^(\d+(\.\d+)?(ms|s|m|h))+$/;
export const duration = parsed(parseDuration, DURATION, DURATION_FORM);
/** A duration that lasts. */
export const positiveDuration = parsed(
  (input) => {
    const length = parseDuration(input);
    return length.ok && length.value === 0 ? err({ code: 'duration.malformed' as const, input }) : length;
  },
  `${DURATION}, more than 0s`,
  new RegExp(`(?=.*[1-9])${DURATION_FORM.source}`),
);
export const timestamp = parsed(
  parseInstant,
  'a time in UTC such as 2026-01-31T12:00:00.000Z',
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/,
);

export const INTERFACE_NAME_LETTERS =
  '1 to 15 letters, digits, "_", ".", "@", "+" or "-", the first a letter, digit or "_"';
/**
 * The kernel takes nearly every character (dev_valid_name in net/core/dev.c). Of these none is syntax to a program that is given the name: a star
 * is a wildcard to nft, a hash or quote ends a word of `ip -batch`, and a hyphen in front makes an option.
 */
export const interfaceName = text(
  /^[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,14}$/,
  `an interface name of ${INTERFACE_NAME_LETTERS}`,
);
export const mtu = z.number().int().min(576).max(9216);
export const port = z.number().int().min(1).max(65535);
export const absolutePath = text(/^\//, 'an absolute path');
/** Text that says something. */
export const word = text(/\S/, 'text that is not blank');

/** Fields that other designs have here, and what does their work in this one: told to who writes them. */
export function instead(fields: Readonly<Record<string, string>>): {
  readonly instead: Readonly<Record<string, string>>;
} {
  return { instead: fields };
}

/** Text that names one thing: neither blank nor a pattern. */
export function exact(expected: string, form = /^[^\s*?]+$/) {
  return text(form, `${expected} (exact: there are no wildcards)`);
}

/** A reference to a resource: `name` or `Kind/name`, kept as the bare name. Another kind's prefix is refused. */
export function ref(kind: string) {
  const a = /^[AEIOU]/.test(kind) ? 'an' : 'a';
  return z
    .string()
    .min(1)
    .transform((input, context): string => {
      const slash = input.indexOf('/');
      if (slash < 0) return input;
      if (input.slice(0, slash) === kind && slash < input.length - 1) return input.slice(slash + 1);
      context.addIssue({
        code: 'custom',
        message: `"${input}" does not name ${a} ${kind}; write NAME or ${kind}/NAME`,
      });
      return z.NEVER;
    })
    .meta({ expected: `the name of ${a} ${kind}`, reference: kind, pattern: `^(${kind}/.+|[^/]+)$` });
}
