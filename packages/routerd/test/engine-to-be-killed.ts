/**
 * A process that captures three addresses with the engine, its journal on disk and an executor as a process, and that kills itself with
 * SIGKILL at one step. Started by a test, again and again with the same state folder; prints the rows once all have succeeded.
 *
 *     node engine-to-be-killed.ts '{"stateFile": …, "plugin": …, "nic": …, "addresses": […], "seizeFrom": …, "die": "close attempt:before"}'
 */
import {
  createActionEngine,
  type ActionRow,
  type Journal,
  type NicTarget,
  type ProviderExecutor,
} from '@routerd/actions';
import { MemoryRegistry } from '@routerd/actions/contract';
import { createPluginExecutor } from '@routerd/plugin-host';
import type { NodeName, ResourceOf } from '@routerd/resources';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { openStore } from '@routerd/store';

type Proposal = ActionRow['proposal'];

interface Orders {
  readonly stateFile: string;
  readonly plugin: ResourceOf<'Plugin'>;
  readonly nic: NicTarget;
  readonly self: NodeName;
  readonly seizeFrom: NodeName;
  readonly fromNic: string;
  readonly addresses: readonly Proposal['address'][];
  /** `<step>:before` or `<step>:after`; empty: lives on. */
  readonly die: string;
}

const orders: Orders = JSON.parse(process.argv[2] ?? '{}');
const { nic, self, seizeFrom, die } = orders;

function step<T>(name: string, work: () => T): T {
  if (die === `${name}:before`) process.kill(process.pid, 'SIGKILL');
  const value = work();
  if (die === `${name}:after`) process.kill(process.pid, 'SIGKILL');
  return value;
}

function mortal(journal: Journal): Journal {
  return {
    ...journal,
    transition: (ids, from, change, now) =>
      step(`transition to ${change.status ?? 'message'}`, () => journal.transition(ids, from, change, now)),
    openAttempt: (ids, attempt, now) => step('open attempt', () => journal.openAttempt(ids, attempt, now)),
    closeAttempt: (attempt, outcome, now) => step('close attempt', () => journal.closeAttempt(attempt, outcome, now)),
  };
}

function mortalExecutor(executor: ProviderExecutor): ProviderExecutor {
  return {
    async execute(request, signal) {
      const answer = await step('execute', () => executor.execute(request, signal));
      if (die === 'answer:before') process.kill(process.pid, 'SIGKILL');
      return answer;
    },
    observe: async (target, signal) => executor.observe(target, signal),
  };
}

const captureDomain = `provider:${nic.providerRef}:placement:routers` as Proposal['captureDomain'];
const pool = 'cloudedge' as Proposal['pool'];
const registry = new MemoryRegistry(self);
const proposals = orders.addresses.map((address): Proposal => {
  const captureKey = `${pool}|${address}|${captureDomain}` as Proposal['captureKey'];
  registry.seize(captureKey, seizeFrom, { pool, address, domain: captureDomain });
  const { epoch } = registry.seize(captureKey, self, { pool, address, domain: captureDomain });
  return {
    idempotencyKey: `mobility:${pool}:${nic.provider}:${nic.nicRef}:assign-secondary-ip:${address}:epoch:${epoch}`,
    pool,
    provider: nic.provider,
    providerRef: nic.providerRef,
    nicRef: nic.nicRef,
    verb: 'assign-secondary-ip',
    address,
    captureKey,
    captureDomain,
    captureEpoch: epoch,
    captureHolder: self,
    seize: { from: seizeFrom },
    target: { ...nic.target, [`nicOf.${seizeFrom}`]: orders.fromNic },
    riskLevel: 'medium',
    because: [],
  };
});
const log = new RecordingLog();
const store = openStore(orders.stateFile, { log });
if (!store.ok) throw new Error(store.error.message);
const { journal } = store.value;
const executor = createPluginExecutor({ plugins: [orders.plugin], clock: systemClock, log });
const engine = createActionEngine({
  self,
  journal: mortal(journal),
  executor: mortalExecutor(executor),
  fence: registry,
  clock: systemClock,
  random: Math.random,
  log,
});
engine.setPolicies([
  {
    apiVersion: 'hybrid.routerd.net/v1alpha1',
    kind: 'ProviderActionPolicy',
    metadata: { name: 'all', annotations: {}, ownerRefs: [] },
    spec: {
      enabled: true,
      dryRunOnly: false,
      requireApproval: false,
      allowedProviders: [nic.provider],
      allowedProviderRefs: [],
      allowedActions: ['assign-secondary-ip'],
      allowedCIDRs: [],
      maxActionsPerRun: 64,
      allowUndo: false,
    },
  },
]);
engine.onChange(() => {
  const rows = journal.list();
  if (rows.length < proposals.length || rows.some(({ status }) => status !== 'succeeded')) return;
  const open = rows.flatMap(({ id }) => journal.attempts(id).filter(({ endedAt }) => endedAt === undefined));
  process.stdout.write(`${JSON.stringify({ succeeded: rows.length, openAttempts: open.length })}\n`);
  void end();
});
engine.start();
engine.propose(proposals);

async function end(): Promise<void> {
  await engine.stop();
  await executor.stop();
  process.exit(0);
}
