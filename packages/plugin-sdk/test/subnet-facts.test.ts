import { describe, expect, test } from 'vitest';
import { poolSettingsOf, requiredVariable, subnetResult, type SubnetNic } from '../src/index.ts';

const WORDS = { here: ['up'], stopped: ['down'], gone: ['over'] };
const SETTINGS = { pool: 'lab', prefix: '10.77.60.0/24', powerPolicy: 'hold', factTtl: undefined } as const;
const POOL = { apiVersion: 'mobility.routerd.net/v1alpha1', kind: 'MobilityPool', name: 'lab', spec: SETTINGS };
const OWN: SubnetNic = { id: 'own', addresses: ['10.77.60.4', '10.77.60.90'], mayForward: true, machineId: 'router' };
const VM: SubnetNic = {
  id: 'nic',
  addresses: ['10.77.60.21', '10.77.60.22', '192.0.2.1'],
  mayForward: false,
  machineId: 'vm',
};

function told(nics: readonly SubnetNic[], state: string | undefined, powerPolicy: 'hold' | 'release' = 'hold') {
  const notes: string[] = [];
  const states = new Map(state === undefined ? [] : [['vm', state]]);
  const view = { subnet: 'net', ownNic: 'own', nics, states };
  const { events = [] } = subnetResult({ ...SETTINGS, powerPolicy }, WORDS, view, (text) => notes.push(text));
  return { facts: events.map(({ type, subject, pool }) => `${type.split('.').at(-1)} ${subject} ${pool}`), notes };
}

describe('the facts of a subnet', () => {
  test.each([
    ['up', 'release', 'observed'],
    ['down', 'hold', 'observed'],
    ['down', 'release', 'expired'],
    ['over', 'hold', 'expired'],
    ['dreaming', 'release', 'observed'],
    [undefined, 'release', 'observed'],
  ] as const)(
    'of a machine that is %s, by the policy %s, are its addresses in the pool as %s',
    (state, policy, word) => {
      expect(told([OWN, VM], state, policy).facts).toEqual([
        `${word} 10.77.60.21/32 lab`,
        `${word} 10.77.60.22/32 lab`,
      ]);
    },
  );

  test('leave out what a router has captured and what no machine has', () => {
    const spare = { ...VM, id: 'spare', addresses: ['10.77.60.30'], machineId: undefined };
    const other = { ...OWN, id: 'other', addresses: ['10.77.60.5', '10.77.60.91'] };
    expect(told([OWN, other, spare], 'up')).toEqual({ facts: [], notes: ['3 NICs in net, 0 addresses told'] });
  });

  test('count as long as the operator says, where the pool is not to say it', () => {
    const view = { subnet: 'net', ownNic: 'own', nics: [OWN, VM], states: new Map([['vm', 'up']]) };
    const { events = [] } = subnetResult({ ...SETTINGS, factTtl: '30m' }, WORDS, view, () => undefined);
    expect(events.map(({ ttl }) => ttl)).toEqual(['30m', '30m']);
    expect(poolSettingsOf({ ROUTERD_FACT_TTL: '30m' }, { context: { resources: [POOL] } }).factTtl).toBe('30m');
  });

  test('name how many machines nobody knows the state of', () => {
    expect(told([OWN, VM], 'dreaming').notes[0]).toMatch(/^of 1 NICs nobody tells a state/);
  });

  test('are not taken from a listing without this router', () => {
    expect(() => told([VM], 'up')).toThrow('the listing of net does not include own: half of it is missing');
  });
});

describe('what an inventory is told', () => {
  test('is the pool of its context and the policy of its environment', () => {
    const context = { resources: [POOL] };
    expect(poolSettingsOf({}, { context })).toEqual(SETTINGS);
    expect(poolSettingsOf({ ROUTERD_POWER_STATE: 'release' }, { context }).powerPolicy).toBe('release');
    expect(() => poolSettingsOf({ ROUTERD_POWER_STATE: 'off' }, { context })).toThrow('neither hold nor release');
  });

  test.each([[[]], [[POOL, POOL]]])('has to be one pool', (resources) => {
    expect(() => poolSettingsOf({}, { context: { resources } })).toThrow('has to name one MobilityPool');
  });

  test('has every variable that it needs', () => {
    expect(requiredVariable({ NIC: 'a' }, 'NIC')).toBe('a');
    expect(() => requiredVariable({ NIC: '' }, 'NIC', 'it names the NIC')).toThrow(
      'spec.env.NIC is missing: it names the NIC',
    );
    expect(() => requiredVariable({}, 'NIC')).toThrow(/^spec\.env\.NIC is missing$/);
  });
});
