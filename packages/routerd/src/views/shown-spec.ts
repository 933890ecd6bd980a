/**
 * A resource as it may be shown: what stands under a key that names a secret is covered, since answers end in tickets and logs. A path is no
 * secret. Pure.
 */
import { namesSecret } from '@routerd/resources';

const COVER = '[redacted]';

export function shownSpec(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shownSpec);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]: [string, unknown]) => [
      key,
      typeof member === 'string' && namesSecret(key) && !member.startsWith('/') ? COVER : shownSpec(member),
    ]),
  );
}
