/**
 * One emulated cloud with its guests, in namespaces of this process:
 *
 *     router-a .4   router-b .5   client .11        (AWS; the others as in the lab's topology)
 *            └──────────┼────────────┘
 *                    fabric  ── wan ──  internet 198.51.100.99
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cloudConfigOf, type EmulatorTimings } from '../../src/cloud-accounts.ts';
import { CloudControl } from '../../src/cloud/control-client.ts';
import type { CloudConfig, CloudInstance } from '../../src/cloud/cloud-config.ts';
import { hostsFile } from '../../src/guest-files.ts';
import { CHECKOUT, type LabFiles } from '../../src/lab-files.ts';
import { macOf } from '../../src/mac-address.ts';
import { connectClient, fabricDevice, layCables } from '../../src/network.ts';
import { createAuthority, issueServerCertificate } from '../../src/pki.ts';
import { tearDown } from '../../src/tear-down.ts';
import { FIVE_SITES } from '../../src/gcp-site.ts';
import { API_ADDRESS, GATEWAY, VENDOR_NAMES, type EmulatedCloud } from '../../src/topology.ts';
import { bootVm, type Stream, type Vm } from '../../src/vm.ts';
import { waitUntil } from '../../src/wait-until.ts';
import { SdkShell } from '../../src/vendor-sdk/sdk-shell.ts';

const MAIN = path.join(CHECKOUT, 'lab/src/cloud/main.ts');
export const INTERNET = '198.51.100.99';

export interface CloudRig {
  readonly config: CloudConfig;
  readonly control: CloudControl;
  readonly fabric: Vm;
  readonly internet: Vm;
  /** The two routers, then the client, by their names in the configuration. */
  guest(name: string): Vm;
  instance(name: string): CloudInstance;
  /** The vendor's SDK inside a guest, with that guest's identity and no override. */
  sdk(name: string): Promise<SdkShell>;
  /** The authority behind the vendor's API. */
  readonly caFile: string;
  /** For the summary at the end. */
  time(what: string, milliseconds: number): void;
  /** Whether one `ping` from the inside of a guest is answered within a second. */
  pings(from: string, address: string): Promise<boolean>;
  /** True when a `ping` is answered, rejects when none is in 30 s: on a busy machine the first ARP request or answer may take longer than a `ping` waits. */
  reaches(from: string, address: string): Promise<true>;
  /** Resolves when packets for the address go to that guest. */
  fabricHas(name: string, address: string): Promise<void>;
  /** No fault cards, no knobs, primary addresses alone, also in the fabric; an empty journal. */
  reset(): Promise<void>;
  /** Ends the cloud's process by that signal. @returns its exit code, `null` when the signal killed it */
  stop(signal: NodeJS.Signals): Promise<number | null>;
  /** Starts another one. Rejects with everything it said, when it ends instead of serving. */
  start(config?: CloudConfig): Promise<void>;
  close(): Promise<void>;
}

export interface RigOptions {
  readonly delays?: Partial<EmulatorTimings>;
  /** Changes the configuration before it is used. */
  readonly adjust?: (config: CloudConfig) => CloudConfig;
}

interface Timing {
  readonly what: string;
  readonly milliseconds: number;
}

export async function openCloudRig(
  cloud: EmulatedCloud,
  { delays, adjust = (config) => config }: RigOptions = {},
): Promise<CloudRig> {
  const files = rigFiles(cloud);
  const shells: SdkShell[] = [];
  const timings: Timing[] = [];
  const time = (what: string, milliseconds: number): void => void timings.push({ what, milliseconds });
  const began = performance.now();
  const close = async (): Promise<void> => {
    for (const shell of shells) shell.stop();
    if (timings.length > 0) process.stdout.write(`${cloud}: ${summaryOf(timings)}\n`);
    await tearDown(files);
    rmSync(files.stateDir, { recursive: true, force: true });
  };
  try {
    const authority = await createAuthority(path.join(files.stateDir, 'pki'));
    const tls = await issueServerCertificate(authority, {
      names: VENDOR_NAMES[cloud],
      ips: [API_ADDRESS],
      dir: path.join(files.stateDir, 'pki'),
    });
    const pki = { tls, identityCaDir: path.join(files.stateDir, 'pki') };
    const config = adjust(
      cloudConfigOf(cloud, {
        topology: FIVE_SITES,
        files,
        pki,
        timings: { mutationDelayMs: 20, fabricDelayMs: 10, ...delays },
      }),
    );
    const vms = await bootAll(files, config, cloud);
    const vm = (name: string): Vm => {
      const found = vms.get(name);
      if (found === undefined) throw new Error(`no machine ${name}`);
      return found;
    };
    await connect(vm, config);
    let running = await startMain(vm('fabric'), files, config);
    const control = new CloudControl(config.controlSocket);
    time('rig', performance.now() - began);
    const pings = async (from: string, address: string): Promise<boolean> =>
      (await vm(from).exec(['ping', '-n', '-c', '1', '-W', '1', address])).ok;
    const instance = (name: string): CloudInstance => {
      const found = config.instances.find((each) => each.name === name);
      if (found === undefined) throw new Error(`no instance ${name}`);
      return found;
    };
    return {
      config,
      control,
      fabric: vm('fabric'),
      internet: vm('internet'),
      guest: vm,
      instance,
      caFile: authority.certFile,
      time,
      async sdk(name) {
        const shell = await SdkShell.open(vm(name), { cloud, caFile: authority.certFile, onCall: time });
        shells.push(shell);
        return shell;
      },
      pings,
      async reaches(from, address) {
        const answered = async (): Promise<true | undefined> => (await pings(from, address)) || undefined;
        return waitUntil(`an answer of ${address} to ${from}`, answered, { deadlineMs: 30_000 });
      },
      async fabricHas(name, address) {
        const has = async (): Promise<true | undefined> => {
          const { nics } = await control.state();
          return nics.find((nic) => nic.instance === name)?.fabric.addresses.includes(address) || undefined;
        };
        await waitUntil(`${address} on ${name}`, has, { deadlineMs: 30_000 });
      },
      reset: async () => reset(control),
      async stop(signal) {
        running.signal(signal);
        return running.exited;
      },
      async start(other = config) {
        running = await startMain(vm('fabric'), files, other);
      },
      close,
    };
  } catch (cause) {
    await close();
    throw cause;
  }
}

async function reset(control: CloudControl): Promise<void> {
  await control.clearFaults();
  await control.setKnobs({});
  for (const { instance, controlPlane } of (await control.state()).nics) {
    await control.changeAddresses(instance, { unassign: controlPlane.addresses.slice(1) });
  }
  const isClean = async (): Promise<true | undefined> =>
    (await control.state()).nics.every(({ fabric }) => fabric.addresses.length === 1) || undefined;
  await waitUntil('the fabric to forget', isClean, { deadlineMs: 30_000 });
  await control.resetJournal();
}

/** Median and maximum of each kind of call; the first call of an SDK includes getting its identity. */
function summaryOf(timings: readonly Timing[]): string {
  const kinds = [...new Set(timings.map(({ what }) => what))];
  return kinds
    .map((kind) => {
      const sorted = timings
        .flatMap(({ what, milliseconds }) => (what === kind ? [Math.round(milliseconds)] : []))
        .toSorted((a, b) => a - b);
      const median = sorted[Math.floor(sorted.length / 2)];
      return sorted.length === 1
        ? `${kind} ${median} ms`
        : `${kind} ×${sorted.length} ${median} ms (max ${sorted.at(-1)})`;
    })
    .join(', ');
}

function rigFiles(cloud: EmulatedCloud): LabFiles {
  const prefix = `rc${process.pid}${cloud}`;
  const stateDir = mkdtempSync(path.join(tmpdir(), `${prefix}-`));
  const at = (name: string): string => path.join(stateDir, name);
  mkdirSync(at('sockets'));
  return {
    name: prefix,
    prefix,
    stateDir,
    recordFile: at('lab.json'),
    logDir: at('logs'),
    binDir: at('bin'),
    evidenceDir: at('evidence'),
    socketDir: at('sockets'),
    compileCacheDir: path.join(CHECKOUT, 'node_modules', '.cache', 'compile'),
  };
}

async function bootAll(files: LabFiles, config: CloudConfig, cloud: EmulatedCloud): Promise<ReadonlyMap<string, Vm>> {
  const hosts = path.join(files.stateDir, 'hosts.txt');
  writeFileSync(hosts, hostsFile(FIVE_SITES, cloud));
  const resolv = path.join(files.stateDir, 'resolv.conf');
  writeFileSync(resolv, 'nameserver 127.0.0.1\n');
  const names = ['fabric', 'internet', ...config.instances.map(({ name }) => name)];
  const booted = await Promise.all(
    names.map(async (name) =>
      bootVm({
        hostName: name,
        namespace: `${files.prefix}-${name}`,
        hostsFile: hosts,
        resolvFile: resolv,
        binDir: files.binDir,
        workDir: CHECKOUT,
        keep: false,
      }),
    ),
  );
  return new Map(booted.map((vm) => [vm.name, vm]));
}

async function connect(vm: (name: string) => Vm, config: CloudConfig): Promise<void> {
  const fabric = vm('fabric');
  await layCables([
    { guest: vm('internet'), guestDevice: 'wan0', carrier: fabric, carrierDevice: 'wan' },
    ...config.instances.map(({ name, privateIp }) => ({
      guest: vm(name),
      guestDevice: 'eth0',
      guestMac: macOf(privateIp),
      carrier: fabric,
      carrierDevice: fabricDevice(name),
    })),
  ]);
  const wanAddress = FIVE_SITES.fabrics.find((each) => each.cloud === config.cloud)?.wanAddress;
  await vm('internet').ip(['link set wan0 up', `addr add ${INTERNET}/24 dev wan0`]);
  await fabric.ip(['link set wan up', `addr add ${wanAddress}/24 dev wan`]);
  await Promise.all(
    config.instances.map(async ({ name, privateIp }) =>
      connectClient(vm(name), { nic: 'eth0', address: privateIp, gateway: GATEWAY }),
    ),
  );
}

async function startMain(fabric: Vm, files: LabFiles, config: CloudConfig): Promise<Stream> {
  const configFile = path.join(files.stateDir, 'cloud.json');
  writeFileSync(configFile, JSON.stringify(config));
  const said: string[] = [];
  const running = await fabric.stream([process.execPath, MAIN, '--config', configFile], (line) => said.push(line));
  const ended = running.exited.then((code) => `exit ${code}`);
  let how: string | undefined;
  void ended.then((text) => (how = text));
  await waitUntil(
    () => `the start of the ${config.cloud} cloud (it said ${said.join(' | ')})`,
    () => {
      if (how !== undefined) throw new Error(`the cloud ended (${how}): ${said.join('\n')}`);
      return said.some((line) => line.includes('"cloud.ready"')) || undefined;
    },
    { deadlineMs: 20_000 },
  );
  return running;
}
