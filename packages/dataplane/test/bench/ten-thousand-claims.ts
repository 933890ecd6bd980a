/**
 * Run inside a network namespace with `lan0` and `tun-a`: measures, and prints what it measured as JSON. The plain way to the same end
 * state, `ip -batch` and `nft -f` of a finished text, is measured in the same run.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { RecordingLog, runCommand, systemClock } from '@routerd/runtime';
import { lineOf } from '../../src/adapters/linux/apply-ip.ts';
import { renderMssTable } from '../../src/adapters/linux/mss-table.ts';
import { diffHost } from '../../src/diff/diff-host.ts';
import { EMPTY_OBSERVED_HOST } from '../../src/host-op.ts';
import { EMPTY_HOST_STATE, type HostState } from '../../src/host-state.ts';
import {
  cleanupHost,
  createHostReconciler,
  createLinuxHost,
  lower,
  MemoryLedger,
  type HostReconciler,
} from '../../src/index.ts';
import { overlayPeer, proxyArpClaim } from '../claims.ts';

const CLAIMS = 10_000;
const CHANGES = 30;

const peer = overlayPeer('aws', { interface: 'tun-a' });
// Announcing is a program for each address, a few at a time, and waits for its second reply: not what is measured.
const claims = Array.from({ length: CLAIMS + CHANGES + 1 }, (_, index) =>
  proxyArpClaim(`10.${77 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}/32`, 'aws', { gratuitousARP: false }),
).toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));

function stateOf(count: number): HostState {
  return lower([peer, ...claims.slice(0, count)], { isCaptureOpen: () => true }).state;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

async function must(argv: readonly [string, ...string[]], input: string): Promise<void> {
  const result = await runCommand(argv, { input, timeoutMs: 60_000 });
  if (!result.ok) throw new Error(result.error.stderr);
}

/** The same end state, from texts that are ready. */
async function plainly(): Promise<number> {
  const state = stateOf(CLAIMS);
  const ops = diffHost(state, EMPTY_OBSERVED_HOST, []);
  const lines = ops.flatMap((op) => (op.verb === 'route-add' || op.verb === 'proxy-neighbor-add' ? [lineOf(op)] : []));
  const table = renderMssTable(state.mssClamps);
  const took = await timed(async () => {
    await must(['ip', '-batch', '-'], `${lines.join('\n')}\n`);
    await must(['nft', '-f', '-'], table);
  });
  await cleanupHost({
    host: createLinuxHost({ clock: systemClock, log: new RecordingLog() }),
    ledger: new MemoryLedger(),
  });
  return took;
}

function childrenNow(): readonly string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const [, name = '', parent = ''] =
          /^\d+ \((.*)\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
        return Number(parent) === process.pid
          ? [`${name} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`]
          : [];
      } catch {
        return []; // it has ended
      }
    });
}

/** @returns the programs that run when nothing has happened for longer than any program lingers */
async function childrenAtRest(): Promise<readonly string[]> {
  const deadline = performance.now() + 10_000;
  const standing = /monitor/;
  while (childrenNow().some((child) => !standing.test(child)) && performance.now() < deadline)
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  return childrenNow();
}

/** @returns milliseconds from the resources to the end of the last command; that the kernel's echo of it says nothing new comes after */
async function landing(reconciler: HostReconciler, state: () => HostState): Promise<number> {
  const before = reconciler.status().opsLanded;
  const startedAt = performance.now();
  const landedAt = new Promise<number>((resolve) => {
    const stop = reconciler.onChange(() => {
      if (reconciler.status().opsLanded === before) return;
      stop();
      resolve(performance.now());
    });
  });
  await become(reconciler, state);
  return (await landedAt) - startedAt;
}

async function become(reconciler: HostReconciler, state: () => HostState): Promise<void> {
  reconciler.setDesired(state());
  await reconciler.settled();
}

/** One that has read the host and hears its news. */
async function startReconciler(): Promise<HostReconciler> {
  const shared = { clock: systemClock, log: new RecordingLog() };
  const reconciler = createHostReconciler({ ...shared, host: createLinuxHost(shared), ledger: new MemoryLedger() });
  const hears = new Promise<void>((resolve) => {
    reconciler.onChange(() => {
      if (reconciler.status().readings > 1) resolve();
    });
  });
  reconciler.start();
  await hears;
  await reconciler.settled();
  return reconciler;
}

/**
 * @param ops how many it takes to put the disturbance right
 * @returns milliseconds from the end of the disturbance until they have landed
 */
async function repaired(reconciler: HostReconciler, disturbance: string, ops: number): Promise<number> {
  const before = reconciler.status().opsRepaired;
  const mendedAt = new Promise<number>((resolve) => {
    const stop = reconciler.onChange(() => {
      if (reconciler.status().opsRepaired - before < ops) return;
      stop();
      resolve(performance.now());
    });
  });
  await must(['sh', '-c', disturbance], '');
  const startedAt = performance.now();
  return Math.max(0, (await mendedAt) - startedAt);
}

const plain: number[] = [];
const fromNothing: number[] = [];
for (let round = 0; round < 4; round += 1) {
  // With a reconciler that wants nothing, what looks like ours would be removed.
  plain.push(await plainly());
  const passing = await startReconciler();
  fromNothing.push(await landing(passing, () => stateOf(CLAIMS)));
  await become(passing, () => EMPTY_HOST_STATE);
  await passing.stop();
}
const reconciler = await startReconciler();
await become(reconciler, () => stateOf(CLAIMS));
const changed: number[] = [];
for (let count = CLAIMS + 1; count <= CLAIMS + CHANGES; count += 1)
  changed.push(await landing(reconciler, () => stateOf(count)));
const nothingNew: number[] = [];
const readings: number[] = [];
for (let pass = 0; pass < 7; pass += 1) {
  nothingNew.push(await timed(async () => become(reconciler, () => stateOf(CLAIMS + CHANGES))));
  readings.push(await timed(async () => reconciler.refresh()));
}
/** As the kernel has them, of the first claims. */
const destinations = stateOf(7).routes.map(({ destination }) => destination);
/** Seven routes and three things more, all told by the kernel. */
const TEN_AT_ONCE = [
  ...destinations.map((destination) => `ip route del ${destination}`),
  'nft flush ruleset',
  'sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.all.send_redirects=1',
].join('; ');
const oneDrift: number[] = [];
const tenDrifts: number[] = [];
for (let round = 0; round < 3; round += 1) {
  oneDrift.push(await repaired(reconciler, `ip route del ${destinations[0] ?? ''}`, 1));
  await reconciler.settled();
  tenDrifts.push(await repaired(reconciler, TEN_AT_ONCE, 10));
  await reconciler.settled();
}
const landed = reconciler.status();
const atRest = await childrenAtRest();
await reconciler.stop();
process.stdout.write(
  JSON.stringify({
    settled: landed.settled,
    residuals: landed.residuals.length,
    plainMs: Math.min(...plain),
    fromNothingMs: Math.min(...fromNothing),
    changedMs: median(changed),
    nothingNewMs: median(nothingNew),
    readingMs: median(readings),
    oneDriftMs: median(oneDrift),
    tenDriftsMs: median(tenDrifts),
    atRest,
  }),
);
