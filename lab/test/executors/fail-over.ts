/**
 * Two hundred addresses fail over from one router to another: the engine with its fences and its journal, the executor as a process with
 * the vendor's SDK, and the emulator that counts. Where a NIC takes fewer addresses it is as many NICs, one after the other.
 */
import { createActionEngine, createMemoryJournal, type ActionRow, type NicTarget } from '@routerd/actions';
import { MemoryRegistry } from '@routerd/actions/contract';
import type { NodeName, PoolName, ResourceOf } from '@routerd/resources';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { waitUntil } from '../../src/wait-until.ts';
import { address, type ExecutorStage } from './executor-stage.ts';

type ActionProposal = ActionRow['proposal'];
type Subject = Pick<ActionProposal, 'pool' | 'address' | 'captureDomain' | 'captureKey'>;

const ADDRESSES = 200;
const POOL = 'cloudedge' as PoolName;
const DEADLINE_MS = 50_000;

export interface FailOver {
  readonly stage: () => ExecutorStage;
  /** How many secondaries a NIC of the emulator takes. */
  readonly perNic: number;
  /** Mutating calls that the vendor's API allows to do it in. */
  readonly callsMax: (addresses: number, nics: number) => number;
}

export function failOverTest({ stage, perNic, callsMax }: FailOver): void {
  test(`${ADDRESSES} addresses fail over in as few calls as the vendor allows`, async () => {
    const bare = Array.from({ length: ADDRESSES }, (_, index) => `10.77.60.${30 + index}`);
    const rounds = Array.from({ length: Math.ceil(ADDRESSES / perNic) }, (_, index) =>
      bare.slice(index * perNic, (index + 1) * perNic),
    );
    let calls = 0;
    let milliseconds = 0;
    for (const round of rounds) {
      await stage().reset();
      const began = performance.now();
      calls += await failOver(stage(), round);
      milliseconds += performance.now() - began;
    }
    process.stdout.write(
      `${stage().nicA.provider}: ${ADDRESSES} addresses over ${rounds.length} NICs: ${calls} calls, ${Math.round(milliseconds)} ms\n`,
    );
    expect(calls).toBeLessThanOrEqual(callsMax(ADDRESSES, rounds.length));
  });
}

/** @returns mutating calls that reached the vendor's API, forwarding aside: that the successor has before */
async function failOver(stage: ExecutorStage, bare: readonly string[]): Promise<number> {
  await stage.rig.control.changeAddresses(`${stage.nicA.provider}-router-b`, { assign: bare });
  await stage.rig.control.resetJournal();
  await seizeAll(stage, bare, 256);
  return (await stage.mutations()).length;
}

/**
 * Router A's engine takes addresses from router B.
 * @param maxActionsPerRun how many of them go into one request
 */
export async function seizeAll(stage: ExecutorStage, bare: readonly string[], maxActionsPerRun: number): Promise<void> {
  await withEngine(stage, { bare, maxActionsPerRun }, async ({ engine, journal, proposals }) => {
    engine.propose(proposals);
    const isDone = (): true | undefined =>
      journal.list().filter(({ status }) => status === 'succeeded').length === bare.length || undefined;
    const stuck = (): string =>
      [...new Set(journal.list().map(({ status, message }) => `${status}: ${message}`))].slice(0, 3).join(' | ');
    await waitUntil(() => `the fail-over (${stuck()})`, isDone, { deadlineMs: DEADLINE_MS });
  });
}

export interface EngineAtWork {
  readonly engine: ReturnType<typeof createActionEngine>;
  readonly journal: ReturnType<typeof createMemoryJournal>;
  /** One seizure from router B for each address, not proposed yet. */
  readonly proposals: readonly ActionProposal[];
}

/** Router A's engine, which has just won these addresses from router B; stopped afterwards. */
export async function withEngine(
  stage: ExecutorStage,
  { bare, maxActionsPerRun }: { readonly bare: readonly string[]; readonly maxActionsPerRun: number },
  work: (at: EngineAtWork) => Promise<void>,
): Promise<void> {
  const { nicA, nicB } = stage;
  const cloud = nicA.provider;
  const [self, lost] = [`${cloud}-router-a`, `${cloud}-router-b`];
  const captureDomain = `provider:${cloud}:placement:routers` as ActionProposal['captureDomain'];
  const registry = new MemoryRegistry(self as NodeName);
  const proposals = bare.map((one) => {
    const of = address(one);
    const captureKey = `${POOL}|${of}|${captureDomain}` as ActionProposal['captureKey'];
    const subject = { pool: POOL, address: of, captureDomain, captureKey };
    registry.seize(captureKey, lost as NodeName, { ...subject, domain: captureDomain });
    const { epoch } = registry.seize(captureKey, self as NodeName, { ...subject, domain: captureDomain });
    return seizure(subject, epoch, { nic: nicA, self: self as NodeName, from: lost as NodeName, fromNic: nicB });
  });
  const journal = createMemoryJournal();
  const engine = createActionEngine({
    self: self as NodeName,
    journal,
    executor: stage.executor,
    fence: registry,
    clock: systemClock,
    random: Math.random,
    log: new RecordingLog(),
  });
  engine.setPolicies([policyFor(cloud, maxActionsPerRun)]);
  engine.start();
  try {
    await work({ engine, journal, proposals });
  } finally {
    await engine.stop();
  }
}

interface Routers {
  readonly nic: NicTarget;
  readonly self: NodeName;
  readonly from: NodeName;
  readonly fromNic: NicTarget;
}

function seizure(
  subject: Subject,
  captureEpoch: ActionProposal['captureEpoch'],
  { nic: { provider, providerRef, nicRef, target }, self, from, fromNic }: Routers,
): ActionProposal {
  return {
    ...subject,
    idempotencyKey: `mobility:${POOL}:${provider}:${nicRef}:assign-secondary-ip:${subject.address}:epoch:${captureEpoch}`,
    provider,
    providerRef,
    nicRef,
    verb: 'assign-secondary-ip',
    captureEpoch,
    captureHolder: self,
    seize: { from },
    target: { ...target, [`nicOf.${from}`]: fromNic.nicRef },
    riskLevel: 'medium',
    because: [],
  };
}

function policyFor(provider: NicTarget['provider'], maxActionsPerRun: number): ResourceOf<'ProviderActionPolicy'> {
  return {
    apiVersion: 'hybrid.routerd.net/v1alpha1',
    kind: 'ProviderActionPolicy',
    metadata: { name: 'fail-over', annotations: {}, ownerRefs: [] },
    spec: {
      enabled: true,
      dryRunOnly: false,
      requireApproval: false,
      allowedProviders: [provider],
      allowedProviderRefs: [],
      allowedActions: ['assign-secondary-ip', 'ensure-forwarding-enabled'],
      allowedCIDRs: [],
      maxActionsPerRun,
      allowUndo: false,
    },
  };
}
