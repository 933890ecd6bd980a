/** routerd on each router: configuration from the topology, one daemon a machine, ready when it says so and its tunnels have shaken hands. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import path from 'node:path';
import { controlSocket } from './cloud-accounts.ts';
import { bundledExecutor } from './executor-bundle.ts';
import type { Lab } from './lab.ts';
import { CHECKOUT, routerDir } from './lab-files.ts';
import type { Material } from './material.ts';
import { commandOf, processesIn, threadsOf } from './process-table.ts';
import { isReady } from './router-api.ts';
import { renderRouterConfig, type RouterMaterial } from './router-config.ts';
import { isCloud, peersOf, type EmulatedCloud, type Router, type Site } from './topology.ts';
import type { Vm } from './vm.ts';
import { waitUntil } from './wait-until.ts';

const DAEMON = path.join(CHECKOUT, 'packages/routerd/src/main.ts');
const READY_DEADLINE_MS = 60_000;

export async function startRouters(lab: Lab, material: Material): Promise<void> {
  const { federated } = lab.topology;
  await Promise.all(
    federated.map(async (router) => {
      await writeRouterFiles(lab, router, material);
      await startRouter(lab, router);
    }),
  );
  await Promise.all(federated.map(async (router) => routerReady(lab, router)));
  for (const router of federated) preferTunnels(lab.vm(router.name));
}

/**
 * Userspace WireGuard stands in for the kernel's, which runs ahead of every process; here eight daemons, three clouds and the clients would compete with it
 * for the machine's few cores, and packets would be lost that no router lost. Priorities are a thread's own (setpriority(2)).
 */
function preferTunnels(vm: Vm): void {
  const tunnels = processesIn([vm.record.namespace]).filter(({ pid }) => commandOf(pid) === 'wireguard-go');
  for (const thread of tunnels.flatMap(({ pid }) => threadsOf(pid))) {
    try {
      setPriority(thread, -10);
    } catch {
      // The thread ended meanwhile; or root may not raise priorities here, and the lab is only a little less exact.
    }
  }
}

async function writeRouterFiles(lab: Lab, router: Router, material: Material): Promise<void> {
  const dir = routerDir(lab.files, router.name);
  mkdirSync(path.join(dir, 'state'), { recursive: true, mode: 0o700 });
  const secret = (name: string, text: string): string => {
    const file = path.join(dir, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const keys = material.of(router.name);
  const { federated } = lab.topology;
  const own: RouterMaterial = {
    seedFile: secret('identity.nk', `${keys.seed}\n`),
    wireGuardKeyFile: secret('wireguard.key', `${keys.wireGuard.privateKey}\n`),
    hubCaFile: material.caFile,
    identities: new Map(federated.map(({ name }) => [name, material.of(name).publicKey])),
    wireGuardKeys: new Map(federated.map(({ name }) => [name, material.of(name).wireGuard.publicKey])),
    executor: {
      node: process.execPath,
      main: isCloud(router.site) ? await executorOf(lab, router.site) : '',
      environment: {
        NODE_EXTRA_CA_CERTS: material.caFile,
        NODE_COMPILE_CACHE: lab.files.compileCacheDir,
        ...standInEnvironment(lab, router.site),
      },
    },
  };
  writeFileSync(path.join(dir, 'router.yaml'), renderRouterConfig(router, own, federated));
}

/** This checkout's own, as operators run it, or the plugin that `--executor` named. */
async function executorOf(lab: Lab, cloud: EmulatedCloud): Promise<string> {
  const folder = lab.record.executors[cloud];
  return folder === undefined ? bundledExecutor(cloud) : path.join(folder, 'src/main.ts');
}

/** A plugin that knows no vendor gets at the cloud by the lab's own door. */
function standInEnvironment(lab: Lab, site: Site): Readonly<Record<string, string>> {
  if (!isCloud(site) || lab.record.executors[site] === undefined) return {};
  return { LAB_CLOUD_SOCKET: controlSocket(lab.files, site) };
}

/** Also starts it again after it was killed: the state directory and the kernel are as it left them. */
export async function startRouter(lab: Lab, router: Router): Promise<void> {
  const dir = routerDir(lab.files, router.name);
  const place = { configFile: path.join(dir, 'router.yaml'), stateDir: path.join(dir, 'state') };
  await startRouterd(lab, router.name, place);
}

export async function startRouterd(
  lab: Lab,
  hostName: string,
  { configFile, stateDir }: { readonly configFile: string; readonly stateDir: string },
): Promise<void> {
  const argv = [process.execPath, DAEMON, 'serve', '--config', configFile, '--state-dir', stateDir];
  await lab.startDaemon(hostName, 'routerd', argv, { NODE_COMPILE_CACHE: lab.files.compileCacheDir });
}

export async function routerReady(lab: Lab, router: Router): Promise<void> {
  const vm = lab.vm(router.name);
  const limits = { deadlineMs: READY_DEADLINE_MS, everyMs: 50 };
  await lab.untilDaemon(router.name, 'routerd', 'being ready', async () => isReady(vm), limits);
  let missing: readonly string[] = [];
  await waitUntil(
    () => `${router.name}: a handshake with ${missing.join(', ')}`,
    async () => {
      missing = await peersWithoutHandshake(lab, router);
      return missing.length === 0 ? true : undefined;
    },
    limits,
  );
}

async function peersWithoutHandshake(lab: Lab, router: Router): Promise<readonly string[]> {
  const shaken = await peersShaken(lab.vm(router.name));
  const wanted = peersOf(router, lab.topology.federated).length;
  return shaken >= wanted ? [] : [`${wanted - shaken} of its peers`];
}

/** Peers of all tunnels that have shaken hands. A tunnel whose wireguard-go is only just starting cannot be asked: none, then. */
export async function peersShaken(vm: Vm): Promise<number> {
  const shown = await vm.exec(['wg', 'show', 'all', 'latest-handshakes']); // interface, key, seconds since 1970 or 0
  return shown.ok ? shown.value.stdout.split('\n').filter((line) => Number(line.split('\t')[2] ?? 0) > 0).length : 0;
}
