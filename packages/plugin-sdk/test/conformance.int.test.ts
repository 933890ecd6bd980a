/** The kit finds what is wrong: executors that make one mistake each. That it passes what is right, the plugins show. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { conformancePlan, runConformance, type Finding, type TestCloud } from '../src/conformance/index.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'careless-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function judge(...mistakes: readonly string[]): Promise<readonly Finding[]> {
  const file = path.join(folder, 'cloud.json');
  const executor = path.join(import.meta.dirname, 'plugins/careless-executor.ts');
  const plan = conformancePlan.parse({
    executor: [process.execPath, executor, file, ...mistakes],
    provider: 'aws',
    nic: { nicRef: 'nic-a', node: 'a' },
    otherNic: { nicRef: 'nic-b', node: 'b' },
    addresses: ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
    impossibleAddress: '10.0.0.4',
    timeoutSeconds: 10,
    hooks: { reset: ['unused'], state: ['unused'] },
  });
  const cloud: TestCloud = {
    reset: async () => writeFileSync(file, JSON.stringify({ addresses: [], mutations: 0 })),
    state: async () => {
      const { addresses, mutations } = JSON.parse(readFileSync(file, 'utf8'));
      return { nics: { 'nic-a': { addresses, forwarding: false } }, mutations };
    },
    inject: undefined,
  };
  return runConformance({ plan, cloud, folder });
}

const verdict = (findings: readonly Finding[], claim: string): string => {
  const found = findings.find((each) => each.claim.includes(claim));
  return `${found?.verdict}: ${found?.detail}`;
};

test('an executor that repeats itself, takes everything and accepts anything fails where it does', async () => {
  const findings = await judge();
  expect(verdict(findings, 'assigning twice')).toContain('failed: the repetition made 1 mutating calls');
  expect(verdict(findings, 'costs only itself')).toContain('failed: 10.0.0.4 is told as succeeded');
  expect(verdict(findings, 'no request of the protocol')).toMatch(/^failed: a line that is no JSON: it ended with 1/);
  expect(verdict(findings, 'no mutating call is made')).toBe('passed: ');
  expect(verdict(findings, 'exits with 0')).toBe('passed: ');
  expect(verdict(findings, 'no secret')).toBe('passed: ');
});

test('what cannot be brought about is untested, and not passed', async () => {
  expect(verdict(await judge(), 'told as throttled')).toBe('untested: hooks.fault is not given');
});

test('one that changes something in a dry run, leaks its environment, mixes up ids and stays is told so', async () => {
  const findings = await judge('ignores-mode', 'leaks', 'stays');
  expect(verdict(findings, 'no mutating call is made')).toContain('failed: the dry run made 4 mutating calls');
  expect(verdict(findings, 'no secret')).toContain('failed: 1 of 1 secrets are in its output');
  expect(verdict(findings, 'exits with 0')).toContain('failed: it stays when stdin has ended');
  expect(verdict(await judge('mixes-up'), 'assigning twice')).toContain('failed: the answer has id "other"');
  expect(verdict(await judge('talks'), 'assigning twice')).toContain('wrote a line that is no JSON: got conformance-1');
});
