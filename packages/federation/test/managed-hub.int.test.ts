/** A hub that routerd runs itself, with everything that may happen to the process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, renameSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  createFederation,
  factsStream,
  generateNodeIdentity,
  ManagedHub,
  MemoryFactStore,
  MemoryHighWaterStore,
  provisionUntilDone,
  type Federation,
  type HubSettings,
} from '@routerd/federation';
import { RIG_GROUP, rigConfig, rigIdentities } from '@routerd/federation/contract';
import { durationMs, type NodeName } from '@routerd/resources';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { address, AWS_A, observed, ONPREM_A } from '../src/contract/federation-rig.ts';
import { freePort, makeScratchFolder, removeScratchFolder } from './nats-hub.ts';
import { untilTrue } from './nats-rig.ts';
import { valueOf } from './value-of.ts';

const identities = rigIdentities();
const operator = generateNodeIdentity();
const times = {
  probeInterval: durationMs(100),
  probeTimeout: durationMs(500),
  restartFirst: durationMs(50),
  restartMax: durationMs(200),
};
let folder: string;
let settings: HubSettings;
let log: RecordingLog;
const undo: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = await makeScratchFolder();
  log = new RecordingLog();
  settings = {
    group: RIG_GROUP,
    serverName: 'hub-1',
    listen: { host: '127.0.0.1', port: await freePort() },
    storeDir: path.join(folder, 'streams'),
    operator: operator.publicKey,
    nodes: publicKeys(ONPREM_A),
  };
});
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
  await removeScratchFolder(folder);
});

describe('a managed hub', () => {
  it('serves the nodes that it is told of, and takes over new ones without dropping those that it has', async () => {
    const hub = await startHub();
    await provision();
    const first = await startNode(ONPREM_A);
    await untilTrue(() => first.status().connected, 'the first node');
    const newcomer = await startNode(AWS_A);
    await untilTrue(() => newcomer.status().lastError?.includes('identity-refused') === true, 'the refusal');
    let drops = 0;
    first.onStatus(() => {
      if (!first.status().connected) drops += 1;
    });
    await hub.configure({ ...settings, nodes: publicKeys(ONPREM_A, AWS_A) });
    await untilTrue(() => newcomer.status().connected, 'the newcomer');
    expect(first.facts.record(observed(address(10), ONPREM_A)).ok).toBe(true);
    await untilTrue(() => newcomer.facts.accepted().length === 1, 'the fact');
    expect(drops).toBe(0);
    await hub.configure({ ...settings, nodes: publicKeys(ONPREM_A) });
    await untilTrue(() => !newcomer.status().connected, 'the removed node cut off');
    expect(hub.state()).toMatchObject({ phase: 'healthy', restarts: 0 });
  });

  it('is started again with its streams when it was killed', async () => {
    const hub = await startHub();
    await provision();
    const node = await startNode(ONPREM_A);
    node.facts.record(observed(address(10), ONPREM_A));
    await untilTrue(() => node.status().connected && node.status().outboxDepth === 0, 'the fact stored');
    const { pid } = hub.state();
    process.kill(pid ?? 0, 'SIGKILL');
    await untilTrue(() => hub.state().restarts === 1 && hub.state().phase === 'healthy', 'the restart');
    expect(hub.state().lastError).toMatch(/SIGKILL/);
    expect(hub.state().pid).not.toBe(pid);
    const reader = new MemoryFactStore();
    await node.stop();
    const again = await startNode(ONPREM_A, reader);
    await untilTrue(() => again.facts.accepted().length === 1, 'the fact from the streams');
  });

  it('is killed and started again when it stands still', async () => {
    const hub = await startHub();
    process.kill(hub.state().pid ?? 0, 'SIGSTOP');
    await untilTrue(() => hub.state().restarts === 1 && hub.state().phase === 'healthy', 'the restart');
    expect(hub.state().lastError).toMatch(/^silent/);
  });

  it('settings that the server would refuse change nothing', async () => {
    const hub = await startHub();
    const { pid } = hub.state();
    const tls = { certFile: '/nowhere/cert.pem', keyFile: '/nowhere/key.pem' };
    await hub.configure({ ...settings, tls });
    expect(hub.state()).toMatchObject({ phase: 'healthy', pid, restarts: 0 });
    expect(hub.state().lastError).toMatch(/certificate|no such file/);
    expect(readFileSync(path.join(folder, 'state', 'nats.conf'), 'utf8')).not.toContain('nowhere');
  });

  it('a server that cannot start is tried again, and why is said', async () => {
    const hub = makeHub('/nowhere/nats-server');
    hub.start();
    await untilTrue(() => hub.state().restarts > 1, 'another try');
    expect(hub.state().lastError).toMatch(/nowhere|not-found/);
  });

  it('a server that is stopped for a change is gone when that is answered, and what was to be done is done', async () => {
    const hub = await startHub();
    const { pid } = hub.state();
    let done = false;
    expect(await hub.configure(settings, async () => Promise.resolve(void (done = true)))).toBe(true);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    await untilTrue(() => hub.state().phase === 'healthy' && hub.state().pid !== pid, 'the next server');
    expect(done).toBe(true);
  });

  it('what the server says comes through our log', async () => {
    await startHub();
    const said = log.lines.filter(({ fields }) => fields['event'] === 'hub.server.said');
    expect(said).toContainEqual(expect.objectContaining({ level: 'info' }));
    expect(said.map(({ fields }) => fields['text'])).toContain('Server is ready');
  });

  it('is started again from a program that was replaced, with its streams', async () => {
    const program = path.join(folder, 'nats-server');
    copyFileSync('/usr/sbin/nats-server', program);
    const hub = makeHub(program);
    hub.start();
    await untilTrue(() => hub.state().phase === 'healthy', 'the hub healthy');
    await provision();
    const node = await startNode(ONPREM_A);
    node.facts.record(observed(address(10), ONPREM_A));
    await untilTrue(() => node.status().connected && node.status().outboxDepth === 0, 'the fact stored');
    await node.stop();
    expect(await hub.isCurrent()).toBe(true);
    expect((await hub.copies())?.get(factsStream(settings.group))).toEqual({ lastSequence: 1 });
    const { pid } = hub.state();
    expect(await hub.configure(settings)).toBe(true);
    expect(hub.state().pid).toBe(pid);
    copyFileSync('/usr/sbin/nats-server', `${program}.new`);
    renameSync(`${program}.new`, program);
    expect(await hub.configure(settings)).toBe(true);
    await untilTrue(() => hub.state().pid !== pid && hub.state().phase === 'healthy', 'the new server');
    expect(hub.state()).toMatchObject({ restarts: 0, lastError: undefined });
    const again = await startNode(ONPREM_A, new MemoryFactStore());
    await untilTrue(() => again.facts.accepted().length === 1, 'the fact from the streams');
  });

  it('takes the place of a server that was left standing still by a killed owner', async () => {
    const left = await startByAnother();
    process.kill(left.pid, 'SIGSTOP');
    left.owner.kill('SIGKILL');
    await once(left.owner, 'exit');
    expect(existsSync(`/proc/${left.pid}`)).toBe(true);
    const hub = await startHub();
    expect(hub.state().pid).not.toBe(left.pid);
    expect(hub.state().restarts).toBe(0);
    expect(log.lines.filter(({ fields }) => fields['event'] === 'hub.leftover')).toHaveLength(1);
    await untilTrue(() => !existsSync(`/proc/${left.pid}`), 'the server gone');
  });

  it('ends with the process that runs it, also when that one is killed', async () => {
    const { owner, pid } = await startByAnother();
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    owner.kill('SIGKILL');
    await untilTrue(() => !existsSync(`/proc/${pid}`), 'the server gone');
  });
});

/** A process of its own that runs the hub. */
async function startByAnother(): Promise<{ readonly owner: ChildProcess; readonly pid: number }> {
  const script = path.join(folder, 'owner.ts');
  const options = JSON.stringify({ stateDir: path.join(folder, 'state'), settings: { ...settings, nodes: [] } });
  await writeFile(
    script,
    `import { ManagedHub } from ${JSON.stringify(path.resolve(import.meta.dirname, '../src/index.ts'))};
       import { createLog, systemClock } from ${JSON.stringify(path.resolve(import.meta.dirname, '../../runtime/src/index.ts'))};
       const { stateDir, settings } = ${options};
       const hub = new ManagedHub({ stateDir, settings: { ...settings, nodes: new Map() }, clock: systemClock, log: createLog('silent') });
       hub.onState(({ phase, pid }) => { if (phase === 'healthy') process.stdout.write(String(pid)); });
       hub.start();`,
  );
  const owner = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  undo.push(async () => Promise.resolve(void owner.kill('SIGKILL')));
  const [said] = await once(owner.stdout, 'data');
  return { owner, pid: Number(String(said)) };
}

function publicKeys(...names: readonly NodeName[]): ReadonlyMap<NodeName, string> {
  return new Map(names.map((name) => [name, identities.get(name)?.publicKey ?? '']));
}

function makeHub(program?: string): ManagedHub {
  const hub = new ManagedHub({
    stateDir: path.join(folder, 'state'),
    settings,
    ...(program === undefined ? {} : { program }),
    clock: systemClock,
    log,
    times,
  });
  undo.push(async () => hub.stop());
  return hub;
}

async function startHub(): Promise<ManagedHub> {
  const hub = makeHub();
  hub.start();
  await untilTrue(() => hub.state().phase === 'healthy', 'the hub healthy');
  return hub;
}

function servers(): readonly string[] {
  return [`nats://127.0.0.1:${settings.listen.port}`];
}

async function provision(): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  const options = { servers: servers(), group: RIG_GROUP, seed: operator.seed, clock: systemClock, log };
  expect(await provisionUntilDone(options, signal)).toBe(true);
}

async function startNode(name: NodeName, factStore = new MemoryFactStore()): Promise<Federation> {
  const made = createFederation({
    config: { ...rigConfig(name, identities), servers: servers() },
    clock: systemClock,
    log: new RecordingLog(),
    factStore,
    highWaterStore: new MemoryHighWaterStore(),
    isCapturedHere: () => undefined,
  });
  const federation = valueOf(made);
  undo.push(async () => federation.stop());
  await federation.start();
  return federation;
}
