/** A running lab, and how one is built. */
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { saveBaseline } from './baseline.ts';
import { startClouds } from './clouds.ts';
import { writeGuestFiles, type GuestFiles } from './guest-files.ts';
import { startHub } from './hub.ts';
import { labFiles, namespaceOf, type LabFiles } from './lab-files.ts';
import { makeClientsKnown } from './known-clients.ts';
import { claimRecord, inUse, isInUse, readRecord, writeRecord, type LabRecord } from './lab-record.ts';
import { LabFault } from './lab-fault.ts';
import { makeMaterial } from './material.ts';
import { buildNetwork } from './network.ts';
import { preflight } from './preflight.ts';
import { isRunning, type ProcessId } from './process-table.ts';
import type { Progress } from './progress.ts';
import { startRouters } from './routers.ts';
import { sshServer, writeSshFiles } from './ssh.ts';
import { tearDown } from './tear-down.ts';
import { CLIENTS, HOST_NAMES, SITES, type Site } from './topology.ts';
import { bootVm, Vm } from './vm.ts';
import { setWanDelay } from './wan-delay.ts';
import { waitUntil } from './wait-until.ts';

export interface LabOptions {
  /** Labs of different names run side by side. */
  readonly name: string;
  /** Stays up when this process ends. */
  readonly keep: boolean;
  /** One way, milliseconds. */
  readonly wanDelayMs: number;
  /** Of each WAN port, as tc(8) writes it. */
  readonly wanRate: string;
}

export class Lab {
  readonly files: LabFiles;
  #record: LabRecord;
  readonly #vms = new Map<string, Vm>();

  constructor(files: LabFiles, record: LabRecord) {
    this.files = files;
    this.#record = record;
    for (const vm of record.vms) this.#vms.set(vm.hostName, new Vm(vm));
  }

  get record(): LabRecord {
    return this.#record;
  }

  get vms(): ReadonlyMap<string, Vm> {
    return this.#vms;
  }

  vm(name: string): Vm {
    const vm = this.#vms.get(name);
    if (vm !== undefined) return vm;
    throw new LabFault('lab.no-such-host', `There is no host "${name}".`, `Hosts: ${[...this.#vms.keys()].join(' ')}`);
  }

  /** Boots one more machine; used while building, and for machines that appear later. */
  async boot(hostName: string, site: Site | undefined, guest: GuestFiles): Promise<Vm> {
    const vm = await bootVm({
      hostName,
      namespace: namespaceOf(this.files, hostName),
      hostsFile: guest.hostsFileOf(site),
      resolvFile: guest.resolvFile,
      binDir: this.files.binDir,
      workDir: this.files.stateDir,
      keep: this.#record.keep,
    });
    this.#vms.set(hostName, vm);
    this.save({ vms: [...this.#vms.values()].map((each) => each.record) });
    return vm;
  }

  /** Starts a daemon with its log in the lab's folder, and remembers it. */
  async startDaemon(
    hostName: string,
    name: string,
    argv: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const logFile = this.logFile(hostName, name);
    this.#addDaemon(hostName, name, await this.vm(hostName).daemon(argv, { logFile, env }));
  }

  /** Waits for what a daemon is to do; when it ends instead, its last words are the fault. */
  async untilDaemon(
    hostName: string,
    name: string,
    does: string,
    probe: () => boolean | Promise<boolean>,
    limits: { readonly deadlineMs: number; readonly everyMs?: number } = { deadlineMs: 20_000 },
  ): Promise<void> {
    await waitUntil(
      () => `${hostName}: ${name}: ${does} (log: ${this.logFile(hostName, name)})`,
      async () => {
        if (!isRunning(this.daemon(hostName, name))) throw this.#ended(hostName, name);
        return (await probe()) || undefined;
      },
      limits,
    );
  }

  #ended(hostName: string, name: string): LabFault {
    const lines = readFileSync(this.logFile(hostName, name), 'utf8').trim().split('\n').slice(-10);
    return new LabFault(
      'lab.daemon-ended',
      `${hostName}: ${name} ended by itself. Its last lines:\n${lines.map((line) => `  ${line}`).join('\n')}`,
      `The whole log: ${this.logFile(hostName, name)}`,
    );
  }

  #addDaemon(hostName: string, name: string, process: ProcessId): void {
    const others = this.#record.daemons.filter((daemon) => daemon.hostName !== hostName || daemon.name !== name);
    this.save({ daemons: [...others, { hostName, name, process }] });
  }

  daemon(hostName: string, name: string): ProcessId {
    const found = this.#record.daemons.find((daemon) => daemon.hostName === hostName && daemon.name === name);
    if (found === undefined) throw new LabFault('lab.no-such-daemon', `${hostName} has no ${name}.`);
    return found.process;
  }

  async setWanDelay(delayMs: number): Promise<void> {
    const started = await setWanDelay(this.vm('wan'), this.files, this.#record, delayMs);
    for (const { hostName, name, process } of started) this.#addDaemon(hostName, name, process);
    this.save({ wanDelayMs: delayMs });
  }

  logFile(hostName: string, name: string): string {
    return path.join(this.files.logDir, hostName, `${name}.log`);
  }

  save(change: Partial<LabRecord>): void {
    this.#record = { ...this.#record, ...change };
    writeRecord(this.files, this.#record);
  }
}

/** The lab of that name that is up, or why there is none. */
export function openLab(name: string): Lab {
  const files = labFiles(name);
  const record = readRecord(files);
  const isUp = record !== undefined && record.vms.length > 0 && record.vms.every((vm) => new Vm(vm).isUp());
  if (isUp && (record.ready || record.keep)) return new Lab(files, record);
  throw new LabFault('lab.not-up', `No lab named "${name}" is up.`, 'Start one with "pnpm lab up".');
}

/**
 * Builds the four sites, ready for traffic: every daemon answers and every tunnel has shaken hands.
 * When it fails the lab is taken down again, unless it is to be kept.
 */
export async function buildLab(options: LabOptions, progress: Progress): Promise<Lab> {
  await preflight();
  const files = labFiles(options.name);
  const present = readRecord(files);
  if (present !== undefined && isInUse(present)) throw inUse(files, present);
  const removed = await tearDown(files);
  if (removed > 0) progress.note(`removed ${removed} namespaces that an earlier run left behind`);
  rmSync(files.logDir, { recursive: true, force: true });
  const lab = new Lab(files, claimRecord(files, { keep: options.keep, wanDelayMs: 0 }));
  try {
    await build(lab, options, progress);
    lab.save({ ready: true });
    return lab;
  } catch (cause) {
    if (options.keep) progress.note('what was built so far stays for a look; "pnpm lab down" removes it');
    else await tearDown(files);
    throw cause;
  }
}

async function build(lab: Lab, options: LabOptions, progress: Progress): Promise<void> {
  const { files } = lab;
  const guest = writeGuestFiles(files);
  const [material] = await Promise.all([
    progress.step('keys and certificates', async () => makeMaterial(files)),
    progress.step(`${HOST_NAMES.length} machines, cables, addresses`, async () => {
      await Promise.all(HOST_NAMES.map(async (name) => lab.boot(name, siteOf(name), guest)));
      await buildNetwork(lab.vms, { wanRate: options.wanRate });
      await saveBaseline(files, lab.vms);
    }),
  ]);
  await Promise.all([
    progress.step('NATS hub', async () => startHub(lab, material)),
    progress.step('cloud fabrics, metadata services and APIs', async () => startClouds(lab, material)),
    progress.step('SSH servers', async () => startSshServers(lab)),
    options.wanDelayMs === 0
      ? undefined
      : progress.step(`WAN delay ${options.wanDelayMs} ms each way`, async () => lab.setWanDelay(options.wanDelayMs)),
  ]);
  await progress.step('routerd on eight routers, tunnels between them', async () => startRouters(lab, material));
  await progress.step('the four clients known everywhere, all flows passing', async () => makeClientsKnown(lab));
}

async function startSshServers(lab: Lab): Promise<void> {
  const ssh = await writeSshFiles(lab.files);
  await Promise.all(
    CLIENTS.map(async ({ name }) => {
      await lab.startDaemon(name, 'sshd', sshServer(ssh));
      await lab.untilDaemon(name, 'sshd', 'listening', () => lab.vm(name).hasListener(22));
    }),
  );
}

function siteOf(hostName: string): Site | undefined {
  return SITES.find((site) => hostName.startsWith(`${site}-`) && !hostName.endsWith('-fabric'));
}
