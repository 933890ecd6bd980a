import { expect, test } from 'vitest';
import { liesWithin, powerPolicyOf, presenceFact, presenceOf } from '../src/index.ts';

const WORDS = { here: ['on'], stopped: ['off'], gone: ['scrapped'] };

test.each([
  ['on', 'hold', 'here'],
  ['on', 'release', 'here'],
  ['off', 'hold', 'here'],
  ['off', 'release', 'gone'],
  ['scrapped', 'hold', 'gone'],
  ['on fire', 'release', 'unknown'],
  [undefined, 'release', 'unknown'],
] as const)('a machine that is %s is by the policy %s %s', (state, policy, expected) => {
  expect(presenceOf(state, WORDS, policy)).toBe(expected);
});

test('only what is gone is told expired', () => {
  const told = (['here', 'unknown', 'gone'] as const).map((presence) => presenceFact('10.77.60.21/32', presence).type);
  expect(told.map((type) => type.slice('routerd.client.ipv4.'.length))).toEqual(['observed', 'observed', 'expired']);
});

test('the policy is hold unless it is named, and nothing else is taken for one', () => {
  expect([powerPolicyOf(undefined), powerPolicyOf('release')]).toEqual(['hold', 'release']);
  expect(() => powerPolicyOf('off')).toThrow('is neither hold nor release');
});

test.each([
  ['10.77.60.0/24', '10.77.60.255', true],
  ['10.77.60.0/24', '10.77.61.0', false],
  ['10.77.60.11/32', '10.77.60.11', true],
  ['0.0.0.0/0', '255.255.255.255', true],
  ['10.77.60.0/24', 'fd00::1', false],
  ['10.77.60.0/33', '10.77.60.1', false],
  ['nothing', '10.77.60.1', false],
])('%s has %s: %s', (prefix, address, expected) => {
  expect(liesWithin(prefix, address)).toBe(expected);
});
