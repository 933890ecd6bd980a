/** Performs exactly the ops of a plan, in their order, and tells of each. */
import { OwnershipMirror, type Host, type HostOp, type OwnershipLedger, type Residual } from '@routerd/dataplane';

export interface OpOutcome {
  readonly op: HostOp;
  /** Undefined when it landed. */
  readonly residual: Residual | undefined;
}

/**
 * Ops of one kind that follow each other go to the host together; each is recorded before. One that fails keeps the
 * others from nothing, as in the daemon, which would try it again.
 * @param onOutcome told in the order of the ops, as soon as it is known
 * @returns what did not land
 */
export async function applyPlan(
  ops: readonly HostOp[],
  { host, ledger }: { readonly host: Host; readonly ledger: OwnershipLedger },
  onOutcome: (outcome: OpOutcome) => void,
): Promise<readonly Residual[]> {
  const ownership = new OwnershipMirror(ledger);
  const left: Residual[] = [];
  for (const run of runsOf(ops)) {
    ownership.recordBefore(run);
    const residuals = await host.apply(run);
    const byOp = new Map(residuals.map((residual) => [residual.op, residual]));
    ownership.forgetAfter(run.filter((op) => !byOp.has(op)));
    for (const op of run) onOutcome({ op, residual: byOp.get(op) });
    left.push(...residuals);
  }
  return left;
}

function runsOf(ops: readonly HostOp[]): readonly (readonly HostOp[])[] {
  const runs: HostOp[][] = [];
  for (const op of ops) {
    const run = runs.at(-1);
    if (run?.[0]?.verb === op.verb) run.push(op);
    else runs.push([op]);
  }
  return runs;
}
