import { instant, parseHostAddress, parseIpv4Prefix, type HostAddress } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { createMemoryLanWire } from '../src/adapters/memory/memory-lan-wire.ts';
import { createLanObserver, ROUTER_ANSWER, ROUTER_HELLO } from '../src/lan/lan-observer.ts';

const MAC = '02:00:00:00:00:64';
const ROUTER_MAC = '02:00:00:00:00:03';

/** Past the first moments, in which nobody is told of a machine. */
function rigOf({ isSettled = true } = {}) {
  const wire = createMemoryLanWire();
  const clock = new ManualClock(instant(0));
  const seen: HostAddress[] = [];
  const gone: HostAddress[] = [];
  const ignored = new Set<HostAddress>([at('10.77.60.2')]);
  const observer = createLanObserver(
    { wire, clock, log: new RecordingLog() },
    {
      interfaceName: 'lan0',
      prefix: pool(),
      isIgnored: (address) => ignored.has(address),
      onObserved: (address) => seen.push(address),
      onGone: (address) => gone.push(address),
    },
  );
  observer.start();
  if (isSettled) clock.advance(500);
  const hear = (quad: string, mac = MAC, asksFor?: HostAddress): void => wire.hear({ sender: at(quad), mac, asksFor });
  return { wire, clock, seen, gone, ignored, observer, hear };
}

/** Less than the time after which a greeting is repeated. */
async function moment(clock: ManualClock, milliseconds: number): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  clock.advance(milliseconds);
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

/** A minute of silence and more, with what it leads to. */
async function pass(clock: ManualClock, milliseconds: number): Promise<void> {
  for (let elapsed = 0; elapsed < milliseconds; elapsed += 15_000) {
    clock.advance(15_000);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

test('a sender is observed once, whoever it asks for', () => {
  const { hear, seen, observer } = rigOf();
  hear('10.77.60.100', MAC, at('10.77.60.1'));
  hear('10.77.60.100');
  expect(seen).toEqual(['10.77.60.100/32']);
  expect(observer.present()).toEqual(new Set(['10.77.60.100/32']));
});

test('a machine that was forgotten is news with its next packet, and its end is told nobody', () => {
  const { hear, seen, gone, observer } = rigOf();
  hear('10.77.60.100');
  observer.forget(at('10.77.60.100'));
  expect(observer.present()).toEqual(new Set());
  hear('10.77.60.100');
  expect(seen).toEqual(['10.77.60.100/32', '10.77.60.100/32']);
  expect(gone).toEqual([]);
});

test.each([
  ['an address of this router, or one that is captured', '10.77.60.2'],
  ['the network', '10.77.60.0'],
  ['the first host, which is every cloud’s gateway', '10.77.60.1'],
  ['the broadcast address', '10.77.60.255'],
])('%s is never a client', (_, quad) => {
  const { hear, seen } = rigOf();
  hear(quad);
  expect(seen).toEqual([]);
});

test('a router tells that it is one, and nothing that its MAC says is about a client', () => {
  const { hear, seen, wire, observer } = rigOf();
  expect(wire.asked).toEqual([ROUTER_HELLO]);
  hear('10.77.60.3', ROUTER_MAC, ROUTER_HELLO);
  hear('10.77.60.3', ROUTER_MAC, at('10.77.60.100'));
  hear('10.77.60.11', ROUTER_MAC);
  expect(seen).toEqual([]);
  expect(observer.routers()).toEqual(new Set([ROUTER_MAC]));
});

test('a router that greets is answered, also one that is known, and an answer is not', async () => {
  const { hear, wire, clock, observer } = rigOf();
  hear('10.77.60.3', ROUTER_MAC, ROUTER_HELLO);
  await moment(clock, 100);
  expect(wire.asked).toEqual([ROUTER_HELLO, ROUTER_ANSWER]);
  hear('10.77.60.3', ROUTER_MAC, ROUTER_HELLO);
  await moment(clock, 100);
  expect(wire.asked).toEqual([ROUTER_HELLO, ROUTER_ANSWER, ROUTER_ANSWER]);
  hear('10.77.60.4', '02:00:00:00:00:44', ROUTER_ANSWER);
  await moment(clock, 100);
  expect(wire.asked).toHaveLength(3);
  expect(observer.routers()).toEqual(new Set([ROUTER_MAC, '02:00:00:00:00:44']));
});

test('in a flood of greetings those who come late share one answer, and none is left without', async () => {
  const { hear, wire, clock } = rigOf();
  for (let greeting = 0; greeting < 40; greeting += 1) hear('10.77.60.3', ROUTER_MAC, ROUTER_HELLO);
  expect(wire.asked).toHaveLength(1 + 10);
  await moment(clock, 1000);
  expect(wire.asked.filter((address) => address === ROUTER_ANSWER)).toHaveLength(11);
});

test('who is heard before the routers have answered is told of when they have, unless it is one of them', async () => {
  const { hear, seen, gone, clock } = rigOf({ isSettled: false });
  hear('10.77.60.11', ROUTER_MAC);
  hear('10.77.60.100');
  hear('10.77.60.3', ROUTER_MAC, ROUTER_ANSWER);
  expect(seen).toEqual([]);
  await moment(clock, 500);
  expect([seen, gone]).toEqual([['10.77.60.100/32'], []]);
});

test('a greeting that was lost is repeated once', async () => {
  const { wire, clock } = rigOf();
  await pass(clock, 60_000);
  expect(wire.asked).toEqual([ROUTER_HELLO, ROUTER_HELLO]);
});

test('a router that was taken for a client is taken back', () => {
  const { hear, seen, gone } = rigOf();
  hear('10.77.60.3', ROUTER_MAC);
  hear('10.77.60.3', ROUTER_MAC, ROUTER_HELLO);
  expect([seen, gone]).toEqual([['10.77.60.3/32'], ['10.77.60.3/32']]);
});

test('silence alone is no evidence: a machine is asked, and stays if it answers', async () => {
  const { hear, wire, clock, gone } = rigOf();
  hear('10.77.60.100');
  wire.setAnswer(at('10.77.60.100'), 'answered');
  await pass(clock, 60_000);
  expect(wire.probed).toEqual(['10.77.60.100/32']);
  await pass(clock, 45_000);
  expect(wire.probed).toHaveLength(1);
  expect(gone).toEqual([]);
});

test.each([
  ['silent', ['10.77.60.100/32']],
  ['unknown', []],
] as const)('an answer of %s after a minute', async (answer, expected) => {
  const { hear, wire, clock, gone } = rigOf();
  hear('10.77.60.100');
  wire.setAnswer(at('10.77.60.100'), answer);
  await pass(clock, 75_000);
  expect(gone).toEqual(expected);
});

test('the kernel giving up on a neighbour is a reason to ask at once', async () => {
  const { observer, wire, gone } = rigOf();
  const event = { kind: 'neighbor', interface: 'lan0', address: at('10.77.60.100') } as const;
  observer.acceptNeighbor({ ...event, mac: MAC, reachable: true });
  observer.acceptNeighbor({ ...event, mac: undefined, reachable: false });
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  expect(wire.probed).toEqual(['10.77.60.100/32']);
  expect(gone).toEqual(['10.77.60.100/32']);
});

test('other interfaces and networks are somebody else’s', () => {
  const { observer, seen } = rigOf();
  const event = { kind: 'neighbor', mac: MAC, reachable: true } as const;
  observer.acceptNeighbor({ ...event, interface: 'wan0', address: at('10.77.60.100') });
  observer.acceptNeighbor({ ...event, interface: 'lan0', address: at('192.0.2.1') });
  expect(seen).toEqual([]);
});

test('an address that is captured meanwhile is dropped without a word: nobody has said that it is gone', async () => {
  const { hear, clock, ignored, gone, observer, wire } = rigOf();
  hear('10.77.60.100');
  ignored.add(at('10.77.60.100'));
  await pass(clock, 75_000);
  expect([gone, wire.probed]).toEqual([[], []]);
  expect(observer.present().size).toBe(0);
});

test('one asks whether a machine is still present', async () => {
  const { hear, clock, observer, wire } = rigOf();
  hear('10.77.60.100');
  expect(await observer.stillPresent(at('10.77.60.100'))).toBe(true);
  expect(await observer.stillPresent(at('10.77.60.101'))).toBe(false);
  expect(wire.probed).toEqual([]);
  wire.setAnswer(at('10.77.60.100'), 'answered');
  await pass(clock, 75_000);
  expect(await observer.stillPresent(at('10.77.60.100'))).toBe(true);
});

test('machines that were there before are asked for, one after the other, and are observed when they answer', async () => {
  const { observer, wire, clock, hear, seen, gone } = rigOf({ isSettled: false });
  const asked = wire.asked.length;
  const looking = observer.lookFor([at('10.77.60.100'), at('10.77.60.101')]);
  expect(wire.asked).toHaveLength(asked); // a router would answer for what it captures, and is not known yet
  await moment(clock, 500);
  expect(wire.asked.slice(asked)).toEqual(['10.77.60.100/32']);
  clock.advance(50);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  expect(wire.asked.slice(asked)).toEqual(['10.77.60.100/32', '10.77.60.101/32']);
  hear('10.77.60.101');
  clock.advance(50);
  await looking;
  expect([seen, gone]).toEqual([['10.77.60.101/32'], []]);
});

test('a machine that goes on speaking is told of again, since it may have been refused meanwhile', () => {
  const { hear, seen, clock } = rigOf();
  hear('10.77.60.100');
  hear('10.77.60.100');
  expect(seen).toHaveLength(1);
  clock.advance(6000);
  hear('10.77.60.100');
  expect(seen).toEqual(['10.77.60.100/32', '10.77.60.100/32']);
});

test('a flood of invented senders is believed at 200 a second', () => {
  const { hear, clock, seen } = rigOf();
  const flood = (network: number): void => {
    for (let host = 2; host < 255; host += 1)
      for (let third = 0; third < 4; third += 1) hear(`10.${network}.${third}.${host}`);
  };
  flood(77);
  expect(seen).toHaveLength(200);
  clock.advance(1000);
  flood(78);
  expect(seen).toHaveLength(400);
});

function at(quad: string): HostAddress {
  const parsed = parseHostAddress(`${quad}/32`);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return parsed.value;
}

function pool() {
  const parsed = parseIpv4Prefix('10.77.60.0/24');
  if (!parsed.ok) throw new Error(parsed.error.code);
  return parsed.value;
}
