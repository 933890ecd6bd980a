import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CallContext, ExecuteCall, ExecuteReport } from '@routerd/plugin-sdk';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeExecutor, EMPTY_CLOUD, FileCloud } from '../src/index.ts';

let folder: string;
let cloud: FileCloud;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'fake-cloud-'));
  cloud = new FileCloud(path.join(folder, 'cloud.json'));
  cloud.write(EMPTY_CLOUD);
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const executing: CallContext = {
  mode: 'execute',
  mutate: async (_, call) => call(),
  note: () => undefined,
  spent: () => undefined,
};

async function execute(
  action: ExecuteCall['action'],
  bare: readonly string[],
  { nicRef = 'nic-a', seizeFrom }: { readonly nicRef?: string; readonly seizeFrom?: string } = {},
): Promise<ExecuteReport> {
  const addresses = bare.map((one) => ({
    address: `${one}/32`,
    captureKey: `pool|${one}/32|d`,
    captureEpoch: 1,
    seizeFrom,
  }));
  const nic = { provider: 'aws', providerRef: 'aws', nicRef, target: { 'nicOf.router-b': 'nic-b' } } as const;
  const call = { action, nic, addresses, mode: 'execute', attempt: 'a1' } as const;
  return createFakeExecutor(cloud).execute(call, executing);
}

const outcomes = ({ results }: ExecuteReport): readonly string[] =>
  results.map(({ status, errorClass }) => errorClass ?? status);

test('assigns a batch with one call, and leaves out what cannot be had', async () => {
  const report = await execute('assign-secondary-ip', ['10.77.60.110', '10.77.60.11', '10.77.60.111']);
  expect(outcomes(report)).toEqual(['succeeded', 'held-elsewhere', 'succeeded']);
  expect(cloud.read()).toMatchObject({
    mutations: 1,
    nics: { 'nic-a': { addresses: ['10.77.60.110', '10.77.60.111'] } },
  });
});

test('takes an address from another NIC only with permission, and only if the request names that NIC', async () => {
  await execute('assign-secondary-ip', ['10.77.60.110'], { nicRef: 'nic-b' });
  expect(outcomes(await execute('assign-secondary-ip', ['10.77.60.110']))).toEqual(['held-elsewhere']);
  const nameless = await execute('assign-secondary-ip', ['10.77.60.110'], { seizeFrom: 'router-c' });
  expect(outcomes(nameless)).toEqual(['held-elsewhere']);
  expect(nameless.results[0]?.message).toContain('(target.nicOf.router-c)');
  const seized = await execute('assign-secondary-ip', ['10.77.60.110'], { seizeFrom: 'router-b' });
  expect(outcomes(seized)).toEqual(['succeeded']);
});

test('settles a lost answer by reading', async () => {
  cloud.write({ ...EMPTY_CLOUD, faults: ['lost-reply'] });
  expect(outcomes(await execute('assign-secondary-ip', ['10.77.60.110']))).toEqual(['succeeded']);
  expect(cloud.read().mutations).toBe(1);
});

test('tells throttling as such', async () => {
  cloud.write({ ...EMPTY_CLOUD, faults: ['throttle'] });
  await expect(execute('assign-secondary-ip', ['10.77.60.110'])).rejects.toMatchObject({ errorClass: 'throttled' });
});
