/** Real hub, real TLS, real permissions under the contract's hands. One hub serves a whole test file; each case gets its own streams. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, nkeyAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import {
  captureStream,
  createFederation,
  eventsStream,
  factsStream,
  generateNodeIdentity,
  MemoryEventStore,
  MemoryFactStore,
  MemoryHighWaterStore,
  MemoryOrderStore,
  provisionGroup,
  renderHubConfig,
  type NodeIdentity,
} from '@routerd/federation';
import {
  RIG_GROUP,
  rigConfig,
  rigIdentities,
  type FederationRig,
  type RigDisk,
  type RigNode,
} from '@routerd/federation/contract';
import type { NodeName } from '@routerd/resources';
import { RecordingLog, systemClock } from '@routerd/runtime';
import {
  freePort,
  makeCertificates,
  makeScratchFolder,
  removeScratchFolder,
  startHub,
  Wire,
  type HubProcess,
} from './nats-hub.ts';
import { valueOf } from './value-of.ts';

const PATIENCE_MS = 20_000;
const LOOK_AGAIN_MS = 2;

/** A hub that runs; cases share it, one after another. */
export interface HubUnderTest {
  readonly hub: HubProcess;
  readonly storeDir: string;
  readonly caFile: string;
  readonly identities: ReadonlyMap<NodeName, NodeIdentity>;
  readonly operator: NodeIdentity;
  openRig(): Promise<FederationRig>;
  close(): Promise<void>;
}

export async function openHub(identities = rigIdentities()): Promise<HubUnderTest> {
  const folder = await makeScratchFolder();
  const operator = generateNodeIdentity();
  const tls = await makeCertificates(folder);
  const port = await freePort();
  const configFile = join(folder, 'hub.conf');
  const logFile = join(folder, 'hub.log');
  const text = renderHubConfig({
    group: RIG_GROUP,
    serverName: 'hub-1',
    listen: { host: '127.0.0.1', port },
    storeDir: join(folder, 'store'),
    tls: { certFile: tls.certFile, keyFile: tls.keyFile, caFile: tls.caFile },
    operator: operator.publicKey,
    nodes: new Map([...identities].map(([node, { publicKey }]) => [node, publicKey])),
    logFile,
  });
  await writeFile(configFile, text, { mode: 0o600 });
  const hub = await startHub(configFile, port, logFile);
  const under: HubUnderTest = {
    hub,
    storeDir: join(folder, 'store'),
    caFile: tls.caFile,
    identities,
    operator,
    openRig: async () => openNatsRig(under),
    close: async () => {
      await hub.kill();
      await removeScratchFolder(folder);
    },
  };
  return under;
}

export async function connectAs(under: HubUnderTest, seed: string, inboxPrefix: string): Promise<NatsConnection> {
  return connect({
    servers: `tls://127.0.0.1:${under.hub.port}`,
    tls: Object.assign({ caFile: under.caFile }, { host: '127.0.0.1' }),
    authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
    inboxPrefix,
    reconnect: false,
  });
}

export async function untilTrue(condition: () => boolean, what: string, patienceMs = PATIENCE_MS): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${patienceMs} ms in vain for: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_AGAIN_MS);
    });
  }
}

async function openNatsRig(under: HubUnderTest): Promise<FederationRig> {
  await makeStreamsAnew(under);
  const { hub, identities } = under;
  const nodes: RigNode[] = [];
  const wires = new Map<NodeName, Wire>();
  for (const name of identities.keys()) {
    const wire = new Wire(hub.port);
    await wire.open();
    wires.set(name, wire);
  }
  return {
    identities,
    node: (name, disk) => {
      const node = makeNode(under, name, wires.get(name)?.port ?? 0, disk);
      nodes.push(node);
      return node;
    },
    cut: (name) => wires.get(name)?.cut(),
    heal: (name) => void wires.get(name)?.open(),
    stall: () => hub.stall(),
    resume: () => hub.resume(),
    publishAs: async (name, _log, { subject, id, text }) => {
      const connection = await connectAs(under, identities.get(name)?.seed ?? '', `_INBOX_${name}`);
      await jetstream(connection).publish(subject, text, { msgID: id });
      await connection.close();
    },
    until: untilTrue,
    close: async () => {
      hub.resume();
      await Promise.all(nodes.map(async ({ federation }) => federation.stop()));
      for (const wire of wires.values()) wire.cut();
    },
  };
}

/** Fresh streams, so that a case sees nothing of the one before. */
export async function makeStreamsAnew(under: HubUnderTest): Promise<void> {
  const connection = await connectAs(under, under.operator.seed, '_INBOX_OPERATOR');
  const manager = await jetstreamManager(connection, { checkAPI: false });
  for (const stream of [factsStream(RIG_GROUP), captureStream(RIG_GROUP), eventsStream(RIG_GROUP)]) {
    await manager.streams.delete(stream).catch(() => false);
  }
  await connection.close();
  await provision(under);
}

export async function provision(under: HubUnderTest): Promise<void> {
  const provisioned = await provisionGroup({
    servers: [`tls://127.0.0.1:${under.hub.port}`],
    caFile: under.caFile,
    group: RIG_GROUP,
    seed: under.operator.seed,
  });
  valueOf(provisioned);
}

export function makeNode(under: HubUnderTest, name: NodeName, port: number, disk?: RigDisk): RigNode {
  const factStore = disk?.factStore ?? new MemoryFactStore();
  const highWaterStore = disk?.highWaterStore ?? new MemoryHighWaterStore();
  const eventStore = disk?.eventStore ?? new MemoryEventStore();
  const orderStore = disk?.orderStore ?? new MemoryOrderStore();
  const log = new RecordingLog();
  const captured: RigNode['captured'] = new Map();
  const made = createFederation({
    config: { ...rigConfig(name, under.identities), servers: [`tls://127.0.0.1:${port}`], caFile: under.caFile },
    clock: systemClock,
    log,
    factStore,
    highWaterStore,
    eventStore,
    orderStore,
    isCapturedHere: (address) => captured.get(address),
  });
  return { name, federation: valueOf(made), factStore, highWaterStore, eventStore, orderStore, log, captured };
}
