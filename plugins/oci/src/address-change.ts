/**
 * One address, brought to where it should be: find its object, decide, write under its etag, and look again when the race was lost.
 *
 * 1. The write carries the epoch: a stale node cannot move the address back, even by accident.
 * 2. A 404 proves nothing (absent or forbidden); a listing that succeeds does.
 * 3. After a lost answer the object itself is read until it shows what came of it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  bareAddress,
  failed,
  readUntil,
  skipped,
  succeeded,
  type AddressResult,
  type CallContext,
  type RequestedAddress,
} from '@routerd/plugin-sdk';
import { changing, reading } from './calls.ts';
import { classOf, executorError, isWorthALook, type OciFault } from './classify.ts';
import type { AddressStep } from './plan-address.ts';
import type { PrivateIp, VirtualNetwork, Vnic } from './virtual-network.ts';

const ROUNDS_MAX = 3;
const ROUND_PAUSE_MS = 200;
const READ_BACK = { deadlineMs: 10_000, everyMs: 100 } as const;
/** The same after a lost answer. Shorter: more often than not nothing was done, and the caller looks again before it tries again. */
const READ_BACK_LOST = { deadlineMs: 3000, everyMs: 100 } as const;

export interface AddressChange {
  readonly network: VirtualNetwork;
  readonly context: CallContext;
  readonly vnic: Vnic;
  readonly request: RequestedAddress;
  /** Pure; asked again after every look. */
  readonly plan: (found: PrivateIp | undefined) => AddressStep;
}

export async function changeAddress(change: AddressChange): Promise<AddressResult> {
  const { network, vnic, request } = change;
  const { address } = request;
  const bare = bareAddress(address);
  const find = async (): Promise<PrivateIp | undefined> =>
    reading(`looking up ${bare}`, async () => network.findByAddress(vnic.subnetId, bare));
  let retryToken = tenureToken(change);
  for (let round = 1; ; round += 1) {
    const listed = await find();
    const current = await currentOf(change, listed);
    if (current.kind === 'gone') {
      if (round === ROUNDS_MAX) return failed(address, 'conflict', `${bare} changes while it is looked at`);
      await delay(ROUND_PAUSE_MS * round);
      continue;
    }
    const step = change.plan(current.found);
    if (step.kind === 'settled') return step.result;
    if (change.context.mode === 'dry-run') return skipped(address, `dry run: would ${describe(step, change)}`);

    const fault = await write(change, step, current, retryToken);
    if (fault?.code === 'InvalidatedRetryToken') retryToken = randomUUID();
    if (fault === undefined || classOf(fault) === 'unknown-outcome') {
      const after = await readUntil(
        find,
        (read) => isDone(step, change, read),
        fault === undefined ? READ_BACK : READ_BACK_LOST,
      );
      const note = fault === undefined ? '' : `; confirmed by reading, after: ${fault.code}: ${fault.message}`;
      if (isDone(step, change, after)) return succeeded(address, `${describe(step, change)}${note}`);
      const lost = fault ?? {
        code: 'NotShown',
        message: 'it does not show after 10 s',
        httpStatus: undefined,
        requestId: undefined,
      };
      return failed(address, 'unknown-outcome', executorError(describe(step, change), lost).message);
    }
    // What is true of one call is true of the next: whoever goes on after this makes a storm.
    if (classOf(fault) === 'throttled') throw executorError(describe(step, change), fault);
    if (round === ROUNDS_MAX || !isWorthALook(fault)) {
      const { errorClass, message } = executorError(describe(step, change), fault);
      return failed(address, errorClass, message);
    }
    await delay(ROUND_PAUSE_MS * round);
  }
}

type Current =
  | { readonly kind: 'found'; readonly found: PrivateIp | undefined; readonly etag: string }
  /** Listed, and no more there when it was read. */
  | { readonly kind: 'gone' };

/** Listings carry no etag, and may lag: what is listed is read before anything is decided on it. */
async function currentOf({ network }: AddressChange, listed: PrivateIp | undefined): Promise<Current> {
  if (listed === undefined) return { kind: 'found', found: undefined, etag: '' };
  const read = await reading(`reading ${listed.id}`, async () => network.readPrivateIp(listed.id));
  return read === undefined ? { kind: 'gone' } : { kind: 'found', found: read.privateIp, etag: read.etag };
}

type Write = Exclude<AddressStep, { readonly kind: 'settled' }>;

async function write(
  change: AddressChange,
  step: Write,
  current: Extract<Current, { readonly kind: 'found' }>,
  retryToken: string,
): Promise<OciFault | undefined> {
  const { network, context, vnic, request } = change;
  const address = bareAddress(request.address);
  const id = current.found?.id ?? '';
  const { etag } = current;
  return changing(context, describe(step, change), async () => {
    switch (step.kind) {
      case 'create':
        return network.create({
          vnicId: vnic.id,
          address,
          freeformTags: step.freeformTags,
          retryToken,
        });
      case 'move':
        return network.update(id, etag, { vnicId: vnic.id, freeformTags: step.freeformTags });
      case 'retag':
        return network.update(id, etag, { freeformTags: step.freeformTags });
      case 'remove':
        return network.remove(id, etag);
    }
  });
}

function isDone(step: Write, { vnic, request }: AddressChange, found: PrivateIp | undefined): boolean {
  if (step.kind === 'remove') return found?.vnicId !== vnic.id;
  return found?.vnicId === vnic.id && found.freeformTags['routerdEpoch'] === String(request.captureEpoch);
}

/** Completes "would …", "refused to …", and stands alone as a result. */
function describe(step: Write, { vnic, request }: AddressChange): string {
  const bare = bareAddress(request.address);
  switch (step.kind) {
    case 'create':
      return `assign ${bare} to ${vnic.id}`;
    case 'move':
      return `move ${bare} from ${step.from} to ${vnic.id}`;
    case 'retag':
      return `raise the epoch of ${bare} to ${request.captureEpoch}`;
    case 'remove':
      return `take ${bare} off ${vnic.id}`;
  }
}

/**
 * The same for every attempt of one tenure: OCI remembers it for 24 hours, so a create that was held up on its way, and comes after the
 * address was created by another attempt and released, makes nothing. Whoever is told `InvalidatedRetryToken` has just looked: the object is
 * gone and wanted again, and takes a new one.
 */
function tenureToken({ vnic, request }: AddressChange): string {
  const parts = [vnic.id, request.captureKey, String(request.captureEpoch)];
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}
