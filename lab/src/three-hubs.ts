/**
 * The lab's hub becomes three, as an operator makes it: the first is taken over by routerd with its streams, two more join, and the routers are told
 * by a reload. All three are daemons of the hub's machine, at addresses of their own: what befalls one of them is done to its processes.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { generateNodeIdentity, type NodeIdentity } from '@routerd/federation';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { readOperatorAccess } from './hub-access.ts';
import { operatorAccessFile } from './hub.ts';
import type { Lab } from './lab.ts';
import { CHECKOUT, routerDir } from './lab-files.ts';
import { authorityIn, issueServerCertificate, type Certificate } from './pki.ts';
import { processesInside } from './power.ts';
import { commandOf, isRunning, signalProcess, type ProcessId } from './process-table.ts';
import { changedConfig } from './redeploy.ts';
import { carrierPort, GROUP, HUB } from './topology.ts';
import { waitUntil } from './wait-until.ts';

const DAEMON = path.join(CHECKOUT, 'packages/routerd/src/main.ts');
const CLUSTER_PORT = 6222;
const GROWN_MS_MAX = 40_000;
const PROVISION = path.join(import.meta.dirname, 'provision-hub.ts');

export interface LabHub {
  readonly name: string;
  readonly address: string;
  /** Holds its configuration and its state. */
  readonly dir: string;
  readonly identity: NodeIdentity;
}

const peer = z.looseObject({
  kind: z.literal('EventPeer'),
  spec: z.looseObject({ nodeName: z.string(), publicKey: z.string() }),
});

/** Resolves when three hubs keep every stream, and every router knows them. */
export async function growHubs(lab: Lab): Promise<readonly LabHub[]> {
  // What an earlier lab of this name left is no part of this one.
  rmSync(path.join(lab.files.stateDir, 'hubs'), { recursive: true, force: true });
  const hubs = [0, 1, 2].map((index): LabHub => {
    const address = HUB.address.replace(/\d+$/, (last) => `${Number(last) + index}`);
    const name = `hub-${index + 1}`;
    return { name, address, dir: path.join(lab.files.stateDir, 'hubs', name), identity: generateNodeIdentity() };
  });
  const further = hubs.slice(1).map(({ address }) => address);
  await lab.vm(HUB.name).ip(further.map((address) => `addr add ${address}/24 dev wan0`));
  await lab.vm('wan').ip(further.map((address) => `route add ${address}/32 dev ${carrierPort(HUB.name)}`));
  const keys = routerKeys(lab);
  for (const hub of hubs) await writeHubFiles(lab, hub, hubs, keys);
  const alone = lab.daemon(HUB.name, 'nats-server');
  signalProcess(alone, 'SIGTERM');
  await waitUntil('the end of the hub alone', () => !isRunning(alone) || undefined, { deadlineMs: 10_000 });
  for (const hub of hubs) await startLabHub(lab, hub);
  tellRouters(lab, hubs);
  const [first] = hubs;
  await lab.untilDaemon(HUB.name, first?.name ?? '', 'taking its streams into the cluster', () => hasGrown(lab), {
    deadlineMs: GROWN_MS_MAX,
  });
  await leaderOf(lab, hubs, 3);
  return hubs;
}

/** Also after it was killed. */
export async function startLabHub(lab: Lab, { name, dir }: LabHub): Promise<void> {
  const place = ['--config', path.join(dir, 'config'), '--state-dir', path.join(dir, 'state')];
  const argv = [process.execPath, DAEMON, 'serve', ...place, '--socket', path.join(dir, 'routerd.sock')];
  await lab.startDaemon(HUB.name, name, argv, { NODE_COMPILE_CACHE: lab.files.compileCacheDir });
}

/** routerd and its server, as if the power of a machine of its own had failed. */
export function killLabHub(lab: Lab, { name, dir }: LabHub): void {
  const isItsServer = ({ pid }: ProcessId): boolean =>
    commandOf(pid) === 'nats-server' && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(dir);
  const servers = processesInside(lab.vm(HUB.name)).filter(isItsServer);
  for (const each of [lab.daemon(HUB.name, name), ...servers]) signalProcess(each, 'SIGKILL');
}

/** The hub that orders the capture log. Waits until there is one, and until so many keep every stream. */
export async function leaderOf(lab: Lab, hubs: readonly LabHub[], replicas = 1): Promise<LabHub> {
  return waitUntil(
    `${replicas} hubs that keep every stream, and a leader`,
    async () => {
      const said = await lab.vm(HUB.name).exec([process.execPath, PROVISION, operatorAccessFile(lab.files)]);
      if (!said.ok) return undefined;
      const streams = streamsForm.parse(JSON.parse(said.value.stdout));
      const leader = streams.find(({ name }) => name.endsWith('_CAPTURE'))?.leader;
      const kept = Math.min(...streams.map((stream) => stream.replicas));
      return kept < replicas ? undefined : hubs.find(({ name }) => name === leader);
    },
    { deadlineMs: GROWN_MS_MAX, everyMs: 200 },
  );
}

const streamsForm = z.array(z.object({ name: z.string(), leader: z.string().optional(), replicas: z.number() }));

function hasGrown(lab: Lab): boolean {
  return readFileSync(lab.logFile(HUB.name, 'hub-1'), 'utf8').includes('"event":"hub.growth.done"');
}

/** Every router's public key, from what the others are told of it. */
function routerKeys(lab: Lab): ReadonlyMap<string, string> {
  const texts = lab.topology.federated.map(({ name }) => readFileSync(configFile(lab, name), 'utf8'));
  const documents = texts.flatMap((text) => parseAllDocuments(text).map((document): unknown => document.toJS()));
  return new Map(
    documents.flatMap((document) => {
      const parsed = peer.safeParse(document);
      return parsed.success ? [[parsed.data.spec.nodeName, parsed.data.spec.publicKey] as const] : [];
    }),
  );
}

/** The first keeps the store, and the certificate, of the hub that stood alone. */
async function writeHubFiles(
  lab: Lab,
  hub: LabHub,
  hubs: readonly LabHub[],
  routers: ReadonlyMap<string, string>,
): Promise<void> {
  const { caFile, seed } = readOperatorAccess(operatorAccessFile(lab.files));
  mkdirSync(path.join(hub.dir, 'config'), { recursive: true, mode: 0o700 });
  const secret = (name: string, text: string): string => {
    const file = path.join(hub.dir, name);
    writeFileSync(file, `${text}\n`, { mode: 0o600 });
    return file;
  };
  const isFirst = hub === hubs[0];
  const names = isFirst ? [`${HUB.name}.lab.test`, HUB.name] : [`${hub.name}.lab.test`];
  const options = { names, ips: [hub.address], alsoClient: true, dir: path.join(hub.dir, 'pki') };
  const tls = await issueServerCertificate(authorityIn(path.dirname(caFile)), options);
  const others = hubs.filter((other) => other !== hub);
  const peers = new Map([...routers, ...others.map(({ name, identity }) => [name, identity.publicKey] as const)]);
  const storeDir = isFirst ? path.join(lab.files.stateDir, 'hub', 'streams') : path.join(hub.dir, 'streams');
  const group = {
    nodeName: hub.name,
    servers: serversOf(hubs),
    identity: { seedFile: secret('node.seed', hub.identity.seed) },
    tls: { caFile },
    role: 'hub',
    server: 'managed',
    listen: { address: hub.address, port: HUB.port },
    hub: hubPart(hub, others, { tls, storeDir, operatorSeedFile: secret('operator.seed', seed) }),
  };
  const documents = [document('EventGroup', GROUP, group), ...peerDocuments(peers)];
  writeFileSync(path.join(hub.dir, 'config', 'federation.yaml'), documents.join('\n---\n'));
}

function hubPart(
  { address }: LabHub,
  others: readonly LabHub[],
  { tls, ...files }: { readonly tls: Certificate; readonly storeDir: string; readonly operatorSeedFile: string },
): object {
  const { certFile, keyFile } = tls;
  const routes = others.map((other) => `tls://${other.address}:${CLUSTER_PORT}`);
  return {
    ...files,
    tls: { certFile, keyFile },
    replicas: 3,
    cluster: { listen: { address, port: CLUSTER_PORT }, routes },
  };
}

/** Without a restart: new servers to dial, and three members that are no routers. */
function tellRouters(lab: Lab, hubs: readonly LabHub[]): void {
  const added = peerDocuments(new Map(hubs.map(({ name, identity }) => [name, identity.publicKey])));
  for (const { name } of lab.topology.federated) {
    const file = configFile(lab, name);
    const changed = changedConfig(readFileSync(file, 'utf8'), (each) =>
      each.kind === 'EventGroup' ? { ...each, spec: { ...each.spec, servers: serversOf(hubs) } } : each,
    );
    writeFileSync(file, `${[changed.trimEnd(), ...added].join('\n---\n')}\n`);
    signalProcess(lab.daemon(name, 'routerd'), 'SIGHUP');
  }
}

function serversOf(hubs: readonly LabHub[]): readonly string[] {
  return hubs.map(({ address }) => `tls://${address}:${HUB.port}`);
}

function peerDocuments(keys: ReadonlyMap<string, string>): readonly string[] {
  return [...keys].map(([nodeName, publicKey]) =>
    document('EventPeer', nodeName, { groupRef: GROUP, nodeName, publicKey }),
  );
}

/** JSON is YAML. */
function document(kind: string, name: string, spec: object): string {
  return JSON.stringify({ apiVersion: 'federation.routerd.net/v1alpha1', kind, metadata: { name }, spec });
}

function configFile(lab: Lab, routerName: string): string {
  return path.join(routerDir(lab.files, routerName), 'router.yaml');
}
