/**
 * One node of the benchmark, as a process: real store, real federation, and the planner behind it, which plans once for each batch as the
 * daemon's reconciler does. Parent and node talk over the channel that `fork` gives.
 */
import path from 'node:path';
import { createFederation, type AcceptedFact } from '@routerd/federation';
import {
  durationMs,
  parseHostAddress,
  parsePoolName,
  parseResource,
  parseSiteName,
  type HostAddress,
  type Resource,
  type Result,
} from '@routerd/resources';
import { createLog, steadyClock, systemClock } from '@routerd/runtime';
import { openStore } from '@routerd/store';
import { z } from 'zod';
import { nodeSettings } from '../../src/index.ts';
import { PoolState } from '../../src/pool-state.ts';

const TICK_MS = 10;
const options = z
  .object({
    self: z.string(),
    seed: z.string(),
    server: z.string(),
    peers: z.record(z.string(), z.string()),
    stateDir: z.string(),
  })
  .parse(JSON.parse(process.argv[2] ?? '{}'));
const order = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('emit'), rate: z.number(), seconds: z.number() }),
  z.object({ kind: z.literal('own'), addresses: z.number() }),
  z.object({ kind: z.literal('samples') }),
  z.object({ kind: z.literal('memory') }),
  z.object({ kind: z.literal('stop') }),
]);

const pool = valueOf(parsePoolName('bench'));
const site = valueOf(parseSiteName(options.self));
const log = createLog('silent');
const store = valueOf(openStore(path.join(options.stateDir, 'node.db'), { log }));
const settings = valueOf(nodeSettings(documents()));
const config = settings.federation ?? fail('a group was declared');
const [context = fail('a pool was declared')] = settings.pools;
const { self } = config;
const federation = valueOf(
  createFederation({
    config: { ...config, seed: options.seed },
    clock: systemClock,
    log,
    factStore: store.facts,
    highWaterStore: store.highWater,
    isCapturedHere: () => undefined,
  }),
);

const planner = new PoolState(context, []);
const steady = steadyClock(systemClock);
const members = new Map(
  [...context.members.keys()].map((node) => [node, { node, liveness: 'alive', draining: false } as const]),
);
let accepted: number[] = [];
let planned: number[] = [];
let recorded = 0;
let waiting: AcceptedFact[] = [];
federation.facts.onAccepted((facts) => {
  accepted.push(...agesOf(facts));
  // The reconciler marks what a batch touched and plans it in the next microtask.
  if (waiting.length === 0) queueMicrotask(plan);
  waiting.push(...facts);
});

function plan(): void {
  const facts = waiting;
  waiting = [];
  const situation = {
    now: steady.now(),
    members,
    membersWaited: true,
    waitingFor: [],
    registryConnected: true,
    nic: { kind: 'unknown' },
    hostCaptures: new Set<HostAddress>(),
    heldForOtherPools: 0,
    ownedForOtherPools: 0,
  } as const;
  planner.replanAll(new Set(planner.accept(facts)), situation, store.highWater.all(), () => ({ order: undefined }));
  planned.push(...agesOf(facts));
}

/** Milliseconds since the facts of others were recorded. The monotonic clock is the machine's: the same for all processes. */
function agesOf(facts: readonly AcceptedFact[]): readonly number[] {
  const now = process.hrtime.bigint();
  return facts
    .filter(({ fact }) => fact.source !== self && fact.origin.startsWith('t='))
    .map(({ fact }) => Number(now - BigInt(fact.origin.slice(2))) / 1e6);
}

const began = performance.now();
const cpuBefore = process.cpuUsage();
federation.onStatus(() => {
  // What came last is planned after this.
  if (federation.status().connected) setImmediate(tellConnected);
});

function tellConnected(): void {
  const { user, system } = process.cpuUsage(cpuBefore);
  process.send?.({
    kind: 'connected',
    afterMs: performance.now() - began,
    cpuMs: (user + system) / 1000,
    facts: federation.facts.accepted().length,
    planned: [...planner.plans()].filter(({ lease }) => lease !== undefined).length,
  });
}

process.on('message', (message) => void obey(order.parse(message)));
process.on('disconnect', () => process.exit(0));
await federation.start();

async function obey(told: z.output<typeof order>): Promise<void> {
  switch (told.kind) {
    case 'emit':
      await emit(told.rate, told.seconds);
      return;
    case 'own':
      for (let from = 0; from < told.addresses; from += 1024) {
        const indices = Array.from({ length: Math.min(1024, told.addresses - from) }, (_, index) => from + index);
        record(indices, 'own');
      }
      await untilSent();
      process.send?.({ kind: 'emitted', facts: told.addresses });
      return;
    case 'samples':
      process.send?.({ kind: 'samples', accepted, planned });
      [accepted, planned] = [[], []];
      return;
    case 'memory':
      process.send?.({ kind: 'memory', mebibytes: process.memoryUsage.rss() / 2 ** 20 });
      return;
    case 'stop':
      await federation.stop();
      store.close();
      process.exit(0);
  }
}

/** What is due at each tick is recorded together; what was late is not made up for beyond one second. */
async function emit(rate: number, seconds: number): Promise<void> {
  const start = performance.now();
  const total = rate * seconds;
  let done = 0;
  while (done < total) {
    const due = Math.min(total, Math.ceil(((performance.now() - start) / 1000) * rate));
    if (due > done)
      record(
        Array.from({ length: due - done }, () => recorded++ % 65_536),
        `t=${process.hrtime.bigint()}`,
      );
    done = due;
    await new Promise((resolve) => {
      setTimeout(resolve, TICK_MS);
    });
  }
  const tookMs = performance.now() - start;
  await untilSent();
  process.send?.({ kind: 'emitted', facts: total, tookMs });
}

function record(indices: readonly number[], origin: string): void {
  const drafts = indices.map((index) => ({
    type: 'routerd.client.ipv4.observed' as const,
    address: valueOf(parseHostAddress(`10.64.${index >> 8}.${index & 255}/32`)),
    pool,
    site,
    ttl: durationMs(3_600_000),
    origin,
  }));
  for (const recordedOne of federation.facts.recordAll(drafts)) valueOf(recordedOne);
}

async function untilSent(): Promise<void> {
  while (federation.status().outboxDepth > 0) {
    await new Promise((resolve) => {
      setTimeout(resolve, TICK_MS);
    });
  }
}

/** All sites capture on a LAN, so that each plan is about a lease, a capture and a delivery. */
function documents(): readonly Resource[] {
  const document = (group: string, kind: string, name: string, spec: object): Resource =>
    valueOf(parseResource({ apiVersion: `${group}.routerd.net/v1alpha1`, kind, metadata: { name }, spec }));
  const nodes = [options.self, ...Object.keys(options.peers)].toSorted();
  return [
    document('federation', 'EventGroup', 'bench', {
      nodeName: options.self,
      servers: [options.server],
      identity: { seedFile: '/none' },
    }),
    ...Object.entries(options.peers).map(([nodeName, publicKey]) =>
      document('federation', 'EventPeer', nodeName, { groupRef: 'bench', nodeName, publicKey }),
    ),
    document('mobility', 'MobilityPool', 'bench', {
      prefix: '10.64.0.0/15',
      groupRef: 'bench',
      members: nodes.map((node) => ({
        nodeRef: node,
        site: node,
        role: 'onprem',
        capture: { type: 'proxy-arp', interface: 'lan0' },
      })),
      leasePolicy: { ttl: '1h', holdDuration: '5s' },
    }),
  ];
}

function fail(why: string): never {
  throw new Error(why);
}

function valueOf<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}
