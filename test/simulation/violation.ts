/** What must never be, or must be in the end, and was found otherwise. */
export const INVARIANTS = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'vrrp', 'live'] as const;
/** I1 to I8 as in docs/concepts; `vrrp`: whoever is not master answers for nothing; `live`: a process does not wait for anything and does not end. */
export type Invariant = (typeof INVARIANTS)[number];

export interface Violation {
  readonly invariant: Invariant;
  /** Milliseconds of the simulation. */
  readonly at: number;
  readonly what: string;
}

export function renderViolation({ invariant, at, what }: Violation): string {
  return `${invariant} at ${(at / 1000).toFixed(3)} s: ${what}`;
}
