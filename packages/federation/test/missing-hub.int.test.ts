/** Three hubs of which one is missing: the cluster goes on giving it consumers, and whoever reads goes on all the same. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  captureStream,
  eventsStream,
  factsStream,
  generateNodeIdentity,
  provisionUntilDone,
  renderHubConfig,
} from '@routerd/federation';
import { RIG_GROUP } from '@routerd/federation/contract';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { afterEach, expect, it } from 'vitest';
import { NatsTransport } from '../src/adapters/nats/nats-transport.ts';
import { AWS_A } from '../src/contract/federation-rig.ts';
import { rosterStream } from '../src/subjects.ts';
import type { LogReader } from '../src/transport.ts';
import { freePort, makeScratchFolder, removeScratchFolder, startHub, type HubProcess } from './nats-hub.ts';
import { untilTrue } from './nats-rig.ts';

const READINGS = 4;
/** Of 16 readings. One in 81 has its consumer put at the missing hub under all four names; when each waited for the first, one in three was too long. */
const TIMEOUTS_MAX = 3;
const PATIENCE_MS = 90_000;
const operator = generateNodeIdentity();
const node = generateNodeIdentity();
const undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

it('streams are read anew again and again without one of three hubs, and hardly any question is left unanswered', async () => {
  const hubs = await startThree();
  const servers = hubs.map(({ port }) => `nats://127.0.0.1:${port}`);
  const [log, group] = [new RecordingLog(), RIG_GROUP];
  const access = { group, servers, seed: operator.seed, replicas: 3, clock: systemClock, log };
  expect(await provisionUntilDone(access, AbortSignal.timeout(PATIENCE_MS))).toBe(true);
  const caughtUp = new Set<string>();
  const transport = new NatsTransport({ group, self: AWS_A, seed: node.seed, clock: systemClock, log, servers });
  undo.push(async () => transport.stop());
  transport.start({
    facts: noting(factsStream(group), caughtUp),
    captures: noting(captureStream(group), caughtUp),
    events: noting(eventsStream(group), caughtUp),
    roster: noting(rosterStream(group), caughtUp),
    heartbeat: nothing,
    connected: nothing,
    disconnected: nothing,
    trouble: nothing,
  });
  const allRead = (): boolean => caughtUp.size === 4;
  await untilTrue(allRead, 'the streams read with three hubs', PATIENCE_MS);

  await hubs[2]?.kill();
  const readAnew = async (): Promise<void> => {
    caughtUp.clear();
    transport.reconfigure(servers, true);
    await untilTrue(allRead, 'the streams read with two hubs', PATIENCE_MS);
  };
  // Whatever the third led, another leads after this, and nothing that it has in its care is read any more.
  await readAnew();
  const before = log.lines.length;
  for (let reading = 0; reading < READINGS; reading += 1) await readAnew();
  const rereads = log.lines.slice(before).filter(({ fields }) => fields['event'] === 'federation.stream.reread');
  expect(rereads.length).toBeLessThanOrEqual(TIMEOUTS_MAX);
}, 240_000);

function noting(stream: string, caughtUp: Set<string>): LogReader {
  return {
    restarted: nothing,
    received: nothing,
    caughtUp: () => void caughtUp.add(stream),
  };
}

function nothing(): void {}

async function startThree(): Promise<readonly HubProcess[]> {
  const folder = await makeScratchFolder();
  undo.push(async () => removeScratchFolder(folder));
  const ports = await Promise.all(Array.from({ length: 6 }, freePort));
  const [clients, routes] = [ports.slice(0, 3), ports.slice(3)];
  const hubs: HubProcess[] = [];
  for (const [index, port] of clients.entries()) {
    const configFile = path.join(folder, `hub-${index + 1}.conf`);
    const logFile = path.join(folder, `hub-${index + 1}.log`);
    const text = renderHubConfig({
      group: RIG_GROUP,
      serverName: `hub-${index + 1}`,
      listen: { host: '127.0.0.1', port },
      storeDir: path.join(folder, `streams-${index + 1}`),
      operator: operator.publicKey,
      nodes: new Map([[AWS_A, node.publicKey]]),
      cluster: {
        listen: { host: '127.0.0.1', port: routes[index] ?? 0 },
        routes: routes.filter((route) => route !== routes[index]).map((route) => `nats://127.0.0.1:${route}`),
      },
      logFile,
    });
    writeFileSync(configFile, text, { mode: 0o600 });
    const hub = await startHub(configFile, port, logFile);
    undo.push(async () => hub.kill());
    hubs.push(hub);
  }
  return hubs;
}
