/**
 * kill -9 of the daemon at every step of every verb, and of the executor in every call: each write of the journal, each append, each call,
 * before it and after it, and in the middle of a batch. Then a new process finds the same journal, registry and cloud.
 *
 * 1. Everything ends `succeeded`, and the NIC is as the plan wants it: nothing is lost, nothing is wedged.
 * 2. No change is made twice, and no call is made for what is in effect already: a crash is resolved by looking.
 * 3. No attempt stays open, and no call was made that the journal did not have before.
 */
import { instant } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import type { ActionProposal } from '@routerd/mobility';
import { describe, expect, test } from 'vitest';
import { createActionEngine, type ActionEngine } from '../src/action-engine.ts';
import { createMemoryExecutor, type MemoryExecutor } from '../src/adapters/memory/memory-executor.ts';
import { createMemoryJournal } from '../src/adapters/memory/memory-journal.ts';
import type { FenceRegistry, Journal, ProviderExecutor } from '../src/ports.ts';
import { address, assign, DOMAIN, keyOf, NIC, OTHER, policy, POOL, proposal, SELF } from './engine-rig.ts';
import { MemoryRegistry } from '../src/contract/memory-registry.ts';
import {
  crashingExecutor,
  Life,
  mortalExecutor,
  mortalJournal,
  mortalRegistry,
  type DeathPoint,
} from './mortal-ports.ts';

const HOSTS = [10, 11, 12] as const;
const POINTS = ['before', 'half-way', 'after'] as const;
/** More than any back-off and the whole settling of a reading need. Milliseconds. */
const RECOVERY = [200, 400, 800, 1600, 3200, 6400, 12_800, 35_000] as const;

interface Scenario {
  readonly title: string;
  readonly prepare: (world: World) => void;
  readonly plan: readonly ActionProposal[];
  /** Where each address has to be at the end. */
  readonly holder: string | undefined;
  readonly forwarding: boolean;
}

const subject = (host: number) => ({ pool: POOL, address: address(host), domain: DOMAIN });

const SCENARIOS: readonly Scenario[] = [
  {
    title: 'capture: forwarding on, then all addresses in one call',
    prepare: ({ registry }) => HOSTS.forEach((host) => registry.seize(keyOf(host), SELF, subject(host))),
    plan: [proposal('ensure-forwarding-enabled', 10, 1), ...HOSTS.map((host) => assign(host))],
    holder: 'eni-a',
    forwarding: true,
  },
  {
    title: 'seizure from another router, which has died',
    prepare({ registry, cloud }) {
      for (const host of HOSTS) {
        registry.seize(keyOf(host), OTHER, subject(host));
        cloud.place(address(host), 'eni-b');
        registry.seize(keyOf(host), SELF, subject(host));
      }
    },
    plan: [
      proposal('ensure-forwarding-enabled', 10, 2),
      ...HOSTS.map((host) => assign(host, 2, { seize: { from: OTHER } })),
    ],
    holder: 'eni-a',
    forwarding: true,
  },
  {
    title: 'release: all addresses in one call, then forwarding off',
    prepare({ registry, cloud }) {
      cloud.setForwarding('eni-a', true);
      for (const host of HOSTS) {
        cloud.place(address(host), 'eni-a');
        const record = registry.seize(keyOf(host), SELF, subject(host));
        registry.write({ ...record, phase: 'releasing' }, SELF);
      }
    },
    plan: [
      ...HOSTS.map((host) => proposal('unassign-secondary-ip', host, 1)),
      proposal('ensure-forwarding-disabled', 10, 1),
    ],
    holder: undefined,
    forwarding: false,
  },
];

/** What outlives processes. */
class World {
  readonly clock = new ManualClock(instant(1_800_000_000_000));
  readonly registry = new MemoryRegistry(SELF);
  readonly journal = createMemoryJournal();
  readonly cloud: MemoryExecutor = createMemoryExecutor(this.clock);
  readonly violations: string[] = [];
  readonly #scenario: Scenario;
  readonly #engines: ActionEngine[] = [];

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.cloud.addNic({ nicRef: 'eni-a', node: SELF });
    this.cloud.addNic({ nicRef: 'eni-b', node: OTHER });
    scenario.prepare(this);
  }

  /** A process of the daemon: what is left of the one before does nothing any more. */
  async run(life: Life, executor: ProviderExecutor = this.#watched()): Promise<void> {
    for (const engine of this.#engines) void engine.stop();
    const journal: Journal = mortalJournal(this.journal, life);
    const fence: FenceRegistry = mortalRegistry(this.registry, life);
    const ports = { self: SELF, journal, fence, clock: this.clock, random: () => 0.5, log: new RecordingLog() };
    const engine = createActionEngine({ ...ports, executor: mortalExecutor(executor, life) });
    this.#engines.push(engine);
    engine.setPolicies([policy()]);
    engine.requestObservation(NIC);
    engine.start();
    engine.propose(this.#scenario.plan);
    await settled();
    for (const milliseconds of RECOVERY) {
      if (life.isDead || this.isDone()) break;
      this.clock.advance(milliseconds);
      await settled();
    }
  }

  isDone(): boolean {
    const rows = this.journal.list();
    return rows.length === this.#scenario.plan.length && rows.every(({ status }) => status === 'succeeded');
  }

  async stop(): Promise<void> {
    for (const engine of this.#engines) void engine.stop();
    this.clock.advance(10_000);
    await settled();
  }

  /** The cloud, noting every call that should not have been made. */
  #watched(): ProviderExecutor {
    return {
      execute: async (request, signal) => {
        const before = this.cloud.mutations.length;
        const isJournalled = this.journal
          .list({ status: 'running' })
          .some(({ id }) =>
            this.journal.attempts(id).some(({ attempt, endedAt }) => attempt === request.attempt && !endedAt),
          );
        if (!isJournalled) this.violations.push(`${request.verb} was called without an open attempt`);
        const answer = await this.cloud.execute(request, signal);
        if (this.cloud.mutations.length === before) this.violations.push(`${request.verb} was called for nothing`);
        return answer;
      },
      observe: async (nic, signal) => this.cloud.observe(nic, signal),
    };
  }

  watched(): ProviderExecutor {
    return this.#watched();
  }

  /** Everything that is not as it has to be. */
  complaints(): readonly string[] {
    const { holder, forwarding, plan } = this.#scenario;
    const rows = this.journal.list();
    const changes = this.cloud.mutations.map(({ verb, address: each }) =>
      verb.startsWith('ensure') ? verb : `${verb} ${each}`,
    );
    return [
      ...this.violations,
      ...(rows.length === plan.length ? [] : [`${rows.length} rows for ${plan.length} actions`]),
      ...rows
        .filter(({ status }) => status !== 'succeeded')
        .map(({ id, status, message }) => `${id} ${status} ${message}`),
      ...rows.flatMap(({ id }) =>
        this.journal
          .attempts(id)
          .flatMap(({ attempt, endedAt }) => (endedAt === undefined ? [`${attempt} is open`] : [])),
      ),
      ...HOSTS.filter((host) => this.cloud.holderOf(address(host)) !== holder).map((host) => `${host} is elsewhere`),
      ...(this.cloud.forwarding('eni-a') === forwarding ? [] : ['forwarding is wrong']),
      ...changes.filter((change, index) => changes.indexOf(change) !== index).map((change) => `twice: ${change}`),
    ];
  }
}

/** Nothing here waits for I/O: a few turns of the event loop drain every chain of promises. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function stepsOf(scenario: Scenario): Promise<readonly string[]> {
  const world = new World(scenario);
  const life = new Life();
  await world.run(life);
  expect(world.complaints()).toEqual([]);
  await world.stop();
  return life.steps;
}

async function complaintsAfter(
  scenario: Scenario,
  deaths: readonly { readonly at: number; readonly point: DeathPoint }[],
) {
  const world = new World(scenario);
  for (const death of deaths) await world.run(new Life(death));
  await world.run(new Life());
  await world.stop();
  return world.complaints();
}

describe.each(SCENARIOS)('$title', (scenario) => {
  test('the daemon is killed at every step', async () => {
    const steps = await stepsOf(scenario);
    expect(new Set(steps.map((step) => step.split(' ')[0]))).toEqual(
      new Set(['import', 'observe', 'append', 'transition', 'open', 'execute', 'close', 'prune']),
    );
    for (const [at, step] of steps.entries()) {
      for (const point of POINTS)
        expect(await complaintsAfter(scenario, [{ at, point }]), `${point} step ${at}: ${step}`).toEqual([]);
    }
  });

  test('the daemon is killed at every step, and the next one soon after its start', async () => {
    const steps = await stepsOf(scenario);
    for (const at of steps.keys()) {
      for (let next = 0; next < 6; next += 1) {
        const deaths = [
          { at, point: 'after' as const },
          { at: next, point: 'after' as const },
        ];
        expect(await complaintsAfter(scenario, deaths), `steps ${at} and ${next}`).toEqual([]);
      }
    }
  });

  test('the executor is killed in every call', async () => {
    const calls = (await stepsOf(scenario)).filter((step) => /^(execute|observe)/.test(step));
    expect(calls.length).toBeGreaterThan(2);
    for (const at of calls.keys()) {
      for (const point of POINTS) {
        const world = new World(scenario);
        await world.run(new Life(), crashingExecutor(world.watched(), at, point));
        await world.stop();
        expect(world.complaints(), `${point} call ${at}: ${calls[at]}`).toEqual([]);
      }
    }
  });
});
