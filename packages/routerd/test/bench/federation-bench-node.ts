/** One node of the benchmark, as a process: real store, real federation. Parent and node talk over the channel that `fork` gives. */
import path from 'node:path';
import { createFederation, parseGroupName } from '@routerd/federation';
import {
  durationMs,
  parseHostAddress,
  parseIpv4Prefix,
  parseNodeName,
  parsePoolName,
  parseSiteName,
  type Result,
} from '@routerd/resources';
import { createLog, systemClock } from '@routerd/runtime';
import { openStore } from '@routerd/store';
import { z } from 'zod';

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

const self = valueOf(parseNodeName(options.self));
const pool = valueOf(parsePoolName('bench'));
const site = valueOf(parseSiteName(options.self));
const log = createLog('silent');
const store = valueOf(openStore(path.join(options.stateDir, 'node.db'), { log }));
const peers = Object.entries(options.peers).map(([node, key]) => [valueOf(parseNodeName(node)), key] as const);
const nodes = [self, ...peers.map(([node]) => node)];
const federation = valueOf(
  createFederation({
    config: {
      group: valueOf(parseGroupName('bench')),
      self,
      seed: options.seed,
      servers: [options.server],
      peers: new Map(peers),
      heartbeatInterval: durationMs(500),
      deadAfter: durationMs(5000),
      replayWindow: durationMs(300_000),
      pools: new Map([
        [
          pool,
          {
            prefix: valueOf(parseIpv4Prefix('10.64.0.0/15')),
            sites: new Map(nodes.map((node) => [node, valueOf(parseSiteName(node))])),
          },
        ],
      ]),
    },
    clock: systemClock,
    log,
    factStore: store.facts,
    highWaterStore: store.highWater,
    isCapturedHere: () => undefined,
  }),
);

let samples: number[] = [];
let recorded = 0;
federation.facts.onAccepted((facts) => {
  for (const { fact } of facts) {
    if (fact.source === self || !fact.origin.startsWith('t=')) continue;
    // The monotonic clock is the machine's: the same for all processes.
    samples.push(Number(process.hrtime.bigint() - BigInt(fact.origin.slice(2))) / 1e6);
  }
});
const began = performance.now();
federation.onStatus(() => {
  if (federation.status().connected)
    process.send?.({
      kind: 'connected',
      afterMs: performance.now() - began,
      facts: federation.facts.accepted().length,
    });
});
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
        record(1, indices, 'own');
      }
      await untilSent();
      process.send?.({ kind: 'emitted', facts: told.addresses });
      return;
    case 'samples':
      process.send?.({ kind: 'samples', samples });
      samples = [];
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
        0,
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

function record(half: 0 | 1, indices: readonly number[], origin: string): void {
  const drafts = indices.map((index) => ({
    type: 'routerd.client.ipv4.observed' as const,
    address: valueOf(parseHostAddress(`10.${64 + half}.${index >> 8}.${index & 255}/32`)),
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

function valueOf<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}
