/** Ranges that no overlay, tunnel or mobile prefix may use. */
import type { FieldPath, Problem } from '../../diagnostic.ts';
import { parseIpv4Prefix, prefixesOverlap, prefixContains, type Ipv4, type Ipv4Prefix } from '../../ipv4.ts';
import { errorAt } from '../rule.ts';

interface Reserved {
  readonly prefix: Ipv4Prefix;
  readonly why: string;
}

function reserved(entries: readonly (readonly [prefix: string, why: string])[]): readonly Reserved[] {
  return entries.flatMap(([text, why]) => {
    const prefix = parseIpv4Prefix(text);
    return prefix.ok ? [{ prefix: prefix.value, why }] : [];
  });
}

/** RFC 3927: clouds answer their metadata service there. RFC 6598: carriers and some overlays number their own with it. */
const NOT_FOR_OVERLAYS = reserved([
  ['169.254.0.0/16', 'link-local, where clouds answer their metadata service'],
  ['100.64.0.0/10', 'shared address space, which providers and other overlays use themselves'],
]);

const NOT_MOBILE = reserved([
  ['0.0.0.0/8', '"this network"'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['224.0.0.0/3', 'multicast or reserved'],
]);

export function* reservedOverlayAddress(address: Ipv4 | undefined, path: FieldPath): Iterable<Problem> {
  const range = NOT_FOR_OVERLAYS.find(({ prefix }) => address !== undefined && prefixContains(prefix, address));
  if (range === undefined) return;
  yield errorAt(path, {
    code: 'overlay.reserved-range',
    message: `${address} is in ${range.prefix} (${range.why}); expected another address, such as one of RFC 1918.`,
  });
}

/** A mobile prefix is never a default route, and never a range whose packets hosts do not route. */
export function* unusablePrefix(prefix: Ipv4Prefix, path: FieldPath): Iterable<Problem> {
  if (prefix === '0.0.0.0/0') {
    yield errorAt(path, {
      code: 'prefix.default-route',
      message: 'Default routes are not allowed; expected one subnet.',
    });
    return;
  }
  const range = NOT_MOBILE.find((entry) => prefixesOverlap(entry.prefix, prefix));
  if (range === undefined) return;
  yield errorAt(path, {
    code: 'prefix.reserved-range',
    message: `${prefix} overlaps ${range.prefix} (${range.why}), whose addresses cannot be mobile.`,
  });
}
