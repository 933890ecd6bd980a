import { hostAddressOf, instant, parseIpv4, type HostAddress } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { createMemoryHost, type MemoryHost } from '../src/adapters/memory/memory-host.ts';
import { MemoryLedger } from '../src/adapters/memory/memory-ledger.ts';
import { EMPTY_HOST_STATE, type HostState } from '../src/host-state.ts';
import { lower } from '../src/lower/lower.ts';
import type { Host, OwnedObject } from '../src/ports.ts';
import type { Withhold } from '../src/reconciler/withholding.ts';
import { createHostReconciler, type HostReconciler } from '../src/reconciler/host-reconciler.ts';
import { overlayPeer, providerClaim, proxyArpClaim } from './claims.ts';

function stateOf(...addresses: readonly string[]): HostState {
  const claims = addresses.map((address) => proxyArpClaim(`${address}/32`, 'aws'));
  return lower([overlayPeer('aws', { interface: 'tun-a' }), ...claims], { isCaptureOpen: () => true }).state;
}

const one = stateOf('10.77.60.11');
const two = stateOf('10.77.60.11', '10.77.60.12');

interface Rig {
  readonly host: MemoryHost;
  readonly ledger: MemoryLedger;
  readonly clock: ManualClock;
  readonly log: RecordingLog;
  readonly reconciler: HostReconciler;
}

function rigOf(parts: Partial<Pick<Rig, 'host' | 'ledger'>> = {}): Rig {
  const host = parts.host ?? createMemoryHost({ links: [{ name: 'lan0' }, { name: 'tun-a' }] });
  const ledger = parts.ledger ?? new MemoryLedger();
  const clock = new ManualClock(instant(0));
  const log = new RecordingLog();
  return { host, ledger, clock, log, reconciler: createHostReconciler({ host, ledger, clock, log }) };
}

/** Lets what waits for a burst of events go on. */
async function settle({ clock, reconciler }: Rig, turnMs = 5): Promise<void> {
  const settled = reconciler.settled();
  for (let turn = 0; turn < 20; turn += 1) {
    await Promise.resolve();
    clock.advance(turnMs);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  await settled;
}

test('nothing is done before start, and the host is read before it is changed', async () => {
  const rig = rigOf();
  rig.reconciler.setDesired(one);
  await settle(rig);
  expect([rig.host.readings, rig.host.applied]).toEqual([0, []]);
  rig.reconciler.start();
  await settle(rig);
  expect(rig.host.readings).toBe(1);
  expect(rig.host.applied).toHaveLength(1);
  expect(rig.reconciler.status()).toMatchObject({ settled: true, residuals: [] });
});

test('a change of the desired state costs one apply and no reading', async () => {
  const rig = rigOf();
  rig.reconciler.start();
  rig.reconciler.setDesired(one);
  await settle(rig);
  const readings = rig.host.readings;
  rig.reconciler.setDesired(two);
  await settle(rig);
  expect(rig.host.applied.at(-1)?.map(({ verb }) => verb)).toEqual(['route-add', 'proxy-neighbor-add', 'announce']);
  expect(rig.host.readings).toBe(readings);
  expect(rig.host.needless).toEqual([]);
});

test('of several desired states the latest wins, and one apply is in flight at a time', async () => {
  const rig = rigOf();
  let inFlight = 0;
  let inFlightMax = 0;
  const apply = rig.host.apply.bind(rig.host);
  rig.host.apply = async (ops) => {
    inFlight += 1;
    inFlightMax = Math.max(inFlightMax, inFlight);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    inFlight -= 1;
    return apply(ops);
  };
  rig.reconciler.start();
  rig.reconciler.setDesired(one);
  await Promise.resolve();
  rig.reconciler.setDesired(two);
  rig.reconciler.setDesired(stateOf('10.77.60.13'));
  await settle(rig);
  expect(inFlightMax).toBe(1);
  expect(rig.reconciler.captured()).toEqual(new Set(['10.77.60.13/32']));
  expect(rig.host.needless).toEqual([]);
});

test('a restart with the same desired state changes nothing', async () => {
  const rig = rigOf();
  rig.reconciler.start();
  rig.reconciler.setDesired(two);
  await settle(rig);
  await rig.reconciler.stop();
  const shown = rig.host.render();
  const again = rigOf({ host: rig.host, ledger: rig.ledger });
  const batches = rig.host.applied.length;
  again.reconciler.start();
  again.reconciler.setDesired(two);
  await settle(again);
  expect(rig.host.applied).toHaveLength(batches);
  expect(rig.host.render()).toEqual(shown);
  expect(again.reconciler.status()).toMatchObject({ settled: true, opsLanded: 0 });
});

test('a route that somebody deletes is put back; our own changes, which the kernel reports too, are not read again', async () => {
  const rig = rigOf();
  rig.reconciler.start();
  rig.reconciler.setDesired(two);
  await settle(rig);
  expect(rig.host.readings).toBe(1);
  rig.host.deleteRoute('10.77.60.11/32');
  await settle(rig);
  expect(rig.host.applied.at(-1)?.map(({ verb }) => verb)).toEqual(['route-add']);
  expect(rig.host.readings).toBe(2);
});

test('a link that goes down silently takes captures with it, and they come back', async () => {
  const rig = rigOf();
  rig.reconciler.start();
  rig.reconciler.setDesired(two);
  await settle(rig);
  rig.host.setLink('lan0', false);
  rig.host.setLink('lan0', true);
  await settle(rig);
  expect(rig.reconciler.captured()).toEqual(new Set(['10.77.60.11/32', '10.77.60.12/32']));
  rig.host.setLink('tun-a', false);
  await settle(rig);
  expect(rig.reconciler.status().residuals.map(({ op }) => op.verb)).toEqual(['route-add', 'route-add']);
  rig.host.setLink('tun-a', true);
  await settle(rig);
  expect(rig.reconciler.status()).toMatchObject({ settled: true, residuals: [] });
});

test('what did not land is in the status and is tried again, ever more slowly, and said once', async () => {
  const rig = rigOf();
  rig.host.failOn('route-add', { code: 'host.failed', detail: 'broken', retry: 'later' });
  rig.reconciler.start();
  rig.reconciler.setDesired(one);
  await settle(rig);
  expect(rig.reconciler.status()).toMatchObject({
    settled: false,
    residuals: [
      { op: { verb: 'route-add' }, fault: { detail: 'broken' } },
      {
        op: { verb: 'proxy-neighbor-add' },
        fault: { detail: 'nothing is attracted to 10.77.60.11/32 before it has its route' },
      },
      {
        op: { verb: 'announce' },
        fault: { detail: 'nothing is attracted to 10.77.60.11/32 before it is captured' },
      },
    ],
  });
  expect(rig.reconciler.captured()?.size).toBe(0);
  rig.clock.advance(60_000);
  await settle(rig);
  const tries = rig.host.applied.length;
  expect(tries).toBeGreaterThan(1);
  expect(rig.log.lines.filter(({ fields }) => fields['event'] === 'dataplane.host.residual')).toHaveLength(3);
  rig.host.failOn('route-add', undefined);
  for (let second = 0; second < 10; second += 1) {
    rig.clock.advance(1000);
    await settle(rig);
  }
  expect(rig.reconciler.status()).toMatchObject({ settled: true, residuals: [] });
});

test.each([
  ['ten seconds, where a reading takes next to nothing', 0, 10_000],
  ['a minute, where a reading takes long', 300, 60_000],
])('what the kernel tells nobody is mended within %s', async (_, readingMs, withinMs) => {
  const { host, ledger, clock, log } = rigOf();
  const slow: Host = {
    observe: async () => {
      clock.advance(readingMs);
      return host.observe();
    },
    apply: async (ops) => host.apply(ops),
    watch: (listener) => host.watch(listener),
  };
  const rig = { host, ledger, clock, log, reconciler: createHostReconciler({ host: slow, ledger, clock, log }) };
  const turnMs = readingMs === 0 ? 1 : 50; // time goes on while the host is read
  rig.reconciler.start();
  rig.reconciler.setDesired(one);
  await settle(rig, turnMs);
  // The first look comes before anybody knows how long a reading takes, at least for a host that was not read yet.
  clock.advance(10_000);
  await settle(rig, turnMs);
  const isThere = async (): Promise<boolean> => {
    const observed = await host.observe();
    return observed.ok && observed.value.proxyNeighbors.length > 0;
  };
  const [neighbor] = one.proxyNeighbors;
  expect(neighbor).toBeDefined();
  if (neighbor !== undefined) await host.apply([{ verb: 'proxy-neighbor-remove', neighbor }]);
  expect(await isThere()).toBe(false);
  clock.advance(withinMs - 5000);
  await settle(rig, turnMs);
  expect(await isThere()).toBe(false);
  clock.advance(5000);
  await settle(rig, turnMs);
  expect(await isThere()).toBe(true);
  await rig.reconciler.stop();
});

test('a host that cannot be read is left alone until it can', async () => {
  const rig = rigOf();
  rig.host.failReading({ code: 'host.timed-out', detail: 'too slow', retry: 'later' });
  rig.reconciler.start();
  rig.reconciler.setDesired(one);
  await settle(rig);
  expect(rig.host.applied).toEqual([]);
  expect(rig.reconciler.captured()).toBeUndefined();
  expect(rig.reconciler.status()).toMatchObject({ settled: false, readingFault: 'too slow' });
  rig.host.failReading(undefined);
  rig.clock.advance(10_000);
  await settle(rig);
  expect(rig.reconciler.captured()).toEqual(new Set(['10.77.60.11/32']));
});

test('somebody who undoes every change does not keep the host busy', async () => {
  const rig = rigOf();
  rig.reconciler.start();
  rig.reconciler.setDesired(one);
  await settle(rig);
  const apply = rig.host.apply.bind(rig.host);
  rig.host.apply = async (ops) => {
    const residuals = await apply(ops);
    rig.host.deleteRoute('10.77.60.11/32');
    return residuals;
  };
  rig.host.deleteRoute('10.77.60.11/32');
  await settle(rig);
  const before = rig.host.applied.length;
  for (let step = 0; step < 100; step += 1) {
    rig.clock.advance(100);
    await settle(rig);
  }
  // 20 s of manual time, at most 5 s between tries.
  expect(rig.host.applied.length - before).toBeLessThan(15);
  expect(rig.host.applied.length - before).toBeGreaterThan(2);
});

test('nothing is removed while the desired state is said to be incomplete', async () => {
  const rig = rigOf();
  rig.reconciler.start();
  rig.reconciler.setDesired(two);
  await settle(rig);
  rig.reconciler.setDesired(stateOf(), { retainSurplus: true });
  await settle(rig);
  expect(rig.reconciler.captured()?.size).toBe(2);
  rig.reconciler.setDesired(stateOf());
  await settle(rig);
  expect(rig.reconciler.captured()?.size).toBe(0);
  expect(rig.ledger.entries()).toEqual([]);
});

test('a setting is recorded before it is changed, and what was recorded first is kept', async () => {
  const rig = rigOf();
  rig.host.failOn('sysctl-set', { code: 'host.refused', detail: 'read-only', retry: 'never' });
  rig.reconciler.start();
  rig.reconciler.setDesired(one);
  await settle(rig);
  expect(rig.ledger.entries()).toContainEqual({ key: 'sysctl:net/ipv4/neigh/lan0/proxy_delay', priorValue: '80' });
  rig.host.failOn('sysctl-set', undefined);
  rig.host.setSysctl('net/ipv4/neigh/lan0/proxy_delay', '40');
  await rig.reconciler.refresh();
  expect(rig.ledger.entries()).toContainEqual({ key: 'sysctl:net/ipv4/neigh/lan0/proxy_delay', priorValue: '80' });
});

/** A ledger on a disk that is full, until it is not. */
class FullLedger extends MemoryLedger {
  isFull = true;

  override record(objects: readonly OwnedObject[]): void {
    if (this.isFull) throw new Error('no space left');
    super.record(objects);
  }

  override forget(keys: readonly string[]): void {
    if (this.isFull) throw new Error('no space left');
    super.forget(keys);
  }
}

test('on a full disk nothing is changed that could not be put back, all else is kept up, and it goes on with the space', async () => {
  const ledger = new FullLedger();
  const rig = rigOf({ ledger });
  rig.reconciler.start();
  rig.reconciler.setDesired(one);
  await settle(rig);
  expect(rig.host.applied[0]?.map(({ verb }) => verb)).toEqual([
    'route-add',
    'mss-replace',
    'proxy-neighbor-add',
    'announce',
  ]);
  const { residuals } = rig.reconciler.status();
  expect(new Set(residuals.map(({ op, fault }) => `${op.verb} ${fault.code} ${fault.detail}`))).toEqual(
    new Set(['sysctl-set host.failed what was there before cannot be recorded: no space left']),
  );
  // Kept up: what somebody deletes comes back.
  rig.host.deleteRoute('10.77.60.11/32');
  await settle(rig, 100);
  expect(rig.host.shown().routes).toHaveLength(1);

  ledger.isFull = false;
  await settle(rig, 1000);
  await settle(rig, 1000);
  expect(rig.reconciler.status()).toMatchObject({ settled: true, residuals: [] });
  expect(ledger.entries()).toContainEqual({ key: 'sysctl:net/ipv4/ip_forward', priorValue: '0' });
  await rig.reconciler.stop();
});

test('what could not be forgotten on a full disk is forgotten before the next change is recorded', async () => {
  const ledger = new FullLedger();
  ledger.isFull = false;
  const rig = rigOf({ ledger });
  rig.reconciler.start();
  rig.reconciler.setDesired(one);
  await settle(rig);
  ledger.isFull = true;
  rig.reconciler.setDesired(EMPTY_HOST_STATE);
  await settle(rig);
  expect(rig.host.shown().sysctls.get('net/ipv4/ip_forward')).toBe('0');
  expect(ledger.entries()).not.toEqual([]);
  // While we do not manage it, somebody else sets it: that is what is to be put back next time.
  rig.host.setSysctl('net/ipv4/ip_forward', '1');
  await rig.reconciler.refresh();
  ledger.isFull = false;
  rig.reconciler.setDesired(one);
  await settle(rig);
  expect(ledger.entries().map(({ key }) => key)).not.toContain('sysctl:net/ipv4/ip_forward');
  await rig.reconciler.stop();
});

test('a guest agent’s address is taken off again', async () => {
  const rig = rigOf();
  const claims = [overlayPeer('aws', { interface: 'tun-a' }), providerClaim('10.77.60.11/32', 'aws')];
  rig.reconciler.start();
  rig.reconciler.setDesired(lower(claims, { isCaptureOpen: () => false }).state);
  await settle(rig);
  rig.host.addAddress('lan0', '10.77.60.11/24');
  await settle(rig);
  expect(rig.host.render().filter((line) => line.startsWith('addr'))).toEqual([]);
});

test('neighbours that the kernel sees are passed on, and listeners can leave', async () => {
  const rig = rigOf();
  const seen: HostAddress[] = [];
  rig.reconciler.start();
  const leave = rig.reconciler.onNeighbor(({ address }) => seen.push(address));
  rig.host.seeNeighbor('lan0', addressOf('10.77.60.100'), '02:00:00:00:00:64');
  leave();
  rig.host.seeNeighbor('lan0', addressOf('10.77.60.101'), '02:00:00:00:00:65');
  expect(seen).toEqual(['10.77.60.100/32']);
  await settle(rig);
});

function addressOf(quad: string): HostAddress {
  const parsed = parseIpv4(quad);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return hostAddressOf(parsed.value);
}

test('what is withheld is not made, the rest is; it is said once, and made when nobody withholds it any more', async () => {
  const rig = rigOf();
  rig.reconciler.start();
  const withhold: Withhold = (ops) =>
    ops.flatMap((op) => (op.verb === 'route-add' ? [{ op, reason: 'It cuts somebody off.' }] : []));
  rig.reconciler.setDesired(one, { withhold });
  await settle(rig);
  const verbs = rig.host.applied.flatMap((ops) => ops.map(({ verb }) => verb));
  expect(verbs).toContain('proxy-neighbor-add');
  expect(verbs).not.toContain('route-add');
  expect(rig.reconciler.status()).toMatchObject({
    settled: false,
    residuals: [],
    withheld: [{ op: { verb: 'route-add' }, reason: 'It cuts somebody off.' }],
  });
  const batches = rig.host.applied.length;
  rig.clock.advance(60_000);
  await settle(rig);
  expect(rig.host.applied).toHaveLength(batches);
  expect(rig.log.lines.filter(({ fields }) => fields['event'] === 'dataplane.host.withheld')).toHaveLength(1);
  rig.reconciler.setDesired(one);
  await settle(rig);
  expect(rig.host.applied.at(-1)?.map(({ verb }) => verb)).toEqual(['route-add']);
  expect(rig.reconciler.status()).toMatchObject({ settled: true, withheld: [] });
});

test('what another router may answer for by now is closed while a reading is in flight, and the host is read anew', async () => {
  const host = createMemoryHost({ links: [{ name: 'lan0' }, { name: 'tun-a' }] });
  let slow: Promise<undefined> = Promise.resolve(undefined);
  const observe = host.observe.bind(host);
  const rig = rigOf({
    host: Object.assign(host, {
      observe: async (settings: Parameters<typeof observe>[0]) => {
        await slow;
        return observe(settings);
      },
    }),
  });
  rig.reconciler.setDesired(two);
  rig.reconciler.start();
  await settle(rig);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  slow = promise;
  const refreshed = rig.reconciler.refresh();
  rig.reconciler.setDesired(EMPTY_HOST_STATE);
  await new Promise(setImmediate);
  expect(host.shown().proxyNeighbors).toHaveLength(2); // another wish waits for the reading
  rig.reconciler.setDesired(EMPTY_HOST_STATE, { closedInterfaces: new Set(['lan0']) });
  await new Promise(setImmediate);
  expect(host.shown().proxyNeighbors).toEqual([]);
  const before = host.readings;
  resolve(undefined);
  await settle(rig);
  await refreshed;
  // The one that was overtaken, and the one that is believed.
  expect(host.readings - before).toBe(2);
  expect(host.needless).toEqual([]);
  expect(rig.reconciler.status()).toMatchObject({ settled: true, residuals: [] });
});
