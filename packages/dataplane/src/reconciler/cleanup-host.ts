/** Takes everything of ours off a host, from what the host shows and the ledger holds. */
import { err, ok, type Result } from '@routerd/resources';
import { diffHost } from '../diff/diff-host.ts';
import { EMPTY_HOST_STATE } from '../host-state.ts';
import type { Host, HostFault, OwnershipLedger, Residual } from '../ports.ts';
import { OwnershipMirror } from './ownership-mirror.ts';

/**
 * Works without a reconciler and without knowing what was desired. Without the ledger the marks in the kernel still find routes, proxy
 * neighbours and the clamp table; settings, addresses and devices then stay.
 * @returns what could not be removed; running it again tries again
 */
export async function cleanupHost(ports: {
  readonly host: Host;
  readonly ledger: OwnershipLedger;
}): Promise<Result<readonly Residual[], HostFault>> {
  const ownership = new OwnershipMirror(ports.ledger);
  const reading = await ports.host.observe();
  if (!reading.ok) return err(reading.error);
  const ops = diffHost(EMPTY_HOST_STATE, reading.value, ownership.entries());
  if (ops.length === 0) return ok([]);
  const residuals = await ports.host.apply(ops);
  const left = new Set(residuals.map(({ op }) => op));
  const landed = ops.filter((op) => !left.has(op));
  const fault = ownership.forgetAfter(landed);
  return ok(fault === undefined ? residuals : [...residuals, ...landed.map((op) => ({ op, fault }))]);
}
