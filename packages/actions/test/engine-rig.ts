/** One engine over in-memory ports and a clock that stands still, plus the sentences that tests speak in. */
import {
  captureKeyOf,
  type ActionProposal,
  type ActionVerb,
  type CaptureDomain,
  type CaptureEpoch,
  type CaptureKey,
} from '@routerd/mobility';
import { instant, type HostAddress, type NodeName, type PoolName } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { createActionEngine, type ActionEngine } from '../src/action-engine.ts';
import { createMemoryExecutor, type MemoryExecutor } from '../src/adapters/memory/memory-executor.ts';
import { createMemoryJournal } from '../src/adapters/memory/memory-journal.ts';
import type { EngineLimits } from '../src/engine-parts.ts';
import type { ActionPolicy } from '../src/policy.ts';
import { type ActionRow, type Journal, type NicTarget } from '../src/ports.ts';
import { MemoryRegistry } from '../src/contract/memory-registry.ts';

export const SELF = 'aws-router-a' as NodeName;
export const OTHER = 'aws-router-b' as NodeName;
export const POOL = 'cloudedge' as PoolName;
export const DOMAIN = 'provider:aws-main:placement:aws' as CaptureDomain;
export const NIC: NicTarget = {
  provider: 'aws',
  providerRef: 'aws-main',
  nicRef: 'eni-a',
  target: { region: 'eu-central-1' },
};

export const address = (host: number): HostAddress => `10.77.60.${host}/32` as HostAddress;
export const keyOf = (host: number): CaptureKey => captureKeyOf(POOL, address(host), DOMAIN);

export function proposal(
  verb: ActionVerb,
  host: number,
  epoch: number,
  changes: Partial<ActionProposal> = {},
): ActionProposal {
  const { nicRef = NIC.nicRef } = changes;
  const subject = verb.endsWith('secondary-ip') ? `:${address(host)}` : '';
  return {
    idempotencyKey: `mobility:${POOL}:aws:${nicRef}:${verb}${subject}:epoch:${epoch}`,
    pool: POOL,
    provider: 'aws',
    providerRef: NIC.providerRef,
    nicRef,
    verb,
    address: address(host),
    captureKey: keyOf(host),
    captureDomain: DOMAIN,
    captureEpoch: epoch as CaptureEpoch,
    captureHolder: SELF,
    seize: undefined,
    target: NIC.target,
    riskLevel: 'medium',
    because: [],
    ...changes,
  };
}

export const assign = (host: number, epoch = 1, changes: Partial<ActionProposal> = {}): ActionProposal =>
  proposal('assign-secondary-ip', host, epoch, changes);

export function policy(spec: Partial<ActionPolicy['spec']> = {}, name = 'policy'): ActionPolicy {
  return {
    apiVersion: 'hybrid.routerd.net/v1alpha1',
    kind: 'ProviderActionPolicy',
    metadata: { name, annotations: {}, ownerRefs: [] },
    spec: {
      enabled: true,
      dryRunOnly: false,
      requireApproval: false,
      allowedProviders: ['aws'],
      allowedProviderRefs: [],
      allowedActions: [
        'assign-secondary-ip',
        'unassign-secondary-ip',
        'ensure-forwarding-enabled',
        'ensure-forwarding-disabled',
      ],
      allowedCIDRs: [],
      maxActionsPerRun: 64,
      allowUndo: false,
      ...spec,
    },
  };
}

export interface Rig {
  readonly clock: ManualClock;
  readonly log: RecordingLog;
  readonly registry: MemoryRegistry;
  readonly journal: Journal;
  readonly cloud: MemoryExecutor;
  readonly engine: ActionEngine;
  /** Lets everything run that needs no time to pass. */
  settle(): Promise<void>;
  /** Lets time pass in steps, everything running in between. */
  pass(milliseconds: number): Promise<void>;
  /** This node wins the address: epoch + 1. */
  win(...hosts: readonly number[]): void;
  lose(host: number, to?: NodeName): void;
  row(proposal: ActionProposal): ActionRow | undefined;
  /** Calls that could change something, as `verb addresses`. */
  executed(): readonly string[];
}

export interface RigOptions {
  readonly journal?: Journal;
  readonly cloud?: MemoryExecutor;
  readonly registry?: MemoryRegistry;
  readonly clock?: ManualClock;
  readonly policies?: readonly ActionPolicy[];
  readonly limits?: Partial<EngineLimits>;
  readonly random?: () => number;
  /** False leaves the engine to be started by the test. */
  readonly start?: boolean;
}

export function createRig(options: RigOptions = {}): Rig {
  const clock = options.clock ?? new ManualClock(instant(1_800_000_000_000));
  const log = new RecordingLog();
  const registry = options.registry ?? new MemoryRegistry(SELF);
  const journal = options.journal ?? createMemoryJournal();
  const cloud = options.cloud ?? createMemoryExecutor(clock);
  if (options.cloud === undefined) {
    cloud.addNic({ nicRef: 'eni-a', node: SELF });
    cloud.addNic({ nicRef: 'eni-b', node: OTHER });
  }
  const ports = {
    self: SELF,
    journal,
    executor: cloud,
    fence: registry,
    clock,
    random: options.random ?? (() => 0.5),
    log,
  };
  const engine = createActionEngine(ports, options.limits);
  engine.setPolicies(options.policies ?? [policy()]);
  engine.requestObservation(NIC);
  if (options.start !== false) engine.start();
  const settle = async (): Promise<void> => {
    // Nothing in the rig waits for I/O: a few turns of the event loop drain every chain of promises.
    for (let turn = 0; turn < 8; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    clock,
    log,
    registry,
    journal,
    cloud,
    engine,
    settle,
    async pass(milliseconds) {
      for (let passed = 0; passed < milliseconds; passed += 50) {
        clock.advance(Math.min(50, milliseconds - passed));
        await settle();
      }
    },
    win(...hosts) {
      for (const host of hosts)
        registry.seize(keyOf(host), SELF, { pool: POOL, address: address(host), domain: DOMAIN });
      engine.sweepStale();
    },
    lose(host, to = OTHER) {
      registry.seize(keyOf(host), to, { pool: POOL, address: address(host), domain: DOMAIN });
      engine.sweepStale();
    },
    row: (wanted) => journal.byKey(wanted.idempotencyKey),
    executed: () =>
      cloud.calls.flatMap((call) =>
        call.kind === 'execute' && call.request.mode === 'execute'
          ? [`${call.request.verb} ${call.request.addresses.map((each) => each.address).join(',')}`]
          : [],
      ),
  };
}
