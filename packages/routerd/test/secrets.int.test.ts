/**
 * No secret is in any journal, log, status, error or process list: secrets are planted where an executor has them, the executor says them
 * wherever it can, and everything that is left behind is searched.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createActionEngine, type ActionRow } from '@routerd/actions';
import { MemoryRegistry } from '@routerd/actions/contract';
import { createPluginExecutor } from '@routerd/plugin-host';
import { durationMs, type NodeName, type ResourceOf } from '@routerd/resources';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { openStore } from '@routerd/store';
import { expect, onTestFinished, test } from 'vitest';
import { actionView, attemptView } from '../src/views/action-view.ts';

type Proposal = ActionRow['proposal'];
const EXECUTOR = path.join(import.meta.dirname, 'leaky-executor.mjs');
const DEADLINE_MS = 30_000;
const SELF = 'aws-router-a' as NodeName;

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');
const jwtPart = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const planted = {
  LEAK_ACCESS_KEY: `wJalr${hex(20)}`,
  LEAK_TOKEN: `IQoJb3${hex(40)}`,
  LEAK_JWT: `eyJ${jwtPart({ alg: 'RS256' }).slice(3)}.${jwtPart({ sub: hex(8) })}.${hex(32)}`,
  LEAK_PEM: pem,
};
/** Of the daemon's own environment: nobody's business below it. */
const ownSecret = `daemon-${hex(20)}`;
const markers: readonly string[] = [
  planted.LEAK_ACCESS_KEY,
  planted.LEAK_TOKEN,
  planted.LEAK_JWT,
  ...pem.split('\n').filter((line) => line.length > 40 && !line.startsWith('-')),
  ownSecret,
];

const plugin: ResourceOf<'Plugin'> = {
  apiVersion: 'plugin.routerd.net/v1alpha1',
  kind: 'Plugin',
  metadata: { name: 'aws-executor', annotations: {}, ownerRefs: [] },
  spec: {
    executable: EXECUTOR,
    args: [],
    timeout: durationMs(20_000),
    env: { ...planted },
    capabilities: ['execute.providerAction'],
    triggers: [],
    context: { resources: [] },
  },
};

function assign(host: number): Proposal {
  const address = `10.77.60.${host}/32` as Proposal['address'];
  return {
    idempotencyKey: `mobility:cloudedge:aws:eni-a:assign-secondary-ip:${address}:epoch:1`,
    pool: 'cloudedge' as Proposal['pool'],
    provider: 'aws',
    providerRef: 'aws-main',
    nicRef: `eni-${host}`,
    verb: 'assign-secondary-ip',
    address,
    captureKey: `cloudedge|${address}|provider:aws-main:placement:aws` as Proposal['captureKey'],
    captureDomain: 'provider:aws-main:placement:aws' as Proposal['captureDomain'],
    captureEpoch: 1 as Proposal['captureEpoch'],
    captureHolder: SELF,
    seize: undefined,
    target: {},
    riskLevel: 'medium',
    because: [],
  };
}

async function eventually(what: () => string, holds: () => boolean): Promise<void> {
  const end = performance.now() + DEADLINE_MS;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`${what()} did not happen`);
    await delay(10);
  }
}

/** Command line and environment of every descendant, by process id; the one that has a secret by declaration is the executor itself. */
function descendants(): readonly { readonly commandLine: string; readonly environment: string }[] {
  const read = (pid: string, file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8');
    } catch {
      return ''; // it has ended
    }
  };
  const parentOf = (pid: string): string => /^PPid:\s+(\d+)/m.exec(read(pid, 'status'))?.[1] ?? '';
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const isOurs = (pid: string): boolean => {
    const parent = parentOf(pid);
    return parent === String(process.pid) || (parent !== '' && parent !== '0' && isOurs(parent));
  };
  return pids
    .filter((pid) => isOurs(pid))
    .map((pid) => ({ commandLine: read(pid, 'cmdline'), environment: read(pid, 'environ') }));
}

const found = (text: string): readonly string[] => markers.filter((marker) => text.includes(marker));

test('what an executor says of its secrets is in no journal, log, status, error or process list', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'routerd-secrets-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  process.env['DAEMON_SECRET'] = ownSecret;
  onTestFinished(() => void delete process.env['DAEMON_SECRET']);
  const log = new RecordingLog();
  const store = openStore(path.join(folder, 'routerd.db'), { log });
  if (!store.ok) throw new Error(store.error.message);
  const { journal } = store.value;
  const executor = createPluginExecutor({ plugins: [plugin], clock: systemClock, log });
  const registry = new MemoryRegistry(SELF);
  const proposals = [10, 11, 12].map((host) => assign(host));
  for (const { captureKey, pool, address, captureDomain: domain } of proposals)
    registry.seize(captureKey, SELF, { pool, address, domain });
  const ports = { self: SELF, journal, executor, fence: registry, clock: systemClock, random: Math.random, log };
  const engine = createActionEngine(ports);
  engine.setPolicies([
    {
      apiVersion: 'hybrid.routerd.net/v1alpha1',
      kind: 'ProviderActionPolicy',
      metadata: { name: 'all', annotations: {}, ownerRefs: [] },
      spec: {
        enabled: true,
        dryRunOnly: false,
        requireApproval: false,
        allowedProviders: ['aws'],
        allowedProviderRefs: [],
        allowedActions: ['assign-secondary-ip'],
        allowedCIDRs: [],
        maxActionsPerRun: 9,
        allowUndo: false,
      },
    },
  ]);
  engine.start();
  engine.propose(proposals);
  const outcomeOf = (index: number): string => engine.attempts(index + 1).at(-1)?.outcome ?? '';
  await eventually(
    () => `an outcome of each action (${[0, 1, 2].map(outcomeOf).join(' | ')})`,
    () => outcomeOf(0) !== '' && outcomeOf(1) !== '' && outcomeOf(2) !== '',
  );
  const processes = descendants();
  const dryRun = await engine.execute(1, { mode: 'dry-run' });
  const shown = JSON.stringify([
    engine.rows().map(actionView),
    [1, 2, 3].flatMap((id) => engine.attempts(id).map(attemptView)),
    dryRun,
  ]);
  await engine.stop();
  await executor.stop();
  store.value.close();

  // What was said is there, without what was secret in it.
  expect(shown).toContain('403 for Authorization');
  expect(shown).toContain('fatal');
  expect(log.lines.some(({ fields }) => String(fields['text']).includes('169.254.169.254'))).toBe(true);
  expect(found(shown), 'status and errors').toEqual([]);
  expect(found(JSON.stringify(log.lines)), 'log').toEqual([]);
  for (const name of readdirSync(folder))
    expect(found(readFileSync(path.join(folder, name), 'latin1')), `journal file ${name}`).toEqual([]);
  expect(processes.length).toBeGreaterThan(0);
  expect(found(processes.map(({ commandLine }) => commandLine).join(' ')), 'command lines').toEqual([]);
  expect(processes.some(({ environment }) => environment.includes('LEAK_TOKEN'))).toBe(true);
  for (const { environment } of processes) expect(environment).not.toContain(ownSecret);
});
