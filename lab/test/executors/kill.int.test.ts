/**
 * kill -9 for real: of a process with the engine, its journal on disk and an executor, at chosen steps, and of the executor while the cloud
 * is at work. Every step there is, in memory: packages/actions/test/kill-everywhere.test.ts. The emulator counts.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, onTestFinished } from 'vitest';
import { CHECKOUT } from '../../src/lab-files.ts';
import { waitUntil } from '../../src/wait-until.ts';
import { address, openStage, pluginResource, type ExecutorStage } from './executor-stage.ts';

const ENGINE = path.join(CHECKOUT, 'packages/routerd/test/engine-to-be-killed.ts');
const CAPTURED = ['10.77.60.110', '10.77.60.111', '10.77.60.112'];
const DEADLINE_MS = 100_000; // a busy machine may wait out the plugin's whole timeout

let stage: ExecutorStage;
let folder = '';

beforeAll(async () => {
  stage = await openStage('aws');
});

afterAll(async () => {
  await stage?.close();
});

beforeEach(async () => {
  await stage.reset();
  await stage.rig.control.changeAddresses('aws-router-b', { assign: CAPTURED });
  await stage.rig.control.resetJournal();
  folder = mkdtempSync(path.join(tmpdir(), 'killed-'));
  return () => rmSync(folder, { recursive: true, force: true });
});

interface Run {
  readonly pid: number;
  /** The signal or exit code, and what it printed. */
  readonly ended: Promise<readonly [string | number | null, string]>;
}

function run(die = ''): Run {
  const orders = {
    stateFile: path.join(folder, 'routerd.db'),
    plugin: pluginResource(stage.rig, 'aws', 'a', 30_000),
    nic: stage.nicA,
    self: 'aws-router-a',
    seizeFrom: 'aws-router-b',
    fromNic: stage.nicB.nicRef,
    addresses: CAPTURED.map(address),
    die,
  };
  const child = spawn(process.execPath, [ENGINE, JSON.stringify(orders)], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const late = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  const ended = new Promise<readonly [string | number | null, string]>((resolve) => {
    child.once('close', (code, signal) => {
      clearTimeout(late);
      resolve([signal ?? code, said]);
    });
  });
  return { pid: child.pid ?? 0, ended };
}

/** Nothing lost, nothing twice, nothing open, and the other NIC clean. */
async function expectRecovered(
  [how, said]: readonly [string | number | null, string],
  { callsMax = 1 }: { readonly callsMax?: number } = {},
): Promise<void> {
  expect([how, said]).toEqual([0, '{"succeeded":3,"openAttempts":0}\n']);
  const calls = (await stage.mutations()).map(({ operation }) => operation);
  expect(new Set(calls)).toEqual(new Set(['AssignPrivateIpAddresses']));
  expect(calls.length).toBeLessThanOrEqual(callsMax);
  const holders = await Promise.all(CAPTURED.map(async (bare) => stage.holderOf(address(bare))));
  expect(holders).toEqual(CAPTURED.map(() => stage.nicA.nicRef));
}

test.each([
  'transition to running:after',
  'open attempt:after',
  'answer:before',
  'close attempt:before',
  'close attempt:after',
  'transition to succeeded:after',
])('the daemon is killed at %s', async (die) => {
  expect((await run(die).ended)[0]).toBe('SIGKILL');
  await expectRecovered(await run().ended);
});

afterEach(async () => {
  // What nobody waits for any more would be done to the next test's cloud.
  const isIdle = async (): Promise<true | undefined> =>
    (await stage.mutations()).every(({ outcome }) => outcome !== undefined) || undefined;
  await waitUntil('the end of all calls', isIdle, { deadlineMs: DEADLINE_MS });
});

async function untilTheCloudIsAtWork(): Promise<void> {
  const isAtWork = async (): Promise<true | undefined> => (await stage.mutations()).length > 0 || undefined;
  await waitUntil('the call', isAtWork, { deadlineMs: DEADLINE_MS, everyMs: 5 });
}

test('the executor is killed while the cloud is at work, and the daemon finds out what came of it', async () => {
  await stage.rig.control.layFault({ operation: 'AssignPrivateIpAddresses', kind: 'delay', delayMs: 500 });
  const daemon = run();
  await untilTheCloudIsAtWork();
  for (const pid of childrenOf(daemon.pid)) process.kill(pid, 'SIGKILL');
  await expectRecovered(await daemon.ended, { callsMax: 2 });
});

/**
 * A reading cannot see what the cloud has not done yet: the next daemon may ask a second time, under the same epoch, for what is made once.
 * Waiting longer than any call takes would cost every recovery that time.
 */
test('the daemon is killed while the cloud is at work', async () => {
  await stage.rig.control.layFault({ operation: 'AssignPrivateIpAddresses', kind: 'delay', delayMs: 1500 });
  const first = run();
  await untilTheCloudIsAtWork();
  process.kill(first.pid, 'SIGKILL');
  expect((await first.ended)[0]).toBe('SIGKILL');
  await expectRecovered(await run().ended, { callsMax: 2 });
});

function childrenOf(parent: number): readonly number[] {
  const statusOf = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/status`, 'utf8');
    } catch {
      return ''; // it has ended
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && new RegExp(`^PPid:\\s+${parent}$`, 'm').test(statusOf(name)))
    .map(Number);
}
