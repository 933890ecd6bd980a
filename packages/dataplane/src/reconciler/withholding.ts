/** Ops that are needed and not made, because somebody who knows more than the diff says so. */
import type { HostOp, ObservedHost } from '../host-op.ts';

export interface WithheldOp {
  readonly op: HostOp;
  /** What it would do, as a full sentence. */
  readonly reason: string;
}

/**
 * Asked before ops are applied; pure.
 * @param before without routes and proxy neighbours, of which there may be ten thousand
 * @returns what may not be made, and why
 */
export type Withhold = (ops: readonly HostOp[], before: ObservedHost) => readonly WithheldOp[];

export function divide(
  ops: readonly HostOp[],
  withheld: readonly WithheldOp[],
): { readonly made: readonly HostOp[]; readonly withheld: readonly WithheldOp[] } {
  if (withheld.length === 0) return { made: ops, withheld };
  const left = new Set(withheld.map(({ op }) => op));
  return { made: ops.filter((op) => !left.has(op)), withheld };
}
