/** The ledger as the reconciler uses it: read once, written before and after each apply. */
import type { HostOp } from '../host-op.ts';
import { forgottenBy, ownershipOf, recordsOf } from '../ownership.ts';
import type { HostFault, OwnedObject, OwnershipLedger, Residual } from '../ports.ts';

export class OwnershipMirror {
  readonly #ledger: OwnershipLedger;
  readonly #owned: Map<string, OwnedObject>;
  /** Forgotten here, and not yet in the ledger. */
  readonly #toForget = new Set<string>();

  constructor(ledger: OwnershipLedger) {
    this.#ledger = ledger;
    this.#owned = new Map(ownershipOf(ledger.entries()));
  }

  entries(): readonly OwnedObject[] {
    return [...this.#owned.values()];
  }

  /**
   * One write however many ops; the first value seen of a setting is the one that is kept.
   * @returns the ops that may be made, and those that may not: what could not be recorded could never be put back
   */
  recordBefore(ops: readonly HostOp[]): { readonly recorded: readonly HostOp[]; readonly left: readonly Residual[] } {
    const fresh = ops.flatMap(recordsOf).filter(({ key }) => !this.#owned.has(key));
    if (fresh.length === 0) return { recorded: ops, left: [] };
    const fault = this.#forgetLeftovers() ?? attempt(() => this.#ledger.record(fresh));
    if (fault !== undefined) return this.#withoutRecords(ops, fault);
    for (const entry of fresh) this.#owned.set(entry.key, entry);
    return { recorded: ops, left: [] };
  }

  /**
   * What was removed and then made again in the same apply stays recorded.
   * @returns why the ledger still has it; it is taken out of it before the next change is recorded
   */
  forgetAfter(landed: readonly HostOp[]): HostFault | undefined {
    const gone = new Set<string>();
    for (const op of landed) {
      const forgotten = forgottenBy(op, this.#owned);
      for (const key of forgotten) gone.add(key);
      if (gone.size > 0) for (const { key } of recordsOf(op)) gone.delete(key);
    }
    for (const key of gone) if (this.#owned.delete(key)) this.#toForget.add(key);
    return this.#forgetLeftovers();
  }

  #forgetLeftovers(): HostFault | undefined {
    if (this.#toForget.size === 0) return undefined;
    const fault = attempt(() => this.#ledger.forget([...this.#toForget]));
    if (fault === undefined) this.#toForget.clear();
    return fault;
  }

  #withoutRecords(ops: readonly HostOp[], fault: HostFault): ReturnType<OwnershipMirror['recordBefore']> {
    const isRecorded = (op: HostOp): boolean => recordsOf(op).every(({ key }) => this.#owned.has(key));
    const left = ops.filter((op) => !isRecorded(op)).map((op) => ({ op, fault }));
    return { recorded: ops.filter(isRecorded), left };
  }
}

/** A full disk must not end what keeps the host: the ledger throws, and here that becomes a fault like those of the kernel. */
function attempt(write: () => void): HostFault | undefined {
  try {
    write();
    return undefined;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return { code: 'host.failed', detail: `what was there before cannot be recorded: ${why}`, retry: 'later' };
  }
}
