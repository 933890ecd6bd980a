/**
 * A hub on 127.0.0.1:4222 and a member that says what it may not, for the test that shows what a user is told of it:
 *
 *   node hub-with-a-forger.ts FOLDER    writes FOLDER/node.seed, answers the public keys, and forges when told `forge` on stdin
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { jetstream } from '@nats-io/jetstream';
import { connect, nkeyAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import {
  encodeFact,
  generateNodeIdentity,
  parseGroupName,
  provisionUntilDone,
  renderHubConfig,
  signerOf,
  WIRE_BYTES_MAX,
  type Fact,
  type NodeIdentity,
} from '@routerd/federation';
import {
  durationMs,
  instant,
  parseHostAddress,
  parseNodeName,
  parsePoolName,
  parseSiteName,
  type NodeName,
} from '@routerd/resources';
import { createLog, systemClock } from '@routerd/runtime';
import { factSubject } from '../src/subjects.ts';
import { valueOf } from './value-of.ts';

const SERVER = 'nats://127.0.0.1:4222';
const folder = process.argv[2] ?? '.';
const group = valueOf(parseGroupName('demo'));
const self = valueOf(parseNodeName('onprem-a'));
const peer = valueOf(parseNodeName('aws-a'));
const stranger = valueOf(parseNodeName('unknown-a'));
const keys = new Map([self, peer, stranger].map((node) => [node, generateNodeIdentity()]));
const keyOf = (node: NodeName): NodeIdentity => keys.get(node) ?? generateNodeIdentity();
const operator = generateNodeIdentity();
const log = createLog('silent');

mkdirSync(folder, { recursive: true });
writeFileSync(path.join(folder, 'node.seed'), keyOf(self).seed, { mode: 0o600 });
writeFileSync(
  path.join(folder, 'hub.conf'),
  renderHubConfig({
    group,
    serverName: 'hub-1',
    listen: { host: '127.0.0.1', port: 4222 },
    storeDir: path.join(folder, 'streams'),
    operator: operator.publicKey,
    nodes: new Map([...keys].map(([node, { publicKey }]) => [node, publicKey])),
  }),
  { mode: 0o600 },
);
const hub = spawn('nats-server', ['-c', path.join(folder, 'hub.conf')], { stdio: 'ignore' });
process.on('exit', () => hub.kill('SIGKILL'));
await provisionUntilDone(
  { group, servers: [SERVER], seed: operator.seed, clock: systemClock, log },
  AbortSignal.timeout(20_000),
);
say({ publicKey: keyOf(peer).publicKey });
for await (const line of createInterface({ input: process.stdin }))
  if (line === 'forge') say({ hubRefused: await forge() });
process.exit(0);

/** One of each that a receiver refuses, after one that is sound. @returns what the hub itself refused */
async function forge(): Promise<readonly string[]> {
  const made = sound();
  const [asPeer, asStranger] = [await dial(peer), await dial(stranger)];
  const by = (node: NodeName, fact: Fact): string => encodeFact(fact, valueOf(signerOf(keyOf(node).seed)).sign);
  const unsigned: Record<string, unknown> = JSON.parse(by(peer, about(made, 20)));
  delete unsigned['signature'];
  const messages: readonly (readonly [connection: NatsConnection, on: Fact, text: string])[] = [
    [asPeer, made, by(peer, made)],
    [asPeer, about(made, 21), by(peer, { ...about(made, 21), group: 'else' })],
    [asPeer, about(made, 22), by(peer, { ...about(made, 22), source: self })],
    [asPeer, about(made, 20), JSON.stringify(unsigned)],
    [asPeer, made, by(peer, { ...made, id: 'replayed', sequence: made.sequence - 1 })],
    [asPeer, about(made, 23), by(peer, { ...about(made, 23), observedAt: instant(made.observedAt + 3_600_000) })],
    [asPeer, elsewhere(made), by(peer, elsewhere(made))],
    [asPeer, about(made, 24), by(stranger, about(made, 24))],
    [asStranger, from(made, stranger), by(stranger, from(made, stranger))],
    [asPeer, about(made, 25), by(peer, { ...about(made, 25), site: valueOf(parseSiteName('onprem')) })],
    [asPeer, about(made, 26), 'x'.repeat(WIRE_BYTES_MAX + 1)],
  ];
  const refused: string[] = [];
  for (const [connection, on, text] of messages) {
    try {
      await jetstream(connection).publish(factSubject(group, on), text);
    } catch (cause) {
      refused.push(cause instanceof Error ? cause.message : String(cause));
    }
  }
  await Promise.all([asPeer.close(), asStranger.close()]);
  return refused;
}

function sound(): Fact {
  return {
    id: 'sound',
    type: 'routerd.client.ipv4.observed',
    source: peer,
    group,
    pool: valueOf(parsePoolName('cloudedge')),
    site: valueOf(parseSiteName('aws')),
    address: valueOf(parseHostAddress('10.77.60.11/32')),
    observedAt: systemClock.now(),
    ttl: durationMs(300_000),
    sequence: 7,
    origin: 'forger',
  };
}

function about(fact: Fact, last: number): Fact {
  return { ...fact, id: `about-${last}`, address: valueOf(parseHostAddress(`10.77.60.${last}/32`)) };
}

function elsewhere(fact: Fact): Fact {
  return { ...fact, id: 'elsewhere', address: valueOf(parseHostAddress('10.77.61.1/32')) };
}

function from(fact: Fact, source: NodeName): Fact {
  return { ...about(fact, 27), id: 'stranger', source };
}

async function dial(node: NodeName): Promise<NatsConnection> {
  const authenticator = nkeyAuthenticator(new TextEncoder().encode(keyOf(node).seed));
  return connect({ servers: SERVER, authenticator, inboxPrefix: `_INBOX_${node}`, reconnect: false });
}

function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
