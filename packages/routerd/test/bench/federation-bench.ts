/**
 * Prints, side by side, how long a fact takes from `record` at one site until three others have accepted and planned it, at 1, 1,000 and 10,000
 * facts/s, how long a newcomer needs for 65,536 addresses, and what memory a hub and a node have; then whether the targets were met. Loopback only.
 *
 *   node packages/routerd/test/bench/federation-bench.ts [folder of the state, for the kind of disk]
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { generateNodeIdentity, ManagedHub, parseGroupName, provisionUntilDone } from '@routerd/federation';
import { parseNodeName, type Result } from '@routerd/resources';
import { createLog, systemClock } from '@routerd/runtime';
import { z } from 'zod';

const SITES = ['onprem', 'aws', 'azure', 'oci', 'newcomer'] as const;
const RATES = [
  { rate: 1, seconds: 10 },
  { rate: 1000, seconds: 5 },
  { rate: 10_000, seconds: 10 },
];
const ADDRESSES = 65_536;
/** What is asked of it: a newcomer of 65,536 addresses in under 3 s; 10,000 facts/s are kept up with. */
const CATCH_UP_S_MAX = 3;
const KEPT_UP_SHARE = 0.95;
const PROGRAM = path.join(import.meta.dirname, 'federation-bench-node.ts');
const said = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('connected'),
    afterMs: z.number(),
    cpuMs: z.number(),
    facts: z.number(),
    planned: z.number(),
  }),
  z.object({ kind: z.literal('emitted'), facts: z.number(), tookMs: z.number().optional() }),
  z.object({ kind: z.literal('samples'), accepted: z.array(z.number()), planned: z.array(z.number()) }),
  z.object({ kind: z.literal('memory'), mebibytes: z.number() }),
]);
type Said = z.output<typeof said>;

const folder = mkdtempSync(
  path.join(process.argv[2] ?? (existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir()), 'routerd-bench-'),
);
const identities = new Map(SITES.map((name) => [name, generateNodeIdentity()]));
const operator = generateNodeIdentity();
const group = valueOf(parseGroupName('bench'));
const port = await freePort();
const log = createLog('error');
const hub = new ManagedHub({
  stateDir: path.join(folder, 'hub'),
  settings: {
    group,
    serverName: 'hub-1',
    listen: { host: '127.0.0.1', port },
    storeDir: path.join(folder, 'streams'),
    operator: operator.publicKey,
    nodes: new Map([...identities].map(([name, { publicKey }]) => [valueOf(parseNodeName(name)), publicKey])),
  },
  clock: systemClock,
  log,
});
const children: ChildProcess[] = [];
try {
  hub.start();
  const server = `nats://127.0.0.1:${port}`;
  await provisionUntilDone(
    { group, servers: [server], seed: operator.seed, clock: systemClock, log },
    AbortSignal.timeout(20_000),
  );
  const [source, ...others] = await Promise.all(SITES.slice(0, 4).map(async (name) => startNode(name, server)));
  if (source === undefined) throw new Error('a source was asked for');
  print(`state on ${folder}; ${os.cpus().length} cores, load ${os.loadavg()[0]?.toFixed(1)}`);
  print(['facts/s', 'recorded/s', 'accepted p50', 'p99', 'planned p50', 'p99', 'last', 'samples'].map(cell).join(''));
  const verdicts: string[] = [];
  for (const { rate, seconds } of RATES) {
    const { cells, achieved } = await latency(source, others, rate, seconds);
    print(cells.map(cell).join(''));
    if (rate !== RATES.at(-1)?.rate) continue;
    const isMet = achieved >= rate * KEPT_UP_SHARE;
    verdicts.push(`${isMet ? 'met' : 'MISSED'}: ${rate} facts/s are kept up with (${achieved}/s)`);
  }
  const seconds = await catchUp(source, server);
  const isMet = seconds < CATCH_UP_S_MAX;
  verdicts.push(
    `${isMet ? 'met' : 'MISSED'}: a newcomer is there within ${CATCH_UP_S_MAX} s (${seconds.toFixed(2)} s)`,
  );
  for (const verdict of verdicts) print(verdict);
} finally {
  for (const child of children) child.kill('SIGKILL');
  await hub.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function latency(
  source: ChildProcess,
  others: readonly ChildProcess[],
  rate: number,
  seconds: number,
): Promise<{ readonly cells: readonly string[]; readonly achieved: number }> {
  const emitted = hear(source, 'emitted');
  source.send({ kind: 'emit', rate, seconds });
  const { facts, tookMs = 0 } = await emitted;
  const [accepted, planned]: [number[], number[]] = [[], []];
  const wanted = facts * others.length;
  while (planned.length < wanted) {
    for (const other of others) {
      const answer = hear(other, 'samples');
      other.send({ kind: 'samples' });
      const told = await answer;
      accepted.push(...told.accepted);
      planned.push(...told.planned);
    }
  }
  const achieved = Math.round((facts / tookMs) * 1000);
  const [ofAccepted, ofPlanned] = [shareOf(accepted), shareOf(planned)];
  const times = [ofAccepted(0.5), ofAccepted(0.99), ofPlanned(0.5), ofPlanned(0.99), ofPlanned(1)];
  return { cells: [String(rate), String(achieved), ...times, String(planned.length)], achieved };
}

function shareOf(samples: readonly number[]): (share: number) => string {
  const sorted = samples.toSorted((a, b) => a - b);
  return (share) => `${(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1)} ms`;
}

function cell(text: string): string {
  return text.padStart(14);
}

/** @returns seconds */
async function catchUp(source: ChildProcess, server: string): Promise<number> {
  const emitted = hear(source, 'emitted');
  source.send({ kind: 'own', addresses: ADDRESSES });
  await emitted;
  const newcomer = await startNode('newcomer', server, 0);
  const connected = await hear(newcomer, 'connected');
  const memory = hear(newcomer, 'memory');
  newcomer.send({ kind: 'memory' });
  const { mebibytes } = await memory;
  const hubMebibytes = residentMebibytes(hub.state().pid ?? 0);
  const { facts, planned, afterMs, cpuMs } = connected;
  print(
    `newcomer: ${facts} addresses read, verified, accepted and planned (${planned}) in ${(afterMs / 1000).toFixed(2)} s, ${(cpuMs / 1000).toFixed(2)} s of a core`,
  );
  print(`memory with ${facts} addresses: node ${mebibytes.toFixed(0)} MiB, hub ${hubMebibytes.toFixed(0)} MiB`);
  return afterMs / 1000;
}

async function startNode(name: (typeof SITES)[number], server: string, waits = 1): Promise<ChildProcess> {
  const stateDir = path.join(folder, name);
  mkdirSync(stateDir, { mode: 0o700 });
  const peers = Object.fromEntries(
    [...identities].filter(([other]) => other !== name).map(([other, { publicKey }]) => [other, publicKey]),
  );
  const options = { self: name, seed: identities.get(name)?.seed, server, peers, stateDir };
  const child = fork(PROGRAM, [JSON.stringify(options)], { serialization: 'advanced' });
  children.push(child);
  if (waits > 0) await hear(child, 'connected');
  return child;
}

async function hear<Kind extends Said['kind']>(
  child: ChildProcess,
  kind: Kind,
): Promise<Extract<Said, { kind: Kind }>> {
  const { promise, resolve } = Promise.withResolvers<Extract<Said, { kind: Kind }>>();
  const listen = (message: unknown): void => {
    const told = said.parse(message);
    if (!isOf(told, kind)) return;
    child.off('message', listen);
    resolve(told);
  };
  child.on('message', listen);
  return promise;
}

function isOf<Kind extends Said['kind']>(told: Said, kind: Kind): told is Extract<Said, { kind: Kind }> {
  return told.kind === kind;
}

function residentMebibytes(pid: number): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? 0) / 1024;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  server.close();
  await once(server, 'close');
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function valueOf<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}
