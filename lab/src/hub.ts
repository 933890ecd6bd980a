/** The NATS hub on its own machine: configured, provisioned, and open to the routers only. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseGroupName, renderHubConfig } from '@routerd/federation';
import { parseNodeName, type NodeName } from '@routerd/resources';
import type { OperatorAccess } from './hub-access.ts';
import type { Lab } from './lab.ts';
import type { LabFiles } from './lab-files.ts';
import type { Material } from './material.ts';
import { GROUP, HUB, type Router } from './topology.ts';

const PROVISION = path.join(import.meta.dirname, 'provision-hub.ts');

export async function startHub(lab: Lab, material: Material): Promise<void> {
  const dir = path.join(lab.files.stateDir, 'hub');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const configFile = path.join(dir, 'nats.conf');
  writeFileSync(configFile, hubConfig(dir, material, lab.topology.federated), { mode: 0o600 });
  const hub = lab.vm(HUB.name);
  await startServer(lab, configFile);
  const access: OperatorAccess = {
    group: GROUP,
    server: `tls://${HUB.name}.lab.test:${HUB.port}`,
    caFile: material.caFile,
    seed: material.operator.seed,
  };
  writeFileSync(operatorAccessFile(lab.files), JSON.stringify(access), { mode: 0o600 });
  await hub.output([process.execPath, PROVISION, operatorAccessFile(lab.files)], {
    env: { NODE_COMPILE_CACHE: lab.files.compileCacheDir },
    timeoutMs: 20_000,
  });
}

/** After it was killed: what it has stored is as it left it. */
export async function startHubAgain(lab: Lab): Promise<void> {
  await startServer(lab, path.join(lab.files.stateDir, 'hub', 'nats.conf'));
}

async function startServer(lab: Lab, configFile: string): Promise<void> {
  await lab.startDaemon(HUB.name, 'nats-server', ['nats-server', '-c', configFile]);
  await lab.untilDaemon(HUB.name, 'nats-server', 'listening', () => lab.vm(HUB.name).hasListener(HUB.port));
}

/** How an operator's program inside of a machine gets at the hub. */
export function operatorAccessFile(files: LabFiles): string {
  return path.join(files.stateDir, 'hub', 'operator.json');
}

function hubConfig(dir: string, material: Material, routers: readonly Router[]): string {
  const group = parseGroupName(GROUP);
  if (!group.ok) throw new Error(`not a group's name: ${GROUP}`);
  return renderHubConfig({
    group: group.value,
    serverName: HUB.name,
    listen: { host: HUB.address, port: HUB.port },
    storeDir: path.join(dir, 'streams'),
    tls: material.hub,
    operator: material.operator.publicKey,
    nodes: new Map(routers.map(({ name }) => [nodeName(name), material.of(name).publicKey])),
  });
}

function nodeName(text: string): NodeName {
  const parsed = parseNodeName(text);
  if (!parsed.ok) throw new Error(`not a node's name: ${text}`);
  return parsed.value;
}
