/** Whatever way a host came, it looks as if it had come straight; and after nothing is desired any more, as if we had never been there. */
import { instant, ofKind, type Resource } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { createMemoryHost, type MemoryHost } from '../src/adapters/memory/memory-host.ts';
import { MemoryLedger } from '../src/adapters/memory/memory-ledger.ts';
import { diffHost } from '../src/diff/diff-host.ts';
import { diffSince } from '../src/diff/diff-since.ts';
import { describeOp } from '../src/describe-op.ts';
import { HostPicture } from '../src/host-picture.ts';
import type { ObservedHost } from '../src/host-op.ts';
import { EMPTY_HOST_STATE, type HostState } from '../src/host-state.ts';
import { lower } from '../src/lower/lower.ts';
import { OwnershipMirror } from '../src/reconciler/ownership-mirror.ts';
import { createHostReconciler } from '../src/reconciler/host-reconciler.ts';
import { drawConfiguration, drawLinks, randomFrom, type DrawnConfiguration } from './random-configuration.ts';

const SEEDS = Array.from({ length: 25 }, (_, index) => index + 1);
const STEPS = 20;

function freshHost(): MemoryHost {
  return createMemoryHost({
    links: [{ name: 'lan0' }, { name: 'tun-a' }, { name: 'tun-b' }, { name: 'spare' }],
    addresses: [{ interface: 'lan0', address: '10.77.60.2/24' }],
    sysctls: { 'net/ipv4/conf/lan0/rp_filter': '0' },
  });
}

function drawn(random: () => number): DrawnConfiguration {
  const { resources, gates } = drawConfiguration(random);
  return { resources: [...resources, ...drawLinks(random)], gates };
}

function stateOf({ resources, gates }: DrawnConfiguration): HostState {
  return lower(resources, gates).state;
}

async function walk(host: MemoryHost, states: readonly HostState[], disturb: (step: number) => void): Promise<void> {
  const clock = new ManualClock(instant(0));
  const reconciler = createHostReconciler({ host, ledger: new MemoryLedger(), clock, log: new RecordingLog() });
  const settle = async (): Promise<void> => {
    const settled = reconciler.settled();
    for (let turn = 0; turn < 6; turn += 1) {
      clock.advance(200);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    await settled;
  };
  reconciler.start();
  for (const [step, state] of states.entries()) {
    reconciler.setDesired(state);
    if (step % 3 !== 0) await settle();
    disturb(step);
  }
  await settle();
  await settle();
  expect(reconciler.status()).toMatchObject({ settled: true, residuals: [] });
  await reconciler.stop();
}

test.each(SEEDS)('seed %d: a walk ends where a straight way ends, and leaves nothing behind', async (seed) => {
  const random = randomFrom(seed);
  const states = Array.from({ length: STEPS }, () => stateOf(drawn(random)));
  const host = freshHost();
  const before = host.render();
  await walk(host, states, () => {
    const [route] = host.shown().routes;
    if (random() < 0.3 && route !== undefined) host.deleteRoute(route.destination);
    if (random() < 0.2) host.addAddress('lan0', `10.77.60.${20 + Math.floor(random() * 12)}/24`);
    if (random() < 0.1) {
      host.setLink('tun-a', false);
      host.setLink('tun-a', true);
    }
  });
  const straight = freshHost();
  await walk(straight, states.slice(-1), () => undefined);
  const foreign = host.shown().addresses.filter(({ interface: name }) => name === 'lan0').length - 1;
  expect(withoutGuestAddresses(host.render())).toEqual(withoutGuestAddresses(straight.render()));
  expect(foreign).toBeGreaterThanOrEqual(0);
  const again = freshHost();
  await walk(again, [...states, EMPTY_HOST_STATE], () => undefined);
  expect(again.render()).toEqual(before);
});

/** What a guest agent configured, and no claim of the last configuration forbids, is not ours to remove. */
function withoutGuestAddresses(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => !/^addr 10\.77\.60\.[23]\d\/24 dev lan0$/.test(line));
}

test.each(SEEDS)('seed %d: what differs between two configurations needs the same ops as the whole', (seed) => {
  const random = randomFrom(seed);
  const ownership = new OwnershipMirror(new MemoryLedger());
  const picture = new HostPicture(freshHostReading());
  let settled = EMPTY_HOST_STATE;
  let current = drawn(random);
  for (let step = 0; step < STEPS; step += 1) {
    // Some claims stay the values they are, as in the daemon; others are written anew.
    const next = drawn(random);
    current = {
      ...next,
      resources: random() < 0.5 ? mixed(current.resources, next.resources, random) : next.resources,
    };
    const desired = stateOf(current);
    const whole = diffHost(desired, picture.observed(), ownership.entries());
    const since = diffSince(settled, desired, picture, ownership.entries());
    expect(since.map(describeOp).toSorted()).toEqual(whole.map(describeOp).toSorted());
    // Among removals of one kind no order matters; between kinds it does.
    expect(since.map(({ verb }) => verb)).toEqual(whole.map(({ verb }) => verb));
    ownership.recordBefore(since);
    picture.land(since);
    ownership.forgetAfter(since);
    settled = desired;
  }
});

function freshHostReading(): ObservedHost {
  return freshHost().shown();
}

function mixed(before: readonly Resource[], after: readonly Resource[], random: () => number): readonly Resource[] {
  const kept = new Map(ofKind(before, 'RemoteAddressClaim').map((claim) => [claim.spec.address, claim]));
  return after.map((resource) => {
    if (resource.kind !== 'RemoteAddressClaim') return resource;
    const claim = kept.get(resource.spec.address);
    return claim !== undefined && random() < 0.7 ? claim : resource;
  });
}
