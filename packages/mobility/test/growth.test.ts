/** Work grows with what changed: it is counted, because milliseconds say more of a machine than of code. */
import type { HostAddress } from '@routerd/resources';
import { planAddress, PoolWorld, type CaptureEpoch, type CaptureKey, type CapturePhase } from '@routerd/mobility';
import { describe, expect, test } from 'vitest';
import { addressOf, largeContext, memberNamed, recordOf, sightingOf, situationOf } from './bench/large-world.ts';

const NO_MARKS: ReadonlyMap<CaptureKey, CaptureEpoch> = new Map();

describe('news of one address in a world of thousands', () => {
  const world = worldOf(4096, 'held');
  const situation = situationOf(world.context, new Set(world.heldBySelf().keys()));
  world.replanAll(world.addresses(), situation, NO_MARKS);
  const address = addressOf(7);

  test('plans that address alone when it is a fact', () => {
    world.acceptSighting(sightingOf(address, 'onprem', memberNamed(world.context, 'onprem-router-a').node, 1));
    const changes = world.replanAll([address], situation, NO_MARKS);
    expect(changes.map(({ after }) => after.address)).toEqual([address]);
  });

  test('touches that address alone when it is a record that changes nobody’s room', () => {
    const record = recordOf(world.context, address, memberNamed(world.context, 'aws-router-a'));
    expect(world.acceptRecord(record.key, { ...record, phase: 'releasing' })).toEqual([address]);
  });
});

test('a release of everything that a NIC carries looks through what is held once, and not once for each address', () => {
  for (const count of [500, 1000, 2000]) {
    const world = worldOf(count, 'releasing');
    const held = new CountedMap(world.heldBySelf());
    const situation = { ...world.situationIn(situationOf(world.context, new Set())), heldBySelf: held };
    const plans = [...world.addresses()].map((each) =>
      planAddress(world.context, situation, world.input(each, NO_MARKS)),
    );
    expect(plans.filter(({ transition }) => transition?.phase === 'vacant')).toHaveLength(count - 1);
    expect(plans.flatMap(({ actions }) => actions.map(({ verb }) => verb))).toEqual(['ensure-forwarding-disabled']);
    expect(held.steps).toBeLessThanOrEqual(2 * count);
  }
});

/** Every address was in the LAN and is gone when it is being released; this router captures all of them. */
function worldOf(count: number, phase: CapturePhase): PoolWorld {
  const context = largeContext('aws-router-a', false);
  const world = new PoolWorld(context, []);
  const source = memberNamed(context, 'onprem-router-a').node;
  for (let index = 0; index < count; index += 1) {
    const address: HostAddress = addressOf(index);
    const kind = phase === 'releasing' ? 'expired' : 'observed';
    world.acceptSighting({ ...sightingOf(address, 'onprem', source, 0), kind });
    const record = recordOf(context, address, memberNamed(context, 'aws-router-a'));
    world.acceptRecord(record.key, { ...record, phase });
  }
  return world;
}

/** Counts how many of its entries were looked at one after another. */
class CountedMap<K, V> extends Map<K, V> {
  steps = 0;

  override *[Symbol.iterator](): MapIterator<[K, V]> {
    for (const entry of super.entries()) {
      this.steps += 1;
      yield entry;
    }
  }
}
