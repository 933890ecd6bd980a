/** What `routerd preflight` makes of executors' answers. */
import { createSurvey, type NicTarget } from '@routerd/actions';
import type { PluginExecutor } from '@routerd/plugin-host';
import { err, instant, ok } from '@routerd/resources';
import { ManualClock } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { hasFailed, preflightAll, preflightText } from '../src/one-shot/preflight.ts';

const nic = (nicRef: string): NicTarget => ({ provider: 'aws', providerRef: 'aws-main', nicRef, target: {} });
const nobody = { code: 'executor.not-configured', errorClass: 'invalid', detail: 'no Plugin' } as const;
const plain = { version: 'v', storesEpoch: false } as const;

/** `eni-full` lacks a permission, `eni-good` nothing, `eni-old` has an executor from before, `eni-none` none. */
const executor: PluginExecutor = {
  execute: async () => err(nobody),
  observe: async () => err(nobody),
  check: async () => err(nobody),
  stop: async () => undefined,
  description({ nicRef }) {
    if (nicRef === 'eni-none') return undefined;
    if (nicRef === 'eni-old') return { ...plain, name: 'unnamed', release: '0', requests: ['ObserveNicRequest'] };
    return { ...plain, name: 'routerd-aws', release: '0.1.0', requests: ['PreflightRequest', 'InventoryRequest'] };
  },
  async preflight({ nicRef }, actions) {
    if (nicRef === 'eni-none') return err(nobody);
    if (nicRef === 'eni-old') return err({ code: 'executor.failed', errorClass: 'invalid', detail: 'what?' });
    const isDenied = nicRef === 'eni-full';
    return ok({
      identity: 'role/router',
      findings: [
        {
          name: 'assign',
          verdict: isDenied ? 'failed' : 'passed',
          permission: 'ec2:AssignPrivateIpAddresses',
          actions: [...actions],
          message: isDenied ? 'UnauthorizedOperation' : 'DryRunOperation',
          ...(isDenied ? { remedy: 'Allow it to the role.' } : {}),
        },
      ],
    });
  },
  async inventory({ nicRef }) {
    if (nicRef !== 'eni-full') return err(nobody);
    const capacity = { secondariesUsed: 14, secondariesMax: 14 };
    return ok({ nic: { addresses: [], forwarding: true }, capacity, limits: {}, entries: [] });
  },
};

const reports = async (...nics: readonly string[]) =>
  preflightAll(
    nics.map((each) => nic(each)),
    executor,
    createSurvey(new ManualClock(instant(1_800_000_000_000)), new AbortController().signal),
  );

test('names what is missing, who is asking, and how full the NIC is', async () => {
  const found = await reports('eni-full');
  expect(preflightText(found).split('\n')).toEqual([
    'aws-main eni-full',
    '  executor  routerd-aws 0.1.0',
    '  identity  role/router',
    '  capacity  14 of 14 secondaries used',
    '  failed    ec2:AssignPrivateIpAddresses: UnauthorizedOperation',
    '            Allow it to the role.',
  ]);
  expect(hasFailed(found)).toBe(true);
});

test('nothing is missing where every permission is there', async () => {
  expect(hasFailed(await reports('eni-good'))).toBe(false);
});

test('what could not be found out is no success', async () => {
  const found = await reports('eni-old', 'eni-none');
  expect(found.map(({ fault }) => fault)).toEqual([
    'the executor has no preflight',
    'executor.not-configured: no Plugin',
  ]);
  expect(hasFailed(found)).toBe(true);
});
