import { expect, test } from 'vitest';
import { identityLimitMs } from '../src/identity-limit.ts';

test('the limit is the usual one unless the plugin is told another', () => {
  expect(identityLimitMs(10_000, {})).toBe(10_000);
  expect(identityLimitMs(10_000, { ROUTERD_IDENTITY_LIMIT_MS: '' })).toBe(10_000);
  expect(identityLimitMs(10_000, { ROUTERD_IDENTITY_LIMIT_MS: '2500' })).toBe(2500);
});

test.each(['0', '-1', '2s', '600001', 'Infinity'])('a limit of %s is refused by name', (text) => {
  expect(() => identityLimitMs(10_000, { ROUTERD_IDENTITY_LIMIT_MS: text })).toThrow(`not "${text}"`);
});
