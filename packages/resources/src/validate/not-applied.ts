/**
 * Kinds that are checked as all others are, and that this version does nothing with. Each is said so with a warning:
 * nobody may believe that a packet is dropped or an address is shared because a file says so. A kind leaves the table
 * when the daemon applies it.
 */
import type { Problem } from '../diagnostic.ts';
import type { Kind, Resource } from '../resource.ts';
import { rule, warningAt, type Rule } from './rule.ts';

/** What follows from it for the operator, completing "does not apply it: …". */
export const NOT_APPLIED = {
  HealthCheck: 'nothing is checked',
  TunnelInterface: 'the tunnel is used if the host has it, and not made',
  VirtualAddress: 'the address is not configured, and captures that follow its role stay closed',
} as const satisfies Partial<Record<Kind, string>>;

function isNotApplied(kind: Kind): kind is keyof typeof NOT_APPLIED {
  return Object.hasOwn(NOT_APPLIED, kind);
}

function* notApplied({ kind }: Resource): Iterable<Problem> {
  if (!isNotApplied(kind)) return;
  yield warningAt(['kind'], {
    code: 'kind.not-applied',
    message: `${kind} is checked, but this version does not apply it: ${NOT_APPLIED[kind]}.`,
  });
}

const KINDS_NOT_APPLIED = Object.keys(NOT_APPLIED) as readonly (keyof typeof NOT_APPLIED)[];

export const notAppliedRules: readonly Rule[] = KINDS_NOT_APPLIED.map((kind) => rule(kind, notApplied));
