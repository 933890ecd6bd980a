/**
 * Two routers of one placement group, one registry, one cloud; planners that lag, processes that die, calls that fail.
 * Invariants (docs/reference/actions.md): I1, the provider never sees an epoch lower than one it has seen for the same key;
 * I4, what the provider sees was in the journal before.
 */
import fc from 'fast-check';
import type { ActionProposal, CaptureRecord } from '@routerd/mobility';
import { instant, type NodeName } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { createActionEngine, type ActionEngine } from '../src/action-engine.ts';
import { createMemoryExecutor, type InjectedFault } from '../src/adapters/memory/memory-executor.ts';
import { createMemoryJournal } from '../src/adapters/memory/memory-journal.ts';
import type { FenceRegistry, ProviderExecutor } from '../src/ports.ts';
import { address, assign, DOMAIN, keyOf, NIC, OTHER, policy, POOL, proposal, SELF } from './engine-rig.ts';
import { MemoryRegistry } from '../src/contract/memory-registry.ts';

const HOSTS = [10, 11, 12] as const;
const NODES = [
  { node: SELF, nicRef: 'eni-a' },
  { node: OTHER, nicRef: 'eni-b' },
] as const;

type Event =
  | { readonly kind: 'seize' | 'release'; readonly who: number; readonly host: number }
  | { readonly kind: 'plan' | 'old-plan' | 'restart' | 'cut' | 'heal'; readonly who: number }
  | { readonly kind: 'fault'; readonly fault: InjectedFault }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'settle' };

const who = fc.integer({ min: 0, max: 1 });
const host = fc.constantFrom(...HOSTS);
const fault = fc.constantFrom<InjectedFault>(
  { kind: 'lost-response' },
  { kind: 'hang' },
  { kind: 'refused', fault: { code: 'executor.failed', errorClass: 'throttled', detail: 'slow down' } },
  { kind: 'refused', fault: { code: 'executor.crashed', errorClass: 'transport', detail: 'gone' } },
);
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('seize'), who, host }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release'), who, host }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('plan'), who }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('old-plan', 'restart', 'cut', 'heal'), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fault'), fault }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass'), ms: fc.integer({ min: 1, max: 40_000 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('settle') }) },
);

/** One router: its journal outlives its engines. */
class Router {
  readonly journal = createMemoryJournal();
  readonly violations: string[] = [];
  isCut = false;
  plan: readonly ActionProposal[] = [];
  previousPlan: readonly ActionProposal[] = [];
  readonly #node: NodeName;
  readonly #nicRef: string;
  readonly #world: World;
  readonly #registry: FenceRegistry;
  #engine: ActionEngine;

  constructor(world: World, { node, nicRef }: (typeof NODES)[number]) {
    this.#world = world;
    this.#registry = world.registryOf(node, () => this.isCut);
    this.#node = node;
    this.#nicRef = nicRef;
    this.#engine = this.#start();
  }

  restart(): void {
    void this.#engine.stop();
    this.#engine = this.#start();
  }

  propose(isOld: boolean): void {
    this.previousPlan = this.plan;
    this.plan = HOSTS.flatMap((host) => this.#wishFor(host, this.#registry.records().get(keyOf(host))));
    this.#engine.propose(isOld ? this.previousPlan : this.plan);
  }

  onRecords(): void {
    if (!this.isCut) this.#engine.sweepStale();
  }

  async stop(): Promise<void> {
    await this.#engine.stop();
  }

  #wishFor(host: number, record: CaptureRecord | undefined): readonly ActionProposal[] {
    if (record?.holder !== this.#node) return [];
    const changes = { nicRef: this.#nicRef, captureHolder: this.#node };
    if (record.phase === 'releasing') return [proposal('unassign-secondary-ip', host, record.epoch, changes)];
    const from = record.previous;
    const seize = from === undefined || from === this.#node ? undefined : { from };
    return [assign(host, record.epoch, { ...changes, seize })];
  }

  #start(): ActionEngine {
    const { clock, cloud } = this.#world;
    const executor: ProviderExecutor = {
      execute: async (request, signal) => {
        const rows = request.addresses.map(({ address: each }) =>
          this.journal.list({ status: 'running' }).find((row) => row.proposal.address === each),
        );
        const isJournalled = rows.every(
          (row) =>
            row !== undefined &&
            this.journal
              .attempts(row.id)
              .some(({ attempt, endedAt }) => attempt === request.attempt && endedAt === undefined),
        );
        if (!isJournalled) this.violations.push(`called without a journal row: ${request.attempt}`);
        return cloud.execute(request, signal);
      },
      observe: async (nic, signal) => cloud.observe(nic, signal),
    };
    const engine = createActionEngine({
      self: this.#node,
      journal: this.journal,
      executor,
      fence: this.#registry,
      clock,
      random: () => 0.5,
      log: new RecordingLog(),
    });
    engine.setPolicies([policy()]);
    engine.requestObservation({ ...NIC, nicRef: this.#nicRef });
    engine.start();
    return engine;
  }
}

class World {
  readonly clock = new ManualClock(instant(1_800_000_000_000));
  readonly cloud = createMemoryExecutor(this.clock);
  readonly registry = new MemoryRegistry(SELF);
  readonly routers: readonly Router[];

  constructor() {
    for (const { node, nicRef } of NODES) this.cloud.addNic({ nicRef, node });
    this.routers = NODES.map((each) => new Router(this, each));
  }

  /** A node that is cut off reads the log as far as it got, and gets no quorum. */
  registryOf(node: NodeName, isCut: () => boolean): FenceRegistry {
    let seen: ReturnType<FenceRegistry['records']> = new Map();
    return {
      records: () => {
        if (!isCut()) seen = new Map(this.registry.records());
        return seen;
      },
      append: async (transitions, signal) => {
        if (isCut()) return transitions.map(() => ({ kind: 'unreachable', detail: `${node} is cut off` }) as const);
        return this.registry.append(transitions, signal);
      },
    };
  }

  change(kind: 'seize' | 'release', { node }: (typeof NODES)[number], host: number): void {
    const key = keyOf(host);
    const record = this.registry.records().get(key);
    const fields = { pool: POOL, address: address(host), domain: DOMAIN };
    if (kind === 'seize') this.registry.seize(key, node, fields);
    else if (record?.holder === node) this.registry.write({ ...record, phase: 'releasing' }, node);
    for (const router of this.routers) router.onRecords();
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  async pass(ms: number): Promise<void> {
    for (const step of [ms / 4, ms / 4, ms / 2]) {
      this.clock.advance(step);
      await this.settle();
    }
  }

  async run(each: Event): Promise<void> {
    switch (each.kind) {
      case 'seize':
      case 'release':
        return this.change(each.kind, NODES[each.who] ?? NODES[0], each.host);
      case 'fault':
        return this.cloud.inject(each.fault);
      case 'pass':
        return this.pass(each.ms);
      case 'settle':
        return this.settle();
      case 'restart':
        return this.routers[each.who]?.restart();
      case 'plan':
      case 'old-plan':
        return this.routers[each.who]?.propose(each.kind === 'old-plan');
      case 'cut':
      case 'heal': {
        const router = this.routers[each.who];
        if (router !== undefined) router.isCut = each.kind === 'cut';
      }
    }
  }
}

test('no history of events lets the provider see an older epoch, or a change that no journal knows', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 60, size: 'max' }), async (events) => {
      const world = new World();
      for (const each of events) await world.run(each);
      await world.pass(1000);
      for (const router of world.routers) await router.stop();
      await world.settle();

      const highest = new Map<string, number>();
      const falls = world.cloud.mutations.filter(({ captureKey, captureEpoch }) => {
        const isFall = captureEpoch < (highest.get(captureKey) ?? 0);
        highest.set(captureKey, Math.max(captureEpoch, highest.get(captureKey) ?? 0));
        return isFall;
      });
      expect(falls).toEqual([]);
      expect(world.routers.flatMap(({ violations }) => violations)).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('a router that is cut off does not act, though everything that it can read admits it', async () => {
  const world = new World();
  const [a, b] = world.routers;
  world.change('seize', NODES[0], 10);
  if (a === undefined || b === undefined) throw new Error('two routers');
  a.isCut = true;
  world.change('seize', NODES[1], 10);
  b.propose(false);
  await world.settle();
  a.plan = [assign(10, 1)];
  a.propose(true);
  await world.pass(5000);
  // The cached fence of the cut-off router admits it; only the quorum write keeps it back.
  expect(a.journal.list()).toMatchObject([
    { status: 'approved', attempts: 0, message: expect.stringContaining('cut off') },
  ]);
  expect(world.cloud.mutations.map(({ captureEpoch }) => captureEpoch)).toEqual([2]);
  for (const router of world.routers) await router.stop();
});
