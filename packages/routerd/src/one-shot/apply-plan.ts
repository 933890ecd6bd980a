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
    const { recorded, left: unrecorded } = ownership.recordBefore(run);
    const residuals = [...unrecorded, ...(await host.apply(recorded))];
    const unlanded = new Set(residuals.map(({ op }) => op));
    const landed = run.filter((op) => !unlanded.has(op));
    const fault = ownership.forgetAfter(landed);
    // It is as it was before, and the state says otherwise: running the same again mends it.
    if (fault !== undefined) residuals.push(...landed.map((op) => ({ op, fault })));
    const byOp = new Map(residuals.map((residual) => [residual.op, residual]));
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
