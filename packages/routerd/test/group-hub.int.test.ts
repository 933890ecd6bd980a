/** A hub from its enrolment token to its first node, a new key, and a node that is removed, all without a restart. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {
  addNode,
  createFederation,
  encodeToken,
  finishRotation,
  initGroup,
  joinGroup,
  MemoryFactStore,
  MemoryHighWaterStore,
  removeNode,
  rotateNode,
  surveyHubs,
  updatePeers,
  type Enrolment,
  type Federation,
} from '@routerd/federation';
import { durationMs, loadConfiguration, type Resource, type Result } from '@routerd/resources';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startGroupHub, type GroupHub } from '../src/group-hub.ts';

let folder = '';
const undo: (() => Promise<void>)[] = [];
const at = (...names: readonly string[]): string => path.join(folder, ...names);

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), `routerd-hub-${process.pid}-`));
});
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
  rmSync(folder, { recursive: true, force: true });
});

test('an enrolled hub runs, takes in nodes and new keys, and lets go of nodes while it does', async () => {
  const port = await freePort();
  const [hub] = valueOf(await initGroup(at('group'), 'demo', new Map([['hub-1', { address: '127.0.0.1', port }]])));
  if (hub === undefined) throw new Error('a hub was asked for');
  valueOf(await joinGroup(at('hub'), encodeToken(hub)));
  const running = await startHub();
  const takeOver = async (): Promise<void> => {
    valueOf(await updatePeers(at('hub'), readFileSync(at('group', 'peers.yaml'), 'utf8')));
    await running.reconfigure(hubConfiguration());
  };

  const enrolled = valueOf(await addNode(at('group'), 'aws-a'));
  await takeOver();
  const node = await startNode(enrolled);
  await untilTrue(() => node.status().connected, 'the node connected');

  const renewed = valueOf(await rotateNode(at('group'), 'aws-a'));
  await takeOver();
  expect(node.status().connected).toBe(true);
  await node.stop();
  const again = await startNode(renewed);
  await untilTrue(() => again.status().connected, 'the node connected with its new key');

  valueOf(await finishRotation(at('group'), 'aws-a'));
  await takeOver();
  const outdated = await startNode(enrolled);
  await untilTrue(() => outdated.status().lastError?.includes('identity-refused') === true, 'the old key refused');
  expect(again.status().connected).toBe(true);

  const staying = await startNode(valueOf(await addNode(at('group'), 'aws-b')));
  await takeOver();
  await untilTrue(() => staying.status().connected, 'another node connected');
  valueOf(await removeNode(at('group'), 'aws-a', { dryRun: true, survey: surveyHubs }));
  await takeOver();
  expect(again.status().connected).toBe(true);
  valueOf(await removeNode(at('group'), 'aws-a', { survey: surveyHubs }));
  await takeOver();
  await untilTrue(() => !again.status().connected, 'the connection of the removed node ended');
  await untilTrue(() => again.status().lastError?.includes('identity-refused') === true, 'the removed node refused');
  expect(staying.status().connected).toBe(true);
});

test('a node that is no hub starts none', async () => {
  await initGroup(at('group'), 'demo', new Map([['hub-1', { address: '127.0.0.1', port: 4222 }]]));
  valueOf(await joinGroup(at('hub'), encodeToken(valueOf(await addNode(at('group'), 'aws-a')))));
  const options = { startup: hubConfiguration(), stateDir: at('state'), clock: systemClock, log: new RecordingLog() };
  expect(valueOf(await startGroupHub(options))).toBeUndefined();
});

/** As the machine would read it, but with the streams in the test's own folder. */
function hubConfiguration(): readonly Resource[] {
  const texts = ['federation.yaml', 'peers.yaml']
    .filter((name) => existsSync(at('hub', name)))
    .map((name) => ({
      file: name,
      text: readFileSync(at('hub', name), 'utf8'),
    }));
  const { resources, diagnostics } = loadConfiguration(
    texts.map(({ file, text }) => ({
      file,
      text: text.replace('  hub:\n', `  hub:\n    storeDir: ${at('streams')}\n`),
    })),
  );
  expect(diagnostics).toEqual([]);
  return resources.map(({ value }) => value);
}

async function startHub(): Promise<GroupHub> {
  const options = { startup: hubConfiguration(), stateDir: at('state'), clock: systemClock, log: new RecordingLog() };
  const started = valueOf(await startGroupHub(options));
  if (started === undefined) throw new Error('no hub was started');
  undo.push(async () => started.stop());
  return started;
}

async function startNode({ group, node, seed, servers }: Enrolment): Promise<Federation> {
  const federation = valueOf(
    createFederation({
      config: {
        group,
        self: node,
        seed,
        servers,
        caFile: at('hub', 'ca.pem'),
        peers: new Map(),
        heartbeatInterval: durationMs(500),
        deadAfter: durationMs(5000),
        replayWindow: durationMs(300_000),
        pools: new Map(),
      },
      clock: systemClock,
      log: new RecordingLog(),
      factStore: new MemoryFactStore(),
      highWaterStore: new MemoryHighWaterStore(),
      isCapturedHere: () => undefined,
    }),
  );
  undo.push(async () => federation.stop());
  await federation.start();
  return federation;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  server.close();
  await once(server, 'close');
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}

async function untilTrue(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}

function valueOf<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}
