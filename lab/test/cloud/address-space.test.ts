import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addressesOf,
  assign,
  createAddressSpace,
  freeAddresses,
  holderOf,
  setForwarding,
  settle,
  unassign,
  type AddressSpace,
  type SpaceResult,
} from '../../src/cloud/address-space.ts';
import { sampleConfig, sampleSpace, valueOf } from './sample-space.ts';

const give = (space: AddressSpace, nicId: string, addresses: readonly string[], takeOver = false): SpaceResult =>
  assign(space, { nicId, addresses, mayTake: () => takeOver, settled: true });
const held = (space: AddressSpace, nicId: string): readonly string[] => {
  const nic = space.nics.get(nicId);
  return nic === undefined ? [] : addressesOf(nic);
};
const refusal = (result: SpaceResult): string => (result.ok ? 'none' : result.error.code);

describe('assigning', () => {
  test('adds secondaries after the primary, in order, and leaves alone what is there', () => {
    const once = valueOf(give(sampleSpace(), 'eni-a', ['10.77.60.21', '10.77.60.20']));
    expect(held(valueOf(give(once, 'eni-a', ['10.77.60.21'])), 'eni-a')).toEqual([
      '10.77.60.4',
      '10.77.60.21',
      '10.77.60.20',
    ]);
  });

  test.each([
    ['10.77.61.9', 'address.outside-subnet'],
    ['10.77.60.999', 'address.outside-subnet'],
    ['nonsense', 'address.outside-subnet'],
    ['10.77.60.0', 'address.reserved'],
    ['10.77.60.3', 'address.reserved'],
    ['10.77.60.255', 'address.reserved'],
    ['10.77.60.11', 'address.primary'],
  ])('refuses %s as %s, and the good one beside it', (address, code) => {
    const space = sampleSpace();
    expect(refusal(give(space, 'eni-a', ['10.77.60.20', address], true))).toBe(code);
    expect(held(space, 'eni-a')).toEqual(['10.77.60.4']);
  });

  test('takes from another NIC only when that is allowed', () => {
    const space = valueOf(give(sampleSpace(), 'eni-a', ['10.77.60.20']));
    expect(refusal(give(space, 'eni-b', ['10.77.60.20']))).toBe('address.held-elsewhere');
    const moved = valueOf(give(space, 'eni-b', ['10.77.60.20'], true));
    expect(held(moved, 'eni-a')).toEqual(['10.77.60.4']);
    expect(holderOf(moved, '10.77.60.20')?.id).toBe('eni-b');
  });

  test('counts the primary towards the limit of the type: 6 for t3.medium', () => {
    const five = ['20', '21', '22', '23', '24'].map((octet) => `10.77.60.${octet}`);
    const full = valueOf(give(sampleSpace(), 'eni-a', five));
    expect(refusal(give(full, 'eni-a', ['10.77.60.25']))).toBe('address.limit');
    expect(refusal(give(full, 'eni-a', five))).toBe('none');
  });

  test('knows reserved addresses by vendor: OCI keeps two at the start, not four', () => {
    const space = createAddressSpace(sampleConfig('oci'));
    expect(refusal(give(space, 'eni-a', ['10.77.60.2']))).toBe('none');
    expect(refusal(give(space, 'eni-a', ['10.77.60.1']))).toBe('address.reserved');
  });
});

describe('unassigning', () => {
  test('refuses absent addresses by name, and the primary', () => {
    const space = valueOf(give(sampleSpace(), 'eni-a', ['10.77.60.20']));
    expect(unassign(space, 'eni-a', ['10.77.60.20', '10.77.60.30'])).toMatchObject({
      error: { code: 'address.not-assigned', addresses: ['10.77.60.30'] },
    });
    expect(refusal(unassign(space, 'eni-a', ['10.77.60.4']))).toBe('address.primary');
    expect(refusal(unassign(space, 'eni-x', []))).toBe('address.nic-not-found');
    expect(held(valueOf(unassign(space, 'eni-a', ['10.77.60.20'])), 'eni-a')).toEqual(['10.77.60.4']);
  });
});

test('a reservation occupies the address, and settles later', () => {
  const reserved = valueOf(
    assign(sampleSpace(), { nicId: 'eni-a', addresses: ['10.77.60.20'], mayTake: () => false, settled: false }),
  );
  expect(refusal(give(reserved, 'eni-b', ['10.77.60.20']))).toBe('address.held-elsewhere');
  expect(reserved.nics.get('eni-a')?.secondaries).toEqual([{ address: '10.77.60.20', settled: false }]);
  expect(settle(reserved, 'eni-a').nics.get('eni-a')?.secondaries).toEqual([{ address: '10.77.60.20', settled: true }]);
});

test('free addresses are those that nobody holds or keeps', () => {
  const free = freeAddresses(sampleSpace());
  expect(free).toHaveLength(256 - 5 - 3);
  expect(free[0]).toBe('10.77.60.6');
});

test('a configuration that contradicts itself is refused at the start', () => {
  const config = sampleConfig();
  const [first] = config.instances;
  if (first === undefined) throw new Error('the sample has instances');
  const twin = { ...first, name: 'twin', nicId: 'eni-twin' };
  expect(() => createAddressSpace({ ...config, instances: [first, twin] })).toThrow('share an address');
  expect(() => createAddressSpace({ ...config, instances: [{ ...first, type: 'x9.huge' }] })).toThrow('x9.huge');
  expect(() => createAddressSpace({ ...config, instances: [{ ...first, privateIp: '10.1.1.1' }] })).toThrow('outside');
});

test('whatever is asked, an address has one holder, primaries stay, and no NIC is over its limit', () => {
  const nicId = fc.constantFrom('eni-a', 'eni-b', 'eni-c', 'eni-x');
  const address = fc.integer({ min: 0, max: 30 }).map((octet) => `10.77.60.${octet}`);
  const addresses = fc.array(address, { maxLength: 4 });
  const step = fc.oneof(
    fc.record({ verb: fc.constant('assign' as const), nicId, addresses, takeOver: fc.boolean() }),
    fc.record({ verb: fc.constant('unassign' as const), nicId, addresses }),
    fc.record({ verb: fc.constant('forwarding' as const), nicId, enabled: fc.boolean() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let space = sampleSpace();
      for (const each of steps) {
        const before = space;
        const result =
          each.verb === 'assign'
            ? give(space, each.nicId, each.addresses, each.takeOver)
            : each.verb === 'unassign'
              ? unassign(space, each.nicId, each.addresses)
              : setForwarding(space, each.nicId, each.enabled);
        space = result.ok ? result.value : before;
        const nics = [...space.nics.values()];
        const all = nics.flatMap(addressesOf);
        expect(new Set(all).size).toBe(all.length);
        expect(nics.map(({ primary }) => primary)).toEqual(['10.77.60.4', '10.77.60.5', '10.77.60.11']);
        expect(nics.every((nic) => addressesOf(nic).length <= nic.addressesMax)).toBe(true);
      }
    }),
  );
});
