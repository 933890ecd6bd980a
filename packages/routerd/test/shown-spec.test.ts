import { expect, test } from 'vitest';
import { shownSpec } from '../src/views/shown-spec.ts';

test('what stands under a key that names a secret is covered, at any depth', () => {
  const spec = {
    executable: '/usr/bin/node',
    env: { AWS_SECRET_ACCESS_KEY: 'wJalr', HTTPS_PROXY: 'http://proxy', apiToken: 'abc' },
    peers: [{ presharedKey: 'x', publicKey: 'y' }],
    port: 7,
  };
  expect(shownSpec(spec)).toEqual({
    executable: '/usr/bin/node',
    env: { AWS_SECRET_ACCESS_KEY: '[redacted]', HTTPS_PROXY: 'http://proxy', apiToken: '[redacted]' },
    peers: [{ presharedKey: '[redacted]', publicKey: 'y' }],
    port: 7,
  });
});

test('a path to a secret is shown', () => {
  const spec = { enrolmentTokenFile: '/etc/routerd/token', privateKeyFile: '/etc/routerd/key' };
  expect(shownSpec(spec)).toEqual(spec);
});
