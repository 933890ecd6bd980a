/** A managed hub in a namespace: says each state of it on stdout, one JSON object a line, and ends it with itself. Argument: what the test tells it. */
import { ManagedHub, parseGroupName } from '@routerd/federation';
import { durationMs, parseNodeName } from '@routerd/resources';
import { createLog, systemClock } from '@routerd/runtime';
import { keeperOptions } from './chaos-words.ts';

const { stateDir, storeDir, serverName, address, operator, nodes, routes } = keeperOptions.parse(
  JSON.parse(process.argv[2] ?? '{}'),
);
const group = parseGroupName('chaos');
if (!group.ok) throw new Error('no group');
const hub = new ManagedHub({
  stateDir,
  settings: {
    group: group.value,
    serverName,
    listen: { host: address, port: 4222 },
    storeDir,
    operator,
    nodes: new Map(
      Object.entries(nodes).flatMap(([name, key]) => {
        const parsed = parseNodeName(name);
        return parsed.ok ? [[parsed.value, key] as const] : [];
      }),
    ),
    cluster: { listen: { host: address, port: 6222 }, routes },
  },
  clock: systemClock,
  log: createLog('silent'),
  times: { probeInterval: durationMs(250), restartFirst: durationMs(250), restartMax: durationMs(1000) },
});
hub.onState(({ phase, pid, restarts, lastError }) => {
  process.stdout.write(`${JSON.stringify({ phase, pid: pid ?? null, restarts, lastError: lastError ?? null })}\n`);
});
hub.start();
