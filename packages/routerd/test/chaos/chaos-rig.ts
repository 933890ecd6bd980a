/**
 * Three hubs that replicate, four sites with a node process each, one bridge:
 *
 *   hub-1 .1   hub-2 .2   hub-3 .3        10.99.0.0/24
 *      └──────────┴──── br0 ──┴──────────┬───────┬───────┬───────┐
 *                                     onprem   aws    azure    oci      .11 to .14
 *
 * Disks of hub-3 and of the node `oci` are small file systems of their own, which can be filled.
 */
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { generateNodeIdentity, parseGroupName } from '@routerd/federation';
import { parseNodeName, type Result } from '@routerd/resources';
import { runCommand } from '@routerd/runtime';
import { ChaosHub } from './chaos-hub.ts';
import { openChaosNet, type ChaosNet } from './chaos-net.ts';
import { ChaosSite } from './chaos-site.ts';
import { KernelWitness, WITNESSES } from './kernel-witness.ts';

export interface ChaosRig {
  readonly net: ChaosNet;
  readonly hubs: readonly ChaosHub[];
  readonly sites: readonly ChaosSite[];
  /** Routers whose kernels must not notice anything. */
  readonly witnesses: readonly KernelWitness[];
  /** Who orders the capture log now; waits until somebody does. */
  leader(): Promise<ChaosHub>;
  /** Fills the disk of `oci` or hub-3. @returns frees it */
  fillDisk(whose: 'oci' | 'hub-3'): () => void;
  close(): Promise<void>;
}

const GROUP = 'chaos';
const SITES = ['onprem', 'aws', 'azure', 'oci'] as const;
/** Both with the process's id behind, so that what a killed one left can be told from what is in use. */
const PREFIX = 'rch';
const FOLDER = 'routerd-chaos-';
const NODE_DISK_MIB = 16;
const HUB_DISK_MIB = 48;

export async function openChaosRig(): Promise<ChaosRig> {
  await sweepLeftovers();
  const folder = mkdtempSync(path.join(os.tmpdir(), `${FOLDER}${process.pid}-`));
  const undo: (() => Promise<void>)[] = [async () => Promise.resolve(rmSync(folder, { recursive: true, force: true }))];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const net = await openChaosNet(`${PREFIX}${process.pid}`);
    undo.push(async () => net.close());
    const smallDisk = async (name: string, sizeMiB: number): Promise<string> => {
      const mountPoint = path.join(folder, name);
      mkdirSync(mountPoint);
      await run('mount', '-t', 'tmpfs', '-o', `size=${sizeMiB}m,mode=0700`, 'tmpfs', mountPoint);
      undo.push(async () => run('umount', '--lazy', mountPoint));
      return mountPoint;
    };
    const disks = { 'hub-3': await smallDisk('hub-3', HUB_DISK_MIB), oci: await smallDisk('oci', NODE_DISK_MIB) };

    const identities = new Map([...SITES, ...WITNESSES].map((name) => [name, generateNodeIdentity()]));
    const operator = generateNodeIdentity();
    const hubs: ChaosHub[] = [];
    for (const number of [1, 2, 3]) {
      const name = `hub-${number}`;
      hubs.push(new ChaosHub(await net.add(name, `10.99.0.${number}`), `10.99.0.${number}`, path.join(folder, name)));
    }
    for (const [index, hub] of hubs.entries()) {
      hub.configure({
        group: valueOf(parseGroupName(GROUP)),
        serverName: `hub-${index + 1}`,
        operator: operator.publicKey,
        nodes: new Map([...identities].map(([name, { publicKey }]) => [valueOf(parseNodeName(name)), publicKey])),
        cluster: {
          listen: { host: hub.address, port: 6222 },
          routes: hubs.filter((other) => other !== hub).map(({ address }) => `nats://${address}:6222`),
        },
      });
      undo.push(async () => hub.kill());
    }
    const sites: ChaosSite[] = [];
    const servers = hubs.map(({ address }) => `nats://${address}:4222`);
    for (const [index, name] of SITES.entries()) {
      const seed = identities.get(name)?.seed ?? '';
      const namespace = await net.add(name, `10.99.0.${11 + index}`);
      const stateDir = path.join(folder, name);
      mkdirSync(stateDir, { recursive: true, mode: 0o700 });
      const others = [...identities].filter(([other]) => other !== name);
      const peers = Object.fromEntries(others.map(([other, { publicKey }]) => [other, publicKey]));
      const inPool = SITES.filter((other) => other !== name);
      const site = new ChaosSite(namespace, {
        octet: 10 + index,
        self: name,
        seed,
        servers,
        peers,
        stateDir,
        others: inPool,
      });
      sites.push(site);
      undo.push(async () => site.kill());
    }
    const operate = operatorIn(await net.add('operator', '10.99.0.20'), [GROUP, operator.seed, ...servers]);
    for (const hub of hubs) hub.start();
    await operate();
    const witnesses: KernelWitness[] = [];
    for (const [index, name] of WITNESSES.entries()) {
      const others = [...identities].filter(([other]) => other !== name);
      const witness = new KernelWitness({
        name,
        namespace: await net.add(name, `10.99.0.${31 + index}`),
        seed: identities.get(name)?.seed ?? '',
        servers,
        peers: new Map(others.map(([other, { publicKey }]) => [other, publicKey])),
        folder: path.join(folder, name),
      });
      witnesses.push(witness);
      undo.push(async () => witness.close());
    }
    await Promise.all([...sites, ...witnesses].map(async (each) => each.start()));
    return {
      net,
      hubs,
      sites,
      witnesses,
      leader: async () => {
        const name = await operate();
        const hub = hubs[Number(name.replace('hub-', '')) - 1];
        if (hub === undefined) throw new Error(`no hub leads: "${name}"`);
        return hub;
      },
      fillDisk: (whose) => fill(disks[whose]),
      close,
    };
  } catch (cause) {
    await close();
    throw cause;
  }
}

/** What test processes that were killed have left: their servers and nodes ended with them, namespaces and disks did not. */
async function sweepLeftovers(): Promise<void> {
  const isLeft = (pid: string | undefined): boolean => pid !== undefined && !existsSync(`/proc/${pid}`);
  for (const entry of readdirSync(os.tmpdir())) {
    if (!entry.startsWith(FOLDER) || !isLeft(/^\d+/.exec(entry.slice(FOLDER.length))?.[0])) continue;
    const folder = path.join(os.tmpdir(), entry);
    for (const disk of ['hub-3', 'oci']) await runCommand(['umount', '--lazy', path.join(folder, disk)]);
    rmSync(folder, { recursive: true, force: true });
  }
  const namespaces = existsSync('/run/netns') ? readdirSync('/run/netns') : [];
  for (const namespace of namespaces) {
    if (isLeft(new RegExp(`^${PREFIX}(\\d+)-`).exec(namespace)?.[1])) await run('ip', 'netns', 'delete', namespace);
  }
}

/** @returns runs the operator's program until it succeeds, and hands on what it said */
function operatorIn(namespace: string, args: readonly string[]): () => Promise<string> {
  const program = path.join(import.meta.dirname, 'chaos-operator.ts');
  return async () => {
    const deadline = performance.now() + 40_000;
    for (;;) {
      const argv = ['ip', 'netns', 'exec', namespace, process.execPath, program, ...args] as const;
      const result = await runCommand(argv, { timeoutMs: 20_000 });
      if (result.ok && result.value.stdout !== '') return result.value.stdout;
      if (performance.now() > deadline) throw new Error(result.ok ? 'nobody leads' : result.error.stderr);
    }
  };
}

/** One file takes what is left. @returns removes it */
function fill(folder: string): () => void {
  const file = path.join(folder, 'fill');
  const block = Buffer.alloc(64 * 1024);
  try {
    for (;;) appendFileSync(file, block);
  } catch {
    // Full: that is what it is for.
  }
  return () => rmSync(file);
}

async function run(...argv: readonly [string, ...string[]]): Promise<void> {
  const result = await runCommand(argv);
  if (!result.ok) throw new Error(`${argv.join(' ')}: ${result.error.stderr || result.error.code}`);
}

function valueOf<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}
