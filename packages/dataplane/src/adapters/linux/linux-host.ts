/** The Host port on Linux, by the ordinary programs: `ip`, `wg`, `nft`, `arping`, and /proc/sys. */
import { ok, unreachable, type Result } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { HostOp, ObservedHost } from '../../host-op.ts';
import { slotOfSysctl } from '../../host-slot.ts';
import type { Host, HostEvent, HostFault, Residual } from '../../ports.ts';
import { Undelivered } from '../../undelivered.ts';
import { Announcer } from './announcer.ts';
import { applyIpOps, type IpOp } from './apply-ip.ts';
import { hostCommandRunner, type RunHostCommand } from './host-command.ts';
import { IpBatch } from './ip-batch.ts';
import { LineProcess } from './line-process.ts';
import { parseMonitorLine } from './monitor-line.ts';
import { isFault, readMssTable, removeMssTable, replaceMssTable, type MssTable } from './mss-table.ts';
import { removeTable, replaceTable } from './nft-tables.ts';
import { NftWatch } from './nft-watch.ts';
import { readHost } from './observe.ts';
import { removeLink, setLink } from './link-settings.ts';
import { localSysctlFiles, remoteSysctlFiles, type SysctlFiles } from './sysctl-files.ts';
import { SYSCTL_DIRECTORY, SysctlConfigFiles } from './sysctl-config-files.ts';
import { SysctlWatch } from './sysctl-watch.ts';
import { changeTunnel, createTunnel } from './tunnels.ts';
import { WireGuardDevices } from './wireguard.ts';

export interface LinuxHostOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Enters the network namespace that is managed, such as `ip netns exec NAME`. The daemon runs inside and needs none. */
  readonly commandPrefix?: readonly string[];
  /** Where settings are kept for the next start; `/etc/sysctl.d` unless told. */
  readonly sysctlDirectory?: string;
  /** Program for userspace WireGuard where the kernel has none; `wireguard-go` on PATH unless told. */
  readonly wireGuardGo?: string;
}

/** Kernel news beyond this rate waits: one event suffices to read everything again. */
const MONITOR_LINES_PER_SECOND_MAX = 20_000;

export function createLinuxHost(options: LinuxHostOptions): Host {
  return new LinuxHost(options);
}

class LinuxHost implements Host {
  readonly #options: LinuxHostOptions;
  readonly #run: RunHostCommand;
  readonly #ipBatch: IpBatch;
  readonly #sysctls: SysctlFiles;
  readonly #sysctlConfigFiles: SysctlConfigFiles;
  readonly #wireGuard: WireGuardDevices;
  readonly #announcer: Announcer;
  readonly #sysctlWatch: SysctlWatch;
  readonly #nftWatch: NftWatch;
  readonly #listeners = new Set<(event: HostEvent) => void>();
  /** As last read or written; undefined when it may be something else. */
  #mssTable: MssTable | undefined;

  constructor(options: LinuxHostOptions) {
    const prefix = options.commandPrefix ?? [];
    this.#options = options;
    this.#run = hostCommandRunner(prefix);
    this.#ipBatch = new IpBatch(prefix);
    this.#sysctls = prefix.length === 0 ? localSysctlFiles() : remoteSysctlFiles(this.#run);
    this.#sysctlConfigFiles = new SysctlConfigFiles(options.sysctlDirectory ?? SYSCTL_DIRECTORY);
    this.#wireGuard = new WireGuardDevices(this.#run, options.wireGuardGo ?? 'wireguard-go');
    this.#announcer = new Announcer(this.#run, options.log);
    this.#sysctlWatch = new SysctlWatch((path, value) =>
      this.#tell({ kind: 'changed', what: 'sysctl', change: { slot: slotOfSysctl(path), value } }),
    );
    this.#nftWatch = new NftWatch({
      clock: options.clock,
      log: options.log,
      commandPrefix: prefix,
      onChanged: () => this.#tell({ kind: 'changed', what: 'nftables' }),
    });
  }

  async observe(sysctls: readonly (readonly string[])[] = []): Promise<Result<ObservedHost, HostFault>> {
    const reading = await readHost(
      { run: this.#run, sysctls: this.#sysctls, sysctlConfigFiles: this.#sysctlConfigFiles },
      sysctls,
    );
    if (!reading.ok) return reading;
    this.#mssTable = reading.value.mssTable;
    if (this.#mssTable.kind === 'ours' || reading.value.observed.tables.length > 0) this.#watchNft();
    this.#watchSysctls(sysctls);
    return ok(reading.value.observed);
  }

  async apply(ops: readonly HostOp[]): Promise<readonly Residual[]> {
    const residuals: Residual[] = [];
    const undelivered = new Undelivered();
    for (let start = 0; start < ops.length;) {
      const first = ops[start];
      if (first === undefined) break;
      let end = start + 1;
      while (end < ops.length && groupOf(ops[end]) === groupOf(first)) end += 1;
      for (const residual of await this.#applyWhatMay(ops.slice(start, end), undelivered)) {
        residuals.push(residual);
        undelivered.note(residual);
      }
      start = end;
    }
    return residuals;
  }

  watch(listener: (event: HostEvent) => void): { stop(): Promise<void> } {
    const { clock, log, commandPrefix = [] } = this.#options;
    this.#listeners.add(listener);
    const monitor = new LineProcess({
      clock,
      log,
      argv: [...commandPrefix, 'ip', '-ts', '-o', 'monitor', 'label', 'link', 'address', 'route', 'neigh', 'netconf'],
      linesPerSecondMax: MONITOR_LINES_PER_SECOND_MAX,
      subscribesTo: 'route',
      onStarted: () => listener({ kind: 'changed', what: 'link' }),
      onLine: (line) => {
        const event = parseMonitorLine(line);
        if (event?.kind === 'changed' && event.what === 'link') this.#ipBatch.forgetDevices();
        if (event !== undefined) listener(event);
      },
    });
    return {
      stop: async () => {
        this.#listeners.delete(listener);
        const last = this.#listeners.size === 0;
        if (last) this.#sysctlWatch.stop();
        await Promise.all([monitor.stop(), last ? this.#nftWatch.stop() : undefined]);
      },
    };
  }

  #tell(event: HostEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Tables of ours and settings that matter are watched from when there are any; without a listener nobody wants to know. */
  #watchNft(): void {
    if (this.#listeners.size > 0) this.#nftWatch.begin();
  }

  /** Only in this process's own network namespace: inotify sees no other's. */
  #watchSysctls(paths: readonly (readonly string[])[]): void {
    if (this.#listeners.size > 0 && (this.#options.commandPrefix ?? []).length === 0) this.#sysctlWatch.follow(paths);
  }

  /** Neighbours of one kind; interface names that a program could take for something else are left over. */
  async #applyGroup(ops: readonly HostOp[]): Promise<readonly Residual[]> {
    const strange = ops.filter((op) => !interfacesOf(op).every(isPlainName));
    const plain = strange.length === 0 ? ops : ops.filter((op) => !strange.includes(op));
    const residuals = await this.#applyPlain(plain).catch((cause: unknown) => {
      const detail = `an answer could not be understood: ${cause instanceof Error ? cause.message : 'unknown'}`;
      return plain.map((op) => ({ op, fault: { code: 'host.failed', detail, retry: 'later' } as const }));
    });
    return [...residuals, ...strange.map((op) => ({ op, fault: STRANGE_NAME }))];
  }

  async #applyWhatMay(ops: readonly HostOp[], undelivered: Undelivered): Promise<readonly Residual[]> {
    const held = ops.flatMap((op) => {
      const fault = undelivered.faultOf(op);
      return fault === undefined ? [] : [{ op, fault }];
    });
    if (held.length === 0) return this.#applyGroup(ops);
    const left = new Set(held.map(({ op }) => op));
    return [...(await this.#applyGroup(ops.filter((op) => !left.has(op)))), ...held];
  }

  async #applyPlain(ops: readonly HostOp[]): Promise<readonly Residual[]> {
    const ipOps = ops.filter(isIpOp);
    if (ipOps.length > 0) {
      for (const op of ipOps)
        if (op.verb === 'proxy-neighbor-remove') this.#announcer.withdraw(op.neighbor.interface, op.neighbor.address);
      return applyIpOps({ run: this.#run, batch: this.#ipBatch.run, sysctls: this.#sysctls }, ipOps);
    }
    if (ops.some(({ verb }) => DEVICE_VERBS.includes(verb))) this.#ipBatch.forgetDevices();
    // Devices do not wait for one another; the key file that they share is made by the first.
    const first = ops[0];
    const faults =
      first?.verb === 'wireguard-create'
        ? [await this.#applyOne(first), ...(await Promise.all(ops.slice(1).map(async (op) => this.#applyOne(op))))]
        : await this.#inTurn(ops);
    return ops.flatMap((op, index) => {
      const fault = faults[index];
      return fault === undefined ? [] : [{ op, fault }];
    });
  }

  async #inTurn(ops: readonly HostOp[]): Promise<readonly (HostFault | undefined)[]> {
    const faults: (HostFault | undefined)[] = [];
    for (const op of ops) faults.push(await this.#applyOne(op));
    return faults;
  }

  async #applyOne(op: HostOp): Promise<HostFault | undefined> {
    switch (op.verb) {
      case 'wireguard-create':
        return this.#wireGuard.create(op.device);
      case 'wireguard-configure':
        return this.#wireGuard.configure(op.device, op.endpointsOf);
      case 'wireguard-remove':
        return removeLink(this.#run, op.name); // wireguard-go ends by itself when its link goes
      case 'tunnel-create':
        return createTunnel(this.#run, op.tunnel);
      case 'tunnel-change':
        return changeTunnel(this.#run, op.tunnel);
      case 'tunnel-remove':
        return removeLink(this.#run, op.name);
      case 'link-set':
        return setLink(this.#run, op.setting);
      case 'link-restore': {
        const fault = await setLink(this.#run, op.setting);
        return fault?.code === 'host.not-found' ? undefined : fault; // it went, and nothing is left to restore
      }
      case 'sysctl-set':
        this.#watchSysctls([op.path]);
        return this.#sysctls.write(op.path, op.value);
      case 'sysctl-restore': {
        const fault = await this.#sysctls.write(op.path, op.value);
        return fault?.code === 'host.not-found' ? undefined : fault; // its interface went, and the setting with it
      }
      case 'sysctl-file-write':
        return this.#sysctlConfigFiles.write(op.file);
      case 'sysctl-file-remove':
        return this.#sysctlConfigFiles.remove(op.name);
      case 'table-replace':
      case 'table-remove':
        return this.#applyTable(op);
      case 'mss-replace':
      case 'mss-remove':
        return this.#applyMss(op);
      case 'announce':
        this.#announcer.announce(op.interface, op.address);
        return undefined;
      case 'address-add':
      case 'address-remove':
      case 'route-add':
      case 'route-replace':
      case 'route-remove':
      case 'proxy-neighbor-add':
      case 'proxy-neighbor-remove':
        return undefined; // in the batch
      default:
        return unreachable(op);
    }
  }

  async #applyTable(
    op: Extract<HostOp, { readonly verb: 'table-replace' | 'table-remove' }>,
  ): Promise<HostFault | undefined> {
    this.#watchNft();
    return op.verb === 'table-remove' ? removeTable(this.#run, op) : replaceTable(this.#run, op.table);
  }

  async #applyMss(
    op: Extract<HostOp, { readonly verb: 'mss-replace' | 'mss-remove' }>,
  ): Promise<HostFault | undefined> {
    const table = this.#mssTable ?? (await readMssTable(this.#run));
    if (isFault(table)) return table;
    if (table.kind === 'foreign')
      return {
        code: 'host.refused',
        detail: 'a table inet routerd_mss that is not ours is in the way',
        retry: 'later',
      };
    if (op.verb === 'mss-remove' && table.kind === 'absent') return undefined;
    this.#mssTable = undefined;
    const fault =
      op.verb === 'mss-remove' ? await removeMssTable(this.#run) : await replaceMssTable(this.#run, op.clamps);
    if (fault !== undefined) return fault;
    this.#watchNft();
    this.#mssTable = op.verb === 'mss-remove' ? { kind: 'absent' } : { kind: 'ours', clamps: op.clamps };
    return undefined;
  }
}

/** After these a name may stand for another device. */
const DEVICE_VERBS: readonly HostOp['verb'][] = [
  'wireguard-create',
  'wireguard-remove',
  'tunnel-create',
  'tunnel-remove',
];

const IP_VERBS: readonly string[] = [
  'address-add',
  'address-remove',
  'route-add',
  'route-replace',
  'route-remove',
  'proxy-neighbor-add',
  'proxy-neighbor-remove',
];

function isIpOp(op: HostOp): op is IpOp {
  return IP_VERBS.includes(op.verb);
}

/** Captures are in no group with their routes, since they wait for them. */
function groupOf(op: HostOp | undefined): string | undefined {
  return op !== undefined && isIpOp(op) && op.verb !== 'proxy-neighbor-add' ? 'ip' : op?.verb;
}

const STRANGE_NAME: HostFault = {
  code: 'host.refused',
  detail: 'the name of the interface has characters that ip or nft would take for something else',
  retry: 'never',
};

/** The kernel allows nearly every character; a star is a wildcard to nft, a hash or quote is syntax to `ip -batch`. */
function isPlainName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,14}$/.test(name);
}

function interfacesOf(op: HostOp): readonly string[] {
  switch (op.verb) {
    case 'wireguard-create':
    case 'wireguard-configure':
      return [op.device.name];
    case 'wireguard-remove':
      return [op.name];
    case 'tunnel-create':
    case 'tunnel-change':
      return [op.tunnel.name];
    case 'tunnel-remove':
      return [op.name];
    case 'link-set':
    case 'link-restore':
      return [op.setting.name];
    case 'address-add':
    case 'address-remove':
    case 'announce':
      return [op.interface];
    case 'route-add':
    case 'route-replace':
    case 'route-remove':
      return op.route.device === undefined ? [] : [op.route.device];
    case 'sysctl-set':
    case 'sysctl-restore':
      return ['conf', 'neigh'].includes(op.path[2] ?? '') ? [op.path[3] ?? 'lo'] : [];
    case 'mss-replace':
      return op.clamps.flatMap(({ captureInterface, tunnelInterface }) => [captureInterface, tunnelInterface]);
    case 'proxy-neighbor-add':
    case 'proxy-neighbor-remove':
      return [op.neighbor.interface];
    case 'mss-remove':
    case 'table-replace':
    case 'table-remove':
    case 'sysctl-file-write':
    case 'sysctl-file-remove':
      return [];
    default:
      return unreachable(op);
  }
}
