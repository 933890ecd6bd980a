/** A running lab: its machines, its daemons and what is recorded of them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { GuestFiles } from './guest-files.ts';
import { labFiles, namespaceOf, type LabFiles } from './lab-files.ts';
import { readRecord, writeRecord, type LabRecord } from './lab-record.ts';
import { LabFault } from './lab-fault.ts';
import { isRunning, type ProcessId } from './process-table.ts';
import { topologyOf } from './topologies.ts';
import type { Site, Topology } from './topology.ts';
import { bootVm, Vm } from './vm.ts';
import { setWanDelay } from './wan-delay.ts';
import { waitUntil } from './wait-until.ts';

export class Lab {
  readonly files: LabFiles;
  #record: LabRecord;
  readonly #vms = new Map<string, Vm>();

  constructor(files: LabFiles, record: LabRecord) {
    this.files = files;
    this.#record = record;
    for (const vm of record.vms) this.#vms.set(vm.hostName, new Vm(vm));
  }

  get topology(): Topology {
    return topologyOf(this.#record.topology);
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
