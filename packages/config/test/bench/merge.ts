/**
 * How long a merge takes after one part of many changed, and what the parts keep in memory.
 * Run: `npm run x -- node packages/config/test/bench/merge.ts`.
 *
 * Bounds are checked against the processor time of this thread, its garbage collection included: the clock on the wall counts
 * other programs too, and stands beside it. Exits 1 when a bound is missed.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { effectiveConfig, type DynamicConfigPart } from '@routerd/config';
import { instant, parseResource, type Resource } from '@routerd/resources';

const STARTUP = 10_000;
const PARTS = 1000;
/** Claims of each part, beside their domain. */
const CLAIMS = 2;
const NOW = instant(1_800_000_000_000);
const misses: string[] = [];

function report(what: string, figure: number, unit: string, boundMax?: number): void {
  const isMissed = boundMax !== undefined && figure > boundMax;
  const bound = boundMax === undefined ? '' : `, at most ${boundMax}`;
  process.stdout.write(`${isMissed ? 'MISSED ' : ''}${what}: ${figure.toFixed(figure < 10 ? 2 : 0)} ${unit}${bound}\n`);
  if (isMissed) misses.push(what);
}

function heapMiB(): number {
  setFlagsFromString('--expose_gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}

function resource(group: string, kind: string, name: string, spec: object): Resource {
  const parsed = parseResource({ apiVersion: `${group}.routerd.net/v1alpha1`, kind, metadata: { name }, spec });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

const quad = (base: number, number: number): string =>
  `${base}.${number >>> 16}.${(number >>> 8) & 255}.${number & 255}`;

const peer = (name: string): Resource =>
  resource('hybrid', 'OverlayPeer', name, {
    role: 'cloud',
    nodeID: name,
    underlay: { type: 'route', interface: 'ov0' },
  });
const route = (name: string, destination: string): Resource =>
  resource('net', 'IPv4Route', name, { destination, device: 'lan0' });
const hybridRoute = (name: string, destination: string): Resource =>
  resource('hybrid', 'HybridRoute', name, { peerRef: 'far', destinationCIDRs: [destination] });
const masked = route('masked', '192.0.2.1/32');
const maskTarget = { apiVersion: masked.apiVersion, kind: masked.kind, name: masked.metadata.name };

const startup: readonly Resource[] = [
  peer('far'),
  masked,
  resource('config', 'DynamicOverridePolicy', 'grants', {
    allow: [{ source: 'Plugin/masking', operations: ['mask'], targets: [maskTarget] }],
  }),
  ...Array.from({ length: STARTUP - 3 }, (_, number) => route(`route-${number}`, `${quad(10, number)}/32`)),
];

function part(source: string, resources: readonly Resource[], isMasking = false): DynamicConfigPart {
  return {
    source,
    generation: 1,
    observedAt: NOW,
    expiresAt: instant(NOW + 60_000),
    resources,
    directives: isMasking ? [{ op: 'mask', target: maskTarget, reason: 'found elsewhere' }] : [],
    actionPlans: [],
  };
}

function claimsPart(number: number): DynamicConfigPart {
  const domain = `net-${number}`;
  const claims = Array.from({ length: CLAIMS }, (_, claim) =>
    resource('hybrid', 'RemoteAddressClaim', `vm-${number}-${claim}`, {
      domainRef: domain,
      address: `${quad(172, number * CLAIMS + claim)}/32`,
      ownerSide: 'cloud',
      capture: { type: 'proxy-arp', interface: 'lan0' },
      delivery: { peerRef: 'far' },
    }),
  );
  const prefix = '172.0.0.0/16';
  return part(`Plugin/p${number}`, [
    resource('hybrid', 'AddressMobilityDomain', domain, { prefix, mode: 'selective-address' }),
    ...claims,
  ]);
}

const hybridPart = (number: number): DynamicConfigPart =>
  part(`Plugin/h${number}`, [hybridRoute(`hybrid-${number}`, `${quad(100, number)}/32`)]);

/** Processor time is counted in ticks of milliseconds: many merges are counted together. */
const MERGES = 40;
const ROUNDS = 3;

/** Merges again and again with one part that is new each time. The best round counts: other programs only ever slow one down. */
function merging(
  what: string,
  parts: readonly DynamicConfigPart[],
  fresh: () => DynamicConfigPart,
  boundMs: number,
  conflicts = 0,
): void {
  let [cpuMs, wallMs] = [Infinity, Infinity];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const inputs = Array.from({ length: MERGES }, () => [...parts, fresh()]);
    const start = performance.now();
    const used = process.threadCpuUsage();
    let rejected = 0;
    for (const input of inputs) rejected += effectiveConfig(startup, input, NOW).rejected.length;
    const { user, system } = process.threadCpuUsage(used);
    if (rejected !== conflicts * MERGES)
      throw new Error(effectiveConfig(startup, inputs[0] ?? [], NOW).rejected[0]?.reason ?? 'no conflict');
    if (round === 0) continue; // warms the compiler up
    cpuMs = Math.min(cpuMs, (user + system) / 1000 / MERGES);
    wallMs = Math.min(wallMs, (performance.now() - start) / MERGES);
  }
  report(
    `merge ${STARTUP} resources and ${parts.length} ${what} (${wallMs.toFixed(2)} ms on the wall)`,
    cpuMs,
    'ms',
    boundMs,
  );
}

const before = heapMiB();
const claimParts = Array.from({ length: PARTS }, (_, number) => claimsPart(number));
const hybridParts = Array.from({ length: PARTS }, (_, number) => hybridPart(number));
const masking = part('Plugin/masking', [], true);

merging('parts of claims, one of them new', claimParts, () => claimsPart(PARTS), 5);
report(
  `  kept in memory for ${STARTUP} resources and ${PARTS} parts with ${PARTS * (CLAIMS + 1)}`,
  heapMiB() - before,
  'MiB',
);
merging('parts of hybrid routes, one of them new', hybridParts, () => hybridPart(PARTS), 10);
merging('parts, one of which masks, one of them new', [...claimParts, masking], () => claimsPart(PARTS), 5);
merging('parts of claims, and a new one that masks', claimParts, () => part('Plugin/masking', [], true), 50);
/** The planner's part is made anew by every pass; most of its claims are those of the pass before. */
const pool = Array.from({ length: 10_000 }, (_, number) =>
  resource('hybrid', 'RemoteAddressClaim', `pool-${number}`, {
    domainRef: 'pool',
    address: `${quad(203, number)}/32`,
    ownerSide: 'cloud',
    capture: { type: 'proxy-arp', interface: 'lan0' },
    delivery: { peerRef: 'far' },
  }),
);
const poolDomain = resource('hybrid', 'AddressMobilityDomain', 'pool', {
  prefix: '203.0.0.0/16',
  mode: 'selective-address',
});
const planned = (): DynamicConfigPart => part('MobilityPool/demo/node/a', [poolDomain, ...pool]);
merging('parts, and one of 10000 claims made anew', claimParts, planned, 20);

const conflicting = part('Plugin/z', [hybridRoute('again', `${quad(100, 7)}/32`)]);
merging('parts, one in conflict, one new', [...hybridParts, conflicting], () => hybridPart(PARTS), 200, 1);

process.exitCode = misses.length === 0 ? 0 : 1;
