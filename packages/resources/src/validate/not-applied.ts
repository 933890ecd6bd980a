/**
 * Kinds that are checked as all others are, and that this version does nothing with. Each is said so with a warning:
 * nobody may believe that a packet is dropped or an address is shared because a file says so. A kind leaves the table
 * when the daemon applies it.
 */
import type { Problem } from '../diagnostic.ts';
import { isKind, type Kind, type Resource } from '../resource.ts';
import { rule, warningAt, type Rule } from './rule.ts';

/** What follows from it for the operator, completing "does not apply it: …". */
export const NOT_APPLIED: Readonly<Partial<Record<Kind, string>>> = {
  TunnelInterface: 'the tunnel is used if the host has it, and not made',
};

function* notApplied({ kind }: Resource): Iterable<Problem> {
  const consequence = NOT_APPLIED[kind];
  if (consequence === undefined) return;
  yield warningAt(['kind'], {
    code: 'kind.not-applied',
    message: `${kind} is checked, but this version does not apply it: ${consequence}.`,
  });
}

export const notAppliedRules: readonly Rule[] = Object.keys(NOT_APPLIED)
  .filter((kind) => isKind(kind))
  .map((kind) => rule(kind, notApplied));
