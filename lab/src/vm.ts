/**
 * A machine of the lab: a network, mount, UTS and PID namespace, held by one process that is its PID 1.
 *
 * - Killing the holder kills everything in the machine (pid_namespaces(7)); nothing has to be stopped one by one.
 * - `/run` and `/root` are its own tmpfs, so every router can have the same sockets and interface names; the rest of the file system is the host's.
 * - A machine that is not kept dies with the process that booted it (`setpriv --pdeathsig`), even when that is killed with -9.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { runCommand, type CommandOptions, type CommandResult } from '@routerd/runtime';
import { LabFault, outputOf } from './lab-fault.ts';
import { childrenOf, identify, isRunning, signalProcess, type ProcessId } from './process-table.ts';
import { waitUntil } from './wait-until.ts';

/**
 * Runs as PID 1: sets the machine up, says so, and reaps (a shell that waits for a child reaps every orphan; one that reads does not).
 * A new network namespace inherits the host's IPv4 settings (devconf_inherit_init_net): they are put back to the kernel's defaults,
 * so that what routerd needs is what routerd sets.
 */
const BOOT = `set -e
hostname "$1"
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=700 tmpfs /root
mkdir -p /run/wireguard /run/sshd
mount --bind "$2" /etc/hosts
if [ -f /etc/resolv.conf ]; then mount --bind "$3" /etc/resolv.conf; fi
echo 0 > /proc/sys/net/ipv4/ip_forward
for scope in all default; do
  cd /proc/sys/net/ipv4/conf/$scope
  echo 0 > rp_filter; echo 0 > proxy_arp; echo 0 > arp_ignore; echo 1 > send_redirects
done
cd /
ip link set lo up
set +e
echo ready
trap : TERM INT
while :; do sleep 1000000 & wait; done`;

export interface BootOptions {
  readonly hostName: string;
  /** Name of the network namespace; unique on the host. */
  readonly namespace: string;
  readonly hostsFile: string;
  readonly resolvFile: string;
  /** First on PATH inside the machine. */
  readonly binDir: string;
  readonly workDir: string;
  /** Outlives the process that boots it. */
  readonly keep: boolean;
}

export interface VmRecord {
  readonly hostName: string;
  readonly namespace: string;
  readonly holder: ProcessId;
  readonly binDir: string;
  readonly workDir: string;
}

/** A program inside a machine whose output is read line by line; it dies with whoever started it. */
export interface Stream {
  readonly process: ProcessId;
  /** Exit code, `null` when a signal ended it. */
  readonly exited: Promise<number | null>;
  signal(signal: NodeJS.Signals): void;
}

export class Vm {
  readonly record: VmRecord;
  /** What `stream` started and what has not ended, by the process group of each. */
  readonly #streams = new Map<number, Promise<unknown>>();

  constructor(record: VmRecord) {
    this.record = record;
  }

  get name(): string {
    return this.record.hostName;
  }

  isUp(): boolean {
    return isRunning(this.record.holder);
  }

  /** The command line that runs `argv` inside; every namespace is entered, the working directory is the checkout. */
  enter(argv: readonly string[]): readonly [string, ...string[]] {
    return [
      'nsenter',
      '-t',
      `${this.record.holder.pid}`,
      '-m',
      '-u',
      '-n',
      '-p',
      `--wd=${this.record.workDir}`,
      ...argv,
    ];
  }

  environment(extra: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
    return {
      PATH: `${this.record.binDir}:${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
      HOME: '/root',
      LC_ALL: 'C',
      TZ: 'UTC',
      ...extra,
    };
  }

  async exec(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand(this.enter(argv), { ...options, env: this.environment(options.env) });
  }

  /** Standard output of a command that has to succeed. */
  async output(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
    return outputOf(await this.exec(argv, options), `${this.name}: ${argv[0] ?? ''}`);
  }

  /** One `ip -batch`: fast, not atomic, stops at the first error. */
  async ip(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const argv = ['ip', '-n', this.record.namespace, '-batch', '-'] as const;
    outputOf(
      await runCommand(argv, { input: `${lines.join('\n')}\n` }),
      `${this.name}: ip -batch (${lines.length} lines)`,
    );
  }

  /** `ip` with its output, without entering more than the network namespace (3 ms instead of 7). */
  async ipOutput(...args: readonly string[]): Promise<string> {
    return outputOf(
      await runCommand(['ip', '-n', this.record.namespace, ...args]),
      `${this.name}: ip ${args.join(' ')}`,
    );
  }

  async nft(ruleset: string): Promise<void> {
    outputOf(await runCommand(this.#inNetwork(['nft', '-f', '-']), { input: ruleset }), `${this.name}: nft`);
  }

  async nftOutput(...args: readonly string[]): Promise<string> {
    return outputOf(await runCommand(this.#inNetwork(['nft', ...args])), `${this.name}: nft ${args.join(' ')}`);
  }

  async sysctl(settings: Readonly<Record<string, string | number>>): Promise<void> {
    const pairs = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
    outputOf(await runCommand(this.#inNetwork(['sysctl', '-qw', ...pairs])), `${this.name}: sysctl`);
  }

  #inNetwork(argv: readonly string[]): readonly [string, ...string[]] {
    return ['nsenter', `--net=/run/netns/${this.record.namespace}`, ...argv];
  }

  /** Whether something inside has a port open, by /proc/net: no process is started to look. */
  hasListener(port: number, protocol: 'tcp' | 'udp' = 'tcp'): boolean {
    const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
    const listens = protocol === 'tcp' ? '0A' : '07'; // TCP_LISTEN; an unconnected UDP socket is TCP_CLOSE
    return [protocol, `${protocol}6`].some((table) => {
      const file = `/proc/${this.record.holder.pid}/net/${table}`;
      if (!existsSync(file)) return false; // a kernel without IPv6
      return readFileSync(file, 'latin1')
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .some(([, local, , state]) => state === listens && local?.endsWith(suffix) === true);
    });
  }

  async listening(port: number, protocol: 'tcp' | 'udp' = 'tcp'): Promise<void> {
    await waitUntil(
      `${this.name}: a listener on ${protocol} port ${port}`,
      () => this.hasListener(port, protocol) || undefined,
      { deadlineMs: 10_000 },
    );
  }

  /** Starts a program whose lines are wanted. SIGKILL of the lab kills it too. */
  async stream(argv: readonly string[], onLine: (line: string) => void): Promise<Stream> {
    const wrapped = ['setpriv', '--pdeathsig', 'KILL', ...this.enter(['setpriv', '--pdeathsig', 'KILL', ...argv])];
    const [file = '', ...args] = wrapped;
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: this.environment(), detached: true });
    const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
    const group = child.pid; // of its own, since it is detached
    if (group !== undefined) {
      this.#streams.set(group, exited);
      void exited.then(() => this.#streams.delete(group));
    }
    createInterface({ input: child.stdout }).on('line', onLine);
    createInterface({ input: child.stderr }).on('line', onLine);
    const inside = await this.#inner(child, argv);
    return { process: inside, exited, signal: (signal) => void signalProcess(inside, signal) };
  }

  /** What a scenario that broke off had started and did not come to end: it would load the machine of those after it. */
  async endStreams(): Promise<void> {
    const running = [...this.#streams];
    for (const [group] of running) {
      try {
        process.kill(-group, 'SIGKILL'); // a pipeline's parts too
      } catch {
        // it ended just now
      }
    }
    await Promise.all(running.map(async ([, exited]) => exited));
  }

  /** Starts a program that stays: output appended to a file, alive until the machine goes. */
  async daemon(
    argv: readonly string[],
    options: { readonly logFile: string; readonly env?: Readonly<Record<string, string>> },
  ): Promise<ProcessId> {
    mkdirSync(path.dirname(options.logFile), { recursive: true });
    const log = openSync(options.logFile, 'a');
    const [file, ...args] = this.enter(argv);
    const child = spawn(file, args, {
      stdio: ['ignore', log, log],
      env: this.environment(options.env),
      detached: true,
    });
    closeSync(log);
    child.unref();
    return this.#inner(child, argv);
  }

  /** nsenter forks to enter a PID namespace: the program is its child. Signals to nsenter itself do not reach it. */
  async #inner(nsenter: ChildProcess, argv: readonly string[]): Promise<ProcessId> {
    const what = `${this.name}: the start of ${argv.join(' ')}`;
    const outer = nsenter.pid;
    if (outer === undefined) throw new LabFault('lab.spawn-failed', `${what} failed.`);
    return waitUntil(
      what,
      () => {
        if (nsenter.exitCode !== null)
          throw new LabFault('lab.spawn-failed', `${what} failed (exit ${nsenter.exitCode}).`);
        const [pid] = childrenOf(outer);
        return pid === undefined ? undefined : identify(pid);
      },
      { deadlineMs: 5000, everyMs: 1 },
    );
  }
}

/** Adds the namespace and starts the holder. About 20 ms; many at once are fine. */
export async function bootVm(options: BootOptions): Promise<Vm> {
  const { hostName, namespace, keep } = options;
  outputOf(await runCommand(['ip', 'netns', 'add', namespace]), `${hostName}: ip netns add`);
  const inside = [
    'unshare',
    '-m',
    '-u',
    '-p',
    '--fork',
    '--kill-child=KILL',
    '--mount-proc',
    '--propagation',
    'private',
  ];
  const boot = ['sh', '-c', BOOT, 'sh', hostName, options.hostsFile, options.resolvFile];
  const tether = keep ? [] : ['setpriv', '--pdeathsig', 'KILL'];
  const child = spawn('ip', ['netns', 'exec', namespace, ...tether, ...inside, ...boot], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
  });
  await booted(child, hostName);
  child.unref();
  const [pid] = childrenOf(child.pid ?? 0);
  const holder = pid === undefined ? undefined : identify(pid);
  if (holder === undefined)
    throw new LabFault('lab.boot-failed', `${hostName}: the holder ended right after it was ready.`);
  return new Vm({ hostName, namespace, holder, binDir: options.binDir, workDir: options.workDir });
}

async function booted(child: ChildProcess, hostName: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new LabFault('lab.boot-failed', `${hostName}: the machine did not boot (exit ${code}): ${said.trim()}`)),
    );
    child.stdout?.once('data', () => resolve());
  });
  child.removeAllListeners('exit');
  // The pipes would keep this process from ending while the machine is kept.
  child.stdout?.destroy();
  child.stderr?.destroy();
}
