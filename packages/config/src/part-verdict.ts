/** Why a part, or one of its generations, is not in effect. */
import type { Instant, Problem, Resource } from '@routerd/resources';

export const REJECTION_CODES = [
  'part.damaged',
  'part.superseded',
  'part.duplicate-identity',
  'part.fixed-at-start',
  'part.invalid',
  'part.mask-forbidden',
  'part.mask-unknown-target',
  'part.conflict',
] as const;

export interface Rejection {
  readonly code: (typeof REJECTION_CODES)[number];
  /** `Kind/name` of the resource that decided; undefined when the part as a whole did. */
  readonly resource: string | undefined;
  /** A full sentence. */
  readonly reason: string;
}

export type PartVerdict = { readonly source: string; readonly generation: number } & (
  | { readonly status: 'Active'; readonly expiresAt: Instant }
  | { readonly status: 'Expired'; readonly expiredAt: Instant }
  | ({ readonly status: 'Superseded' | 'Rejected' } & Rejection)
);

export function nameOf({ kind, metadata }: Resource): string {
  return `${kind}/${metadata.name}`;
}

export function duplicate(resource: Resource, what: string): Rejection {
  const name = nameOf(resource);
  return { code: 'part.duplicate-identity', resource: name, reason: `${name} ${what}.` };
}

export function superseded(by: number): Rejection {
  return {
    code: 'part.superseded',
    resource: undefined,
    reason: `Generation ${by} of the same source replaces the part.`,
  };
}

export function invalid(resource: Resource, { message }: Pick<Problem, 'message'>): Rejection {
  const name = nameOf(resource);
  return { code: 'part.invalid', resource: name, reason: `${name}: ${message}` };
}
