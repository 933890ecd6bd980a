/** One node as a process of its own: the real store, the real federation, and work for both. Told and asked on stdin, answers on stdout. */
import { createInterface } from 'node:readline';
import path from 'node:path';
import { createFederation, parseGroupName, type Federation } from '@routerd/federation';
import {
  captureKeyOf,
  type CaptureDomain,
  type CaptureEpoch,
  type CaptureRecord,
  type Revision,
} from '@routerd/mobility';
import {
  durationMs,
  parseHostAddress,
  parseIpv4Prefix,
  parseNodeName,
  parsePoolName,
  parseSiteName,
  type Result,
} from '@routerd/resources';
import { createLog, systemClock } from '@routerd/runtime';
import { openStore, type Store } from '@routerd/store';
import { nodeOptions, order, type NodeState, type Order, type Report } from './chaos-words.ts';

/** Addresses of one node; they are observed again and again. */
const ADDRESSES = 200;
const CONTENDED = 4;
const DOMAIN = 'provider:chaos:placement:edge' as CaptureDomain;
const TICK_MS = 50;

const options = nodeOptions.parse(JSON.parse(process.argv[2] ?? '{}'));
const self = valueOf(parseNodeName(options.self));
const pool = valueOf(parsePoolName('chaos'));
const site = valueOf(parseSiteName(options.self));
const log = createLog('silent');
const store = valueOf(openStore(path.join(options.stateDir, 'node.db'), { log }));
const federation = open(store);
let load = { facts: 0, contends: false };
let recorded = 0;

process.on('uncaughtException', (cause) => {
  process.stderr.write(`${options.self}: ${cause.stack ?? cause.message}\n`);
  process.exit(70);
});
federation.onRoster(({ roster }) => {
  const publicKeys = [...roster.nodes]
    .filter(([node]) => node !== self)
    .map(([node, keys]) => [node, keys.publicKey] as const);
  const servers = [...roster.hubs.values()].map(({ address, port }) => `tls://${address}:${port}`);
  federation.reconfigure({ servers, peers: new Map(publicKeys) });
});
await federation.start();
say({ kind: 'ready' });
setInterval(() => record(Math.round((load.facts * TICK_MS) / 1000)), TICK_MS);
void contend();
for await (const line of createInterface({ input: process.stdin })) obey(order.parse(JSON.parse(line)));
process.exit(0);

function obey(told: Order): void {
  switch (told.kind) {
    case 'load':
      load = { facts: told.facts, contends: told.contends };
      return;
    case 'burst':
      record(told.facts);
      return;
    case 'state':
      say(state());
      return;
  }
}

function open({ facts, highWater }: Store): Federation {
  const peers = Object.entries(options.peers).map(([node, key]) => [valueOf(parseNodeName(node)), key] as const);
  const others = options.others?.map((node) => valueOf(parseNodeName(node))) ?? peers.map(([node]) => node);
  const nodes = [self, ...others];
  return valueOf(
    createFederation({
      config: {
        group: valueOf(parseGroupName('chaos')),
        self,
        seed: options.seed,
        servers: options.servers,
        ...options.tls,
        peers: new Map(peers),
        heartbeatInterval: durationMs(200),
        deadAfter: durationMs(2000),
        replayWindow: durationMs(300_000),
        appendDeadline: durationMs(3000),
        pools: new Map([
          [
            pool,
            {
              prefix: valueOf(parseIpv4Prefix('10.77.0.0/16')),
              sites: new Map(nodes.map((node) => [node, valueOf(parseSiteName(node))])),
            },
          ],
        ]),
      },
      clock: systemClock,
      log,
      factStore: facts,
      highWaterStore: highWater,
      isCapturedHere: () => undefined,
    }),
  );
}

function record(count: number): void {
  const done: [string, number][] = [];
  for (let each = 0; each < count; each++) {
    const address = valueOf(parseHostAddress(`10.77.${options.octet}.${1 + (recorded++ % ADDRESSES)}/32`));
    const made = federation.facts.record({
      type: 'routerd.client.ipv4.observed',
      address,
      pool,
      site,
      ttl: durationMs(3_600_000),
      origin: 'chaos',
    });
    if (made.ok) done.push([address, made.value.sequence]);
    else say({ kind: 'refused', code: made.error.code });
  }
  if (done.length > 0) say({ kind: 'recorded', facts: done });
}

/** Seizes, confirms and vacates whatever it believes to stand, on keys that everybody wants. */
async function contend(): Promise<void> {
  for (let turn = 0; ; turn++) {
    if (!load.contends || !federation.status().registryCaughtUp) await pause(TICK_MS);
    else await seize(valueOf(parseHostAddress(`10.77.255.${1 + (turn % CONTENDED)}/32`)), turn);
  }
}

async function seize(address: CaptureRecord['address'], turn: number): Promise<void> {
  const key = captureKeyOf(pool, address, DOMAIN);
  const current = federation.registry.records().get(key);
  const mark = store.highWater.all().get(key) ?? 0;
  const isHolder = current?.holder === self;
  const next = (Math.max(current?.epoch ?? 0, mark) + 1) as CaptureEpoch;
  const vacates = isHolder && turn % 3 === 0;
  const [outcome] = await federation.registry.append(
    [
      {
        key,
        pool,
        address,
        domain: DOMAIN,
        basedOn: (current?.revision ?? 0) as Revision,
        epoch: isHolder && !vacates ? current.epoch : next,
        holder: vacates ? undefined : self,
        phase: vacates ? 'vacant' : isHolder ? 'confirmed' : 'acquiring',
        previous: vacates ? self : isHolder ? current.previous : current?.holder,
        reason: 'chaos',
      },
    ],
    AbortSignal.timeout(5000),
  );
  if (outcome?.kind === 'won') {
    const { revision, epoch, holder } = outcome.record;
    say({ kind: 'won', record: { key, revision, epoch, holder: holder ?? null } });
  }
  // Everybody gets a turn, also where the loop is answered without any wait.
  await pause(outcome?.kind === 'won' ? 1 : 5);
}

function state(): NodeState {
  const { connected, outboxDepth, lastError, refused } = federation.status();
  const accepted = federation.facts
    .accepted()
    .map(({ fact }) => [`${fact.source} ${fact.address}`, fact.sequence] as const);
  const records = [...federation.registry.records()].map(([key, { claim, epoch }]) => [key, { claim, epoch }] as const);
  const members = [...federation.members.members()];
  return {
    kind: 'state',
    connected,
    outbox: outboxDepth,
    lastError: lastError ?? null,
    refused: { ...refused },
    dead: members.filter(([, liveness]) => liveness === 'dead').map(([node]) => node),
    accepted: Object.fromEntries(accepted),
    records: Object.fromEntries(records),
    highWater: Object.fromEntries(store.highWater.all()),
    residentMiB: process.memoryUsage.rss() / 2 ** 20,
  };
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

/** Pipes are written synchronously: what was said before a kill is known. */
function say(told: Report): void {
  process.stdout.write(`${JSON.stringify(told)}\n`);
}

function valueOf<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}
