/**
 * A path between two kernels, through a third that swallows what a test says without a word of ICMP:
 *
 *   a 10.255.1.1 ── wan ── b 10.255.2.1
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { z } from 'zod';
import { afterEach, expect, test } from 'vitest';
import { createLinuxHost } from '../src/adapters/linux/linux-host.ts';
import { diffHost } from '../src/diff/diff-host.ts';
import { lower } from '../src/lower/lower.ts';
import { PATH_PORT } from '../src/overlay/path-message.ts';
import { staticAddress, wireGuardInterface, wireGuardPeer } from './claims.ts';
import { cable, makeNamespace, must, type Namespace } from './namespace-rig.ts';

const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const status = z.object({
  phase: z.string(),
  rttMs: z.number().optional(),
  loss: z.object({ roundTrip: z.number().optional(), toPeer: z.number().optional(), fromPeer: z.number().optional() }),
  mtuToPeer: z.number().optional(),
  mtuFromPeer: z.number().optional(),
  counters: z.object({ asksSent: z.number() }),
});
type Status = z.output<typeof status>;
const DEADLINE_MS = 60_000;

interface Prober {
  /** Waits for a status of which that holds. */
  until(what: string, holds: (status: Status) => boolean): Promise<Status>;
}

/** Dies with its namespace at the latest. */
function measure(namespace: Namespace, own: string, peer: string, deviceMtu = 1500): Prober {
  const script = path.join(import.meta.dirname, 'measure-path-until-killed.ts');
  const child = spawn('ip', ['netns', 'exec', namespace.name, process.execPath, script, own, peer, `${deviceMtu}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  closing.push(() => void child.kill('SIGKILL'));
  let last: Status | undefined;
  const listeners = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    last = status.parse(JSON.parse(line));
    for (const listener of listeners) listener();
  });
  return {
    until: async (what, holds) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`not ${what}: ${JSON.stringify(last)}`)), DEADLINE_MS);
        const look = (): void => {
          if (last === undefined || !holds(last)) return;
          clearTimeout(late);
          listeners.delete(look);
          resolve(last);
        };
        listeners.add(look);
        look();
      }),
  };
}

test('loss, a cut direction and a small MTU that nobody tells of are found out between two kernels', async () => {
  const [a, wan, b] = [await namespace('pa'), await namespace('pw'), await namespace('pb')];
  for (const [host, link, subnet] of [
    [a, 'to-a', 1],
    [b, 'to-b', 2],
  ] as const) {
    await cable(host, 'wan0', wan, link);
    await host.batch(`address add 10.255.${subnet}.1/24 dev wan0`, `route add default via 10.255.${subnet}.254`);
    await wan.batch(`address add 10.255.${subnet}.254/24 dev ${link}`);
  }
  await wan.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  const weather = async (...rules: readonly string[]): Promise<void> => {
    const chain = ['type filter hook forward priority 0;', ...rules].join('\n');
    await must(
      ['ip', 'netns', 'exec', wan.name, 'nft', '-f', '-'],
      `table ip w\ndelete table ip w\ntable ip w {\nchain c {\n${chain}\n}\n}\n`,
    );
  };
  await weather('iifname "to-a" ip length > 1333 drop', 'iifname "to-b" ip length > 1211 drop');

  const [left, right] = [measure(a, '10.255.1.1', '10.255.2.1'), measure(b, '10.255.2.1', '10.255.1.1')];
  const fair = await left.until(
    'both MTUs',
    ({ mtuToPeer, mtuFromPeer }) => mtuToPeer === 1333 && mtuFromPeer === 1211,
  );
  expect(fair.phase).toBe('up');
  expect(fair.rttMs).toBeGreaterThan(0);
  await right.until(
    'the same from the other side',
    ({ mtuToPeer, mtuFromPeer }) => mtuToPeer === 1211 && mtuFromPeer === 1333,
  );

  await weather(`iifname "to-a" udp dport ${PATH_PORT} drop`);
  await left.until('one-way', ({ phase }) => phase === 'one-way');
  await right.until('silent', ({ phase }) => phase === 'silent');

  await weather('iifname "to-b" numgen random mod 100 < 30 drop');
  const lossy = await left.until(
    'loss on the way back',
    ({ phase, loss }) => phase === 'up' && (loss.fromPeer ?? 0) > 0.05,
  );
  expect(lossy.loss.roundTrip).toBeGreaterThan(0);
});

/** An outer packet is the inner one, filled up to a multiple of 16, and 60 bytes: IPv4 20, UDP 8, WireGuard 32. */
test('what passes inside WireGuard is found out when the network below takes less than its device believes', async () => {
  const [a, wan, b] = [await namespace('ta'), await namespace('tw'), await namespace('tb')];
  const directory = await mkdtemp(path.join(tmpdir(), 'path-wire-'));
  closing.push(async () => rm(directory, { recursive: true, force: true }));
  const keyOf = async (side: string): Promise<string> => {
    await must(['sh', '-c', 'umask 077; wg genkey > "$1"', 'sh', path.join(directory, side)]);
    return (await must(['sh', '-c', 'wg pubkey < "$1"', 'sh', path.join(directory, side)])).trim();
  };
  const keys = { a: await keyOf('a'), b: await keyOf('b') };
  await wan.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  await must(
    ['ip', 'netns', 'exec', wan.name, 'nft', '-f', '-'],
    'table ip w {\nchain c {\ntype filter hook forward priority 0; ip length > 1400 drop\n}\n}\n',
  );
  for (const [host, side, other, subnet] of [
    [a, 'a', 'b', 1],
    [b, 'b', 'a', 2],
  ] as const) {
    await cable(host, 'wan0', wan, `to-${side}`);
    await host.batch(`address add 10.255.${subnet}.1/24 dev wan0`, `route add default via 10.255.${subnet}.254`);
    await wan.batch(`address add 10.255.${subnet}.254/24 dev to-${side}`);
    const device = `wg${process.pid}${side}`;
    const ports = { clock: systemClock, log: new RecordingLog() };
    const linux = createLinuxHost({ ...ports, commandPrefix: ['ip', 'netns', 'exec', host.name] });
    const state = lower(
      [
        wireGuardInterface(device, { privateKeyFile: path.join(directory, side), listenPort: 51_820 }),
        wireGuardPeer('other', device, {
          publicKey: keys[other],
          endpoint: `10.255.${3 - subnet}.1:51820`,
          allowedIPs: ['10.254.0.0/24'],
        }),
        staticAddress('own', device, `10.254.0.${subnet}/24`),
      ],
      { isCaptureOpen: () => true },
    ).state;
    const observed = await linux.observe();
    expect(observed.ok && (await linux.apply(diffHost(state, observed.value, [])))).toEqual([]);
  }
  const left = measure(a, '10.254.0.1', '10.254.0.2', 1420);
  measure(b, '10.254.0.2', '10.254.0.1', 1420);
  const found = await left.until(
    'both MTUs',
    ({ mtuToPeer, mtuFromPeer }) => mtuToPeer === 1328 && mtuFromPeer === 1328,
  );
  expect(found.phase).toBe('up');
});

async function namespace(name: string): Promise<Namespace> {
  const made = await makeNamespace(name);
  closing.push(async () => made.remove());
  return made;
}
