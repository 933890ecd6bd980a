/** An operator at the command line: routerctl action, a socket with the daemon's routes, the engine, and a cloud in memory. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  createActionEngine,
  createMemoryExecutor,
  createMemoryJournal,
  type ActionRow,
  type MemoryExecutor,
} from '@routerd/actions';
import { MemoryRegistry } from '@routerd/actions/contract';
import type { NodeName, ResourceOf } from '@routerd/resources';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { actionRoutes } from '../src/api/action-routes.ts';
import { serveApi } from '../src/api/http-server.ts';
import { actionOrders } from '../src/api/orders.ts';

type Proposal = ActionRow['proposal'];
const ROUTERCTL = path.join(import.meta.dirname, '../../routerctl/src/main.ts');
const SELF = 'aws-router-a' as NodeName;
const pool = 'cloudedge' as Proposal['pool'];
const captureDomain = 'provider:aws-main:placement:aws' as Proposal['captureDomain'];

let folder = '';
let close: () => Promise<void>;
let cloud: MemoryExecutor;
let engine: ReturnType<typeof createActionEngine>;
let registry: MemoryRegistry;

function assign(host: number): Proposal {
  const address = `10.77.60.${host}/32` as Proposal['address'];
  return {
    idempotencyKey: `mobility:cloudedge:aws:eni-a:assign-secondary-ip:${address}:epoch:1`,
    pool,
    provider: 'aws',
    providerRef: 'aws-main',
    nicRef: 'eni-a',
    verb: 'assign-secondary-ip',
    address,
    captureKey: `${pool}|${address}|${captureDomain}` as Proposal['captureKey'],
    captureDomain,
    captureEpoch: 1 as Proposal['captureEpoch'],
    captureHolder: SELF,
    seize: undefined,
    target: {},
    riskLevel: 'medium',
    because: [],
  };
}

const policy: ResourceOf<'ProviderActionPolicy'> = {
  apiVersion: 'hybrid.routerd.net/v1alpha1',
  kind: 'ProviderActionPolicy',
  metadata: { name: 'aws', annotations: {}, ownerRefs: [] },
  spec: {
    enabled: true,
    dryRunOnly: false,
    requireApproval: true,
    allowedProviders: ['aws'],
    allowedProviderRefs: [],
    allowedActions: ['assign-secondary-ip', 'unassign-secondary-ip'],
    allowedCIDRs: [],
    maxActionsPerRun: 9,
    allowUndo: true,
  },
};

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'action-orders-'));
  const log = new RecordingLog();
  cloud = createMemoryExecutor(systemClock);
  cloud.addNic({ nicRef: 'eni-a', node: SELF });
  registry = new MemoryRegistry(SELF);
  for (const { captureKey, address } of [assign(10), assign(11)])
    registry.seize(captureKey, SELF, { pool, address, domain: captureDomain });
  engine = createActionEngine({
    self: SELF,
    journal: createMemoryJournal(),
    executor: cloud,
    fence: registry,
    clock: systemClock,
    random: Math.random,
    log,
  });
  engine.setPolicies([policy]);
  engine.start();
  engine.propose([assign(10), assign(11)]);
  const routes = actionRoutes({ actions: () => engine.rows() }, actionOrders(engine));
  const served = await serveApi(path.join(folder, 'sock'), routes, log);
  if (!served.ok) throw new Error(served.error.message);
  close = async () => served.value.close();
});

afterEach(async () => {
  await close();
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
});

const env = {
  ...process.env,
  NODE_COMPILE_CACHE: path.join(import.meta.dirname, '../../../node_modules/.cache/compile'),
};

/** Exit code, then everything that was written. */
async function action(...args: readonly string[]): Promise<string> {
  const argv = [ROUTERCTL, 'action', ...args, '--socket', path.join(folder, 'sock')];
  return new Promise((resolve) => {
    execFile(process.execPath, argv, { encoding: 'utf8', timeout: 30_000, env }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : -1;
      resolve(`${code} ${stdout}${stderr}`.trim());
    });
  });
}

test('an operator approves, executes, retries, looks, undoes and tidies up', async () => {
  expect(await action('import')).toBe('0 2 wanted by the plan, 0 imported now, 0 stale by the registry');
  expect(await action('list', '--status', 'pending')).toMatch(
    /^0 ID .*NEXT.*CLASS[^]*assign-secondary-ip +10\.77\.60\.10\/32 +1 +pending/,
  );
  expect(await action('execute', '1')).toMatch(/^2 error: Say which/);
  expect(await action('execute', '1', '--dry-run')).toBe('0 dry run of action 1: succeeded: would be: assigned');
  expect(await action('execute', '1', '--approved')).toMatch(
    /^1 error: action is pending and not approved .*\n +Approve it with `routerctl action approve 1`/,
  );
  expect(cloud.mutations).toEqual([]);

  expect(await action('approve', '1', '--by', 'alice')).toBe('0 action 1 approved by alice');
  expect(await action('execute', '1', '--approved')).toMatch(/^0 action 1 (is )?succeeded/);
  expect(await action('show', '1')).toMatch(/Approved by: +alice[^]*Observed wasInEffect: +false/);
  expect(await action('journal', '1')).toMatch(/^0 ATTEMPT[^]*\n\S+ +1 .*succeeded: assigned$/);

  const denied = { code: 'executor.failed', errorClass: 'permission', detail: 'AccessDenied' } as const;
  cloud.inject({ kind: 'refused', fault: denied });
  engine.approve(2, 'alice');
  expect(await action('list', '--status', 'failed')).toMatch(/ in \d+s +permission .*AccessDenied/);
  expect(await action('retry', '2')).toBe('0 action 2 is approved again');
  expect(await action('execute', '2', '--approved')).toMatch(/^0 action 2 (is )?succeeded/);
  expect(await action('show', '2', '-o', 'yaml')).toMatch(/status: succeeded/);
}, 120_000);

test('an operator undoes what this node does not hold any more, and tidies up', async () => {
  engine.approve(1, 'alice');
  await engine.execute(1, { mode: 'execute' });
  expect(await action('rollback', '1', '--by', 'bob')).toMatch(/^1 error: unassign.*is fenced[^]*routerctl drain/);
  registry.seize(assign(10).captureKey, 'aws-router-b' as NodeName, {
    pool,
    address: assign(10).address,
    domain: captureDomain,
  });
  engine.sweepStale();
  engine.propose([assign(11)]);
  expect(await action('rollback', '1', '--by', 'bob')).toMatch(/^0 action 3 succeeded/);
  expect(cloud.holderOf(assign(10).address)).toBeUndefined();
  expect(await action('prune', '--keep', 'all')).toMatch(/^\d+ .*"all" is no count/s);
  expect(await action('prune', '--keep', '0')).toBe('0 2 finished actions forgotten');
  expect(await action('show', '1')).toBe('1 error: action 1 not found\n  List them with `routerctl action list`.');
}, 120_000);
