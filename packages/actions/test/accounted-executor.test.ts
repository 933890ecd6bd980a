/** What an answer says of the account, and which bucket hears of it. */
import { err, instant, ok } from '@routerd/resources';
import { ManualClock } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { accountedExecutor } from '../src/accounted-executor.ts';
import { ApiBudget } from '../src/api-budget.ts';
import type { ApiUsage, ExecuteRequest, ExecutorFault, ProviderExecutor } from '../src/ports.ts';
import { address, keyOf, NIC } from './engine-rig.ts';

const REQUEST: ExecuteRequest = {
  nic: NIC,
  verb: 'assign-secondary-ip',
  addresses: [{ address: address(10), captureKey: keyOf(10), captureEpoch: 1, seizeFrom: undefined }],
  mode: 'execute',
  attempt: 'one',
};
const never = new AbortController().signal;

/** How long reads and writes have to wait after one request to change something. */
async function waitsAfter(execute: ProviderExecutor['execute']): Promise<Readonly<Record<'read' | 'write', number>>> {
  const clock = new ManualClock(instant(1_800_000_000_000));
  const budget = new ApiBudget(clock);
  const observe: ProviderExecutor['observe'] = async () => ok({ addresses: [], forwarding: false });
  await accountedExecutor({ execute, observe }, budget).execute(REQUEST, never);
  const wait = (call: 'read' | 'write'): number =>
    (budget.notBefore(NIC, call, 'failover') ?? clock.monotonic()) - clock.monotonic();
  return { read: wait('read'), write: wait('write') };
}

const refused = (usage: ApiUsage | undefined, retryAfterMs?: number): ProviderExecutor['execute'] => {
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  const fault: ExecutorFault = { code: 'executor.failed', errorClass: 'throttled', detail: '', usage, ...wait };
  return async () => err(fault);
};

test('a change whose reads were refused holds reads back, and no other change', async () => {
  expect(await waitsAfter(refused({ reads: 1, readsLeft: 0, writes: 0 }, 3000))).toEqual({ read: 3000, write: 0 });
});

test('a change that was refused itself, or does not say what was, holds changes back', async () => {
  expect(await waitsAfter(refused({ reads: 4, writes: 1, writesLeft: 0 }, 3000))).toEqual({ read: 0, write: 3000 });
  expect(await waitsAfter(refused(undefined, 3000))).toEqual({ read: 0, write: 3000 });
});

test('Retry-After is heard also where only some addresses of a request met it', async () => {
  const answer = await waitsAfter(async () =>
    ok({
      results: [{ address: address(10), status: 'failed', message: 'slow down', errorClass: 'throttled' }],
      observed: {},
      nic: undefined,
      usage: { writes: 1, writesLeft: 0, resetsAfterMs: 4000 },
    }),
  );
  expect(answer).toEqual({ read: 0, write: 4000 });
});
