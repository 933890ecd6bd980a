/**
 *   client 10.77.60.10 ── A ══ WireGuard ══ B ── server 10.77.60.11 and 10.20.0.2
 *
 * The same tunnel carries packets to a captured address (the client believes it is on its own LAN) and to a network that is plainly
 * routed. Capturing may cost nothing: behind the first ARP answer both are a route into the tunnel.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Resource } from '@routerd/resources';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLinuxHost } from '../../src/adapters/linux/linux-host.ts';
import { MemoryLedger } from '../../src/adapters/memory/memory-ledger.ts';
import { lower } from '../../src/lower/lower.ts';
import { createHostReconciler, type HostReconciler } from '../../src/reconciler/host-reconciler.ts';
import {
  hybridRoute,
  networkInterface,
  overlayPeer,
  proxyArpClaim,
  wireGuardInterface,
  wireGuardPeer,
} from '../claims.ts';
import { cable, makeNamespace, must, type Namespace } from '../namespace-rig.ts';

/** Pairs of one transfer each way; `THROUGHPUT_ROUNDS=200` makes the interval narrower. */
const ROUNDS = Number(process.env['THROUGHPUT_ROUNDS'] ?? 80);
const ROUND_MS = 100;
const RATIO_MIN = 0.97;
const PORT = 5001;

const devices = [`wgT${process.pid}`, `wgU${process.pid}`] as const;
let directory: string;
let namespaces: Namespace[];
let reconcilers: HostReconciler[];
let server: ChildProcess | undefined;
const senders: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'dataplane-'));
  namespaces = [];
  reconcilers = [];
});
afterEach(async () => {
  for (const sender of senders.splice(0)) sender.kill('SIGKILL');
  server?.kill('SIGKILL');
  for (const reconciler of reconcilers) await reconciler.stop();
  for (const namespace of namespaces) await namespace.remove();
  await rm(directory, { recursive: true, force: true });
});

async function add(role: string): Promise<Namespace> {
  const namespace = await makeNamespace(role);
  namespaces.push(namespace);
  return namespace;
}

async function keep(router: Namespace, resources: readonly Resource[]): Promise<void> {
  const shared = { clock: systemClock, log: new RecordingLog() };
  const host = createLinuxHost({ ...shared, commandPrefix: ['ip', 'netns', 'exec', router.name] });
  const reconciler = createHostReconciler({ ...shared, host, ledger: new MemoryLedger() });
  reconcilers.push(reconciler);
  const { state, problems } = lower(resources, { isCaptureOpen: () => true });
  expect(problems).toEqual([]);
  reconciler.start();
  reconciler.setDesired(state);
  await reconciler.settled();
  expect(reconciler.status()).toMatchObject({ residuals: [] });
}

function keyPair(index: number): { readonly file: string; readonly publicKey: string } {
  const file = path.join(directory, `key-${index}`);
  execFileSync('sh', ['-c', 'umask 077; wg genkey > "$1"', 'sh', file]);
  return { file, publicKey: execFileSync('sh', ['-c', 'wg pubkey < "$1"', 'sh', file], { encoding: 'utf8' }).trim() };
}

async function openPair(): Promise<Readonly<Record<'a' | 'b' | 'client' | 'behind', Namespace>>> {
  const [a, b, client, behind] = [await add('a'), await add('b'), await add('x'), await add('y')];
  await cable(a, 'wan0', b, 'wan0');
  await cable(a, 'lan0', client, 'lan0');
  await cable(b, 'lan0', behind, 'lan0');
  await a.batch('addr add 192.0.2.1/30 dev wan0', 'addr add 10.77.60.2/24 dev lan0');
  await b.batch('addr add 192.0.2.2/30 dev wan0', 'addr add 10.77.60.3/24 dev lan0', 'addr add 10.20.0.1/24 dev lan0');
  await client.batch('addr add 10.77.60.10/24 dev lan0', 'route add 10.20.0.0/16 via 10.77.60.2');
  await behind.batch('addr add 10.77.60.11/24 dev lan0', 'addr add 10.20.0.2/24 dev lan0');
  const keys = [keyPair(0), keyPair(1)];
  const ports = [31_000 + (process.pid % 9000), 40_000 + (process.pid % 9000)];
  for (const [index, router] of [a, b].entries()) {
    const other = 1 - index;
    const device = devices[index] ?? '';
    await keep(router, [
      wireGuardInterface(device, { privateKeyFile: keys[index]?.file, listenPort: ports[index] }),
      wireGuardPeer('other', device, {
        publicKey: keys[other]?.publicKey,
        endpoint: `192.0.2.${other + 1}:${ports[other]}`,
        allowedIPs: ['10.77.60.0/24', '10.20.0.0/16'],
        persistentKeepalive: 1,
      }),
      overlayPeer('other', { interface: device }),
      networkInterface('lan0'),
      proxyArpClaim(index === 0 ? '10.77.60.11/32' : '10.77.60.10/32', 'other'),
      ...(index === 0 ? [hybridRoute('branch', ['10.20.0.0/16'], 'other')] : []),
    ]);
  }
  return { a, b, client, behind };
}

interface Arrived {
  readonly bytes: number;
  readonly milliseconds: number;
}

/** Counts what arrives on each connection: one line when it ends. */
async function listen(behind: Namespace): Promise<() => Promise<Arrived>> {
  const script = `require('net').createServer((s) => { let n = 0, first = 0, last = 0; s.on('data', (d) => { last = performance.now(); first ||= last; n += d.length }); s.on('close', () => console.log(n + ' ' + (last - first))); s.on('error', () => {}) }).listen(${PORT}, () => console.log('ready'))`;
  server = spawn('ip', ['netns', 'exec', behind.name, process.execPath, '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { stdout } = server;
  if (stdout === null) throw new Error('the server has no output');
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  await lines.next();
  return async () => {
    const [bytes = 0, milliseconds = 0] = String((await lines.next()).value)
      .split(' ')
      .map(Number);
    return { bytes, milliseconds };
  };
}

/** Programs that packets go through; an `arping` or `ip -batch` beside them ends while others are measured. */
function carriesPackets(pid: string): boolean {
  try {
    return ['wireguard-go', path.basename(process.execPath)].includes(path.basename(readlinkSync(`/proc/${pid}/exe`)));
  } catch {
    return false; // it has ended since it was listed
  }
}

/** Every program on the way keeps to one processor, so that no transfer is one that moved: each side has its own. */
async function placeOn(processor: number, sides: readonly Namespace[]): Promise<readonly number[]> {
  const pids: number[] = [];
  for (const side of sides) {
    const listed = await must(['ip', 'netns', 'pids', side.name]);
    const running = listed.split('\n').filter((line) => line !== '');
    pids.push(...running.filter(carriesPackets).map(Number));
  }
  const among = processor % availableParallelism();
  for (const pid of pids) await must(['taskset', '-a', '-c', '-p', `${among}`, `${pid}`]);
  return pids;
}

/** Nanoseconds that these programs were on a processor, all threads (Documentation/scheduler/sched-stats.rst): what the others do is not in it. */
function processorTime(pids: readonly number[]): number {
  let total = 0;
  for (const pid of pids)
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [onProcessor = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
      total += Number(onProcessor);
    }
  return total;
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((x, y) => x - y);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[half] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
}

/**
 * The interval that has the median of what was sampled with at least 95 % confidence, whatever its distribution: the sign test turned
 * round. The lower bound is the k-th smallest value, with the largest k for which a fair coin shows fewer than k heads with 2.5 % at most.
 */
function medianInterval(values: readonly number[]): readonly [low: number, high: number] {
  const sorted = values.toSorted((x, y) => x - y);
  let probability = 0.5 ** sorted.length;
  let below = probability;
  let k = 0;
  for (; below <= 0.025 && k < sorted.length >> 1; k += 1) {
    probability *= (sorted.length - k) / (k + 1);
    below += probability;
  }
  return [sorted[Math.max(0, k - 1)] ?? 0, sorted[sorted.length - Math.max(1, k)] ?? 0];
}

interface Transfer {
  readonly bitsPerSecond: number;
  /** Of all four programs. */
  readonly bytesPerNanosecond: number;
}

/** Of two pairs in turn about, the geometric mean of captured over routed: what drifts while they run falls out. */
function ratiosOf(blocks: readonly Block[], of: (transfer: Transfer) => number): readonly number[] {
  return blocks.map(({ captured, routed }) => {
    const logs = captured.map((transfer, index) => {
      const other = routed[index];
      return other === undefined ? 0 : Math.log(of(transfer) / of(other));
    });
    return Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
  });
}

interface Block {
  readonly captured: readonly Transfer[];
  readonly routed: readonly Transfer[];
}

test('a captured address is as fast as a routed network', async () => {
  const { a, b, client, behind } = await openPair();
  const nextArrived = await listen(behind);
  // One program for all transfers: what starting costs, and code that is not warm yet, would be in each otherwise.
  const script = `const net = require('net'); const b = Buffer.alloc(65536); require('readline').createInterface({ input: process.stdin }).on('line', (address) => { const s = net.connect(${PORT}, address); const go = () => { while (s.write(b)); }; s.on('drain', go); s.on('error', () => {}); s.on('connect', () => { go(); setTimeout(() => s.destroy(), ${ROUND_MS}) }) })`;
  const sender = spawn('ip', ['netns', 'exec', client.name, process.execPath, '-e', script], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  senders.push(sender);
  let pids: readonly number[] = [];
  const measure = async (address: string): Promise<Transfer> => {
    const before = processorTime(pids);
    sender.stdin.write(`${address}\n`);
    const { bytes, milliseconds } = await nextArrived();
    const nanoseconds = processorTime(pids) - before;
    return { bitsPerSecond: (bytes * 8000) / milliseconds, bytesPerNanosecond: bytes / nanoseconds };
  };
  const captured = async () => measure('10.77.60.11');
  const routed = async () => measure('10.20.0.2');
  for (let warming = 0; warming < 3; warming += 1) {
    await captured(); // the handshake, and programs into memory
    await routed();
  }
  pids = [...(await placeOn(0, [a, client])), ...(await placeOn(1, [b, behind]))];
  expect(pids).toHaveLength(4);
  await captured();
  await routed();
  const blocks: Block[] = [];
  for (let round = 0; round < ROUNDS; round += 2) {
    const [first, second, third, fourth] = [await captured(), await routed(), await routed(), await captured()];
    blocks.push({ captured: [first, fourth], routed: [second, third] });
  }
  const speed = ratiosOf(blocks, ({ bitsPerSecond }) => bitsPerSecond);
  const cost = ratiosOf(blocks, ({ bytesPerNanosecond }) => bytesPerNanosecond);
  const megabits = (of: readonly Transfer[]): string =>
    `${(medianOf(of.map(({ bitsPerSecond }) => bitsPerSecond)) / 1e6).toFixed(0)} Mbit/s`;
  const told = (ratios: readonly number[]): string => {
    const [low, high] = medianInterval(ratios);
    return `${medianOf(ratios).toFixed(3)}, 95 % confidence ${low.toFixed(3)} to ${high.toFixed(3)}`;
  };
  console.log(
    [
      `captured ${megabits(blocks.flatMap((block) => block.captured))}, routed ${megabits(blocks.flatMap((block) => block.routed))}, medians of ${blocks.length} times captured, routed, routed, captured`,
      `captured over routed, meant to be at least ${RATIO_MIN}:`,
      `  bytes a second of processor time: ${told(cost)}`,
      `  bytes a second of the clock: ${told(speed)}`,
    ].join('\n'),
  );
  // What others do on the machine is in the clock, and not in the processor time of the programs on the way.
  expect(medianInterval(cost)[1]).toBeGreaterThan(RATIO_MIN);
  expect(medianOf(cost)).toBeGreaterThan(0.9);
  expect(medianInterval(speed)[1]).toBeGreaterThan(0.8);
});
