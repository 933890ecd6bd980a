/**
 * Two routers, a and b, and a network between them that does to packets what a test says, under a clock that a test moves.
 */
import { parseIpv4, type Instant, type Ipv4 } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { createMemoryPathNetwork } from '../src/adapters/memory/memory-path-network.ts';
import type { OverlayPath } from '../src/lower/overlay-paths.ts';
import { encodePathMessage, IP_UDP_BYTES } from '../src/overlay/path-message.ts';
import { createPathProber, type PathProber } from '../src/overlay/path-prober.ts';

const A = quad('10.255.0.1');
const B = quad('10.255.0.2');
const LOSS_FREE = { roundTrip: 0, toPeer: 0, fromPeer: 0 };

function path(peer: string, from: Ipv4, to: Ipv4, deviceMtu = 1420): OverlayPath {
  return { peer, device: `wg-${peer}`, from, to, deviceMtu, estimatedMtu: deviceMtu - 80 };
}

function rig() {
  const clock = new ManualClock(0 as Instant);
  const log = new RecordingLog();
  const network = createMemoryPathNetwork(clock);
  const open = (own: Ipv4, peer: string, to: Ipv4): PathProber => {
    const prober = createPathProber({ clock, log, random: seeded(), wire: network.host() });
    prober.setDesired({ paths: [path(peer, own, to)], unmeasured: new Map() });
    return prober;
  };
  const pass = async (seconds: number): Promise<void> => {
    for (let step = 0; step < seconds * 200; step += 1) {
      clock.advance(5);
      for (let turn = 0; turn < 6; turn += 1) await Promise.resolve();
    }
  };
  return { clock, log, network, a: open(A, 'b', B), b: open(B, 'a', A), pass };
}

test('a fair path is up within seconds, with its round trip and what passes in both directions', async () => {
  const { a, b, pass } = rig();
  await pass(3);
  for (const status of [a.status('b'), b.status('a')]) {
    expect(status).toMatchObject({ phase: 'up', loss: LOSS_FREE, mtuToPeer: 1420, mtuFromPeer: 1420 });
    expect(status.rttMs).toBe(10);
  }
});

test('loss and delay are told of the direction that has them', async () => {
  const { a, network, pass } = rig();
  const chance = seeded();
  network.setWeather(A, B, { delayMs: 40, isLost: () => chance() < 0.3 });
  await pass(120);
  const { loss, rttMs } = a.status('b');
  expect(rttMs).toBe(45);
  expect(loss.toPeer).toBeGreaterThan(0.15);
  expect(loss.toPeer).toBeLessThan(0.45);
  expect(loss.fromPeer).toBe(0);
});

test('a path that swallows large packets in one direction is found out, though small ones pass', async () => {
  const { a, b, network, pass } = rig();
  await pass(5);
  network.setWeather(A, B, { mtu: 1333 });
  await pass(40);
  expect(a.status('b')).toMatchObject({ phase: 'up', mtuToPeer: 1333, mtuFromPeer: 1420 });
  expect(b.status('a')).toMatchObject({ phase: 'up', mtuToPeer: 1420, mtuFromPeer: 1333 });
});

test('a small path is found exactly under heavy loss', async () => {
  const { a, network, pass } = rig();
  const chance = seeded();
  network.setWeather(A, B, { mtu: 1111, isLost: () => chance() < 0.2 });
  network.setWeather(B, A, { isLost: () => chance() < 0.1 });
  await pass(180);
  expect(a.status('b').mtuToPeer).toBe(1111);
});

test('a direction that is cut is told from a path that is cut, and both come back by themselves', async () => {
  const { a, b, log, network, pass } = rig();
  let changes = 0;
  a.onChange(() => (changes += 1));
  await pass(5);
  const before = changes;
  network.setWeather(A, B, { isLost: () => true });
  await pass(8);
  expect(a.status('b').phase).toBe('one-way');
  expect(b.status('a').phase).toBe('silent');
  network.setWeather(B, A, { isLost: () => true });
  await pass(10);
  expect(a.status('b').phase).toBe('silent');
  network.setWeather(A, B, { isLost: () => false });
  network.setWeather(B, A, { isLost: () => false });
  await pass(5);
  expect([a.status('b').phase, b.status('a').phase]).toEqual(['up', 'up']);
  expect(a.status('b').mtuToPeer).toBe(1420);
  expect(changes - before).toBeLessThan(10);
  expect(log.lines.filter(({ fields }) => fields['event'] === 'dataplane.path.changed').length).toBeGreaterThan(3);
});

test('at rest a path costs each router less than 300 bytes a second', async () => {
  const { a, pass } = rig();
  await pass(60);
  const before = a.status('b').counters;
  await pass(60);
  const { bytesSent, asksSent } = a.status('b').counters;
  const perSecond = (bytesSent - before.bytesSent) / 60;
  console.log(`a path at rest: ${perSecond.toFixed(0)} bytes/s sent by each router, inside the tunnel`);
  expect(perSecond).toBeLessThan(300);
  expect(asksSent - before.asksSent).toBeLessThanOrEqual(66);
});

test('answers that repeat no token of ours, or come from somebody else, change nothing', async () => {
  const { a, clock, network, pass } = rig();
  network.setWeather(A, B, { isLost: () => true });
  await pass(5);
  const forged = network.host();
  const message = encodePathMessage({
    kind: 'answer',
    purpose: 'sample',
    sequence: 6,
    token: 'ffffffffffffffff',
    pathMtu: 1420,
    samplesReceived: 6,
    askBytes: 60,
  });
  for (const from of [B, quad('10.255.0.9')]) forged.send({ from, to: A, payload: message });
  forged.send({ from: B, to: A, payload: message.slice(0, 10) });
  await pass(1);
  expect(clock.monotonic()).toBeGreaterThan(0);
  expect(a.status('b').counters.answersHeard).toBe(0);
  expect(a.status('b').mtuFromPeer).toBeUndefined();
});

test('a flood of asks is answered at a bounded rate, with no more bytes than it had', async () => {
  const { a, b, network, pass } = rig();
  await pass(5);
  await b.stop();
  const flooding = network.host();
  const before = a.status('b').counters;
  for (let at = 0; at < 1000; at += 1)
    flooding.send({
      from: B,
      to: A,
      payload: encodePathMessage({
        kind: 'ask',
        purpose: 'sample',
        sequence: at,
        token: '00000000000000aa',
        pathMtu: undefined,
        session: 1,
      }),
    });
  await pass(1);
  const after = a.status('b').counters;
  expect(after.answersSent - before.answersSent).toBeLessThanOrEqual(40);
  expect(after.asksRefused - before.asksRefused).toBeGreaterThanOrEqual(960);
  expect(after.bytesSent - before.bytesSent).toBeLessThan(1000 * (32 + IP_UDP_BYTES));
});

test('a path that stays as it is goes on, another begins anew, and one that cannot be measured says why', async () => {
  const { a, pass } = rig();
  await pass(3);
  a.setDesired({ paths: [path('b', A, B)], unmeasured: new Map([['c', 'the underlay names no interface']]) });
  expect(a.status('b').phase).toBe('up');
  expect(a.status('c')).toMatchObject({ phase: 'unmeasured', detail: 'the underlay names no interface' });
  a.setDesired({ paths: [path('b', A, B, 1280)], unmeasured: new Map() });
  expect(a.status('b').phase).toBe('probing');
  await pass(3);
  expect(a.status('b')).toMatchObject({ phase: 'up', mtuToPeer: 1280, mtuFromPeer: 1420 });
  await a.stop();
  expect(a.status('b').phase).toBe('unmeasured');
});

/** The same numbers at each start: evenly between 0 and 1. */
function seeded(): () => number {
  let state = 0x2545_f491;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}

function quad(text: string): Ipv4 {
  const parsed = parseIpv4(text);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return parsed.value;
}
