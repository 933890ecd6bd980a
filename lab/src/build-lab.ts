/** How a lab is built: machines and network first, then what its topology wants on them. */
import { rmSync } from 'node:fs';
import { saveBaseline } from './baseline.ts';
import { startClouds } from './clouds.ts';
import { writeGuestFiles } from './guest-files.ts';
import { startHub } from './hub.ts';
import { Lab } from './lab.ts';
import { labFiles } from './lab-files.ts';
import { exclusively } from './lab-lock.ts';
import { makeClientsKnown } from './known-clients.ts';
import { claimRecord, inUse, isInUse, readRecord } from './lab-record.ts';
import { makeCloudMaterial, makeMaterial } from './material.ts';
import { buildNetwork } from './network.ts';
import { preflight } from './preflight.ts';
import type { Progress } from './progress.ts';
import { startRouters } from './routers.ts';
import { sshServer, writeSshFiles } from './ssh.ts';
import { tearDown } from './tear-down.ts';
import { hostNamesOf, siteOf, type Topology } from './topology.ts';

export interface LabOptions {
  /** Labs of different names run side by side. */
  readonly name: string;
  /** Stays up when this process ends. */
  readonly keep: boolean;
  /** One way, milliseconds. */
  readonly wanDelayMs: number;
  /** Of each WAN port, as tc(8) writes it. */
  readonly wanRate: string;
  /** Of a cloud's mutating calls, milliseconds. */
  readonly apiLatencyMs: number;
  /** Folders of plugins that stand in for this checkout's executors, by cloud. */
  readonly executors: Readonly<Record<string, string>>;
}

/**
 * Four sites ready for traffic, every daemon answering and every tunnel shaken hands; or a pair as its operator finds it before routerd is installed.
 * When it fails the lab is taken down again, unless it is to be kept.
 */
export async function buildLab(topology: Topology, options: LabOptions, progress: Progress): Promise<Lab> {
  await preflight(topology);
  const lab = await claimLab(topology, options, progress);
  try {
    await (topology.federated.length > 0 ? buildFederated(lab, options, progress) : buildPair(lab, options, progress));
    lab.save({ ready: true });
    return lab;
  } catch (cause) {
    if (options.keep) progress.note('what was built so far stays for a look; "pnpm lab down" removes it');
    else await tearDown(lab.files);
    throw cause;
  }
}

/** Removes what is left of an owner that is gone, and takes the name. */
async function claimLab(
  topology: Topology,
  { name, keep, apiLatencyMs, executors }: LabOptions,
  progress: Progress,
): Promise<Lab> {
  const files = labFiles(name);
  return exclusively(files, async () => {
    const present = readRecord(files);
    if (present !== undefined && isInUse(present)) throw inUse(files, present);
    const removed = await tearDown(files);
    if (removed > 0) progress.note(`removed ${removed} namespaces that an earlier run left behind`);
    rmSync(files.logDir, { recursive: true, force: true });
    return new Lab(
      files,
      claimRecord(files, { topology: topology.id, keep, wanDelayMs: 0, apiLatencyMs, executors: { ...executors } }),
    );
  });
}

async function buildFederated(lab: Lab, options: LabOptions, progress: Progress): Promise<void> {
  const [material] = await Promise.all([
    progress.step('keys and certificates', async () => makeMaterial(lab.files, lab.topology.federated)),
    bootMachines(lab, options, progress),
  ]);
  await Promise.all([
    progress.step('NATS hub', async () => startHub(lab, material)),
    progress.step('cloud fabrics, metadata services and APIs', async () =>
      startClouds(lab, (cloud) => material.clouds[cloud]),
    ),
    progress.step('SSH servers', async () => startSshServers(lab)),
    delayWan(lab, options, progress),
  ]);
  await progress.step(`routerd on ${lab.topology.federated.length} routers, tunnels between them`, async () =>
    startRouters(lab, material),
  );
  await progress.step('the clients known everywhere, all flows passing', async () => makeClientsKnown(lab));
}

async function buildPair(lab: Lab, options: LabOptions, progress: Progress): Promise<void> {
  const [material] = await Promise.all([
    progress.step('certificates', async () => makeCloudMaterial(lab.files)),
    bootMachines(lab, options, progress),
  ]);
  await Promise.all([
    progress.step('cloud fabric, metadata service and API', async () => startClouds(lab, (cloud) => material[cloud])),
    progress.step('SSH servers', async () => startSshServers(lab)),
    delayWan(lab, options, progress),
  ]);
}

async function bootMachines(lab: Lab, options: LabOptions, progress: Progress): Promise<void> {
  const { topology } = lab;
  const guest = writeGuestFiles(lab.files, topology);
  const names = hostNamesOf(topology);
  await progress.step(`${names.length} machines, cables, addresses`, async () => {
    await Promise.all(names.map(async (name) => lab.boot(name, siteOf(topology, name), guest)));
    await buildNetwork(topology, lab.vms, { wanRate: options.wanRate });
    await saveBaseline(lab);
  });
}

async function delayWan(lab: Lab, { wanDelayMs }: LabOptions, progress: Progress): Promise<void> {
  if (wanDelayMs === 0) return;
  await progress.step(`WAN delay ${wanDelayMs} ms each way`, async () => lab.setWanDelay(wanDelayMs));
}

async function startSshServers(lab: Lab): Promise<void> {
  const ssh = await writeSshFiles(lab.files);
  await Promise.all(
    lab.topology.clients.map(async ({ name }) => {
      await lab.startDaemon(name, 'sshd', sshServer(ssh));
      await lab.untilDaemon(name, 'sshd', 'listening', () => lab.vm(name).hasListener(22));
    }),
  );
}
